"""The redactor at pytest's outputs: reports, captured output, logs."""

from __future__ import annotations

import logging

import pytest

from pytest_apiauth.secrets import Redactor

LOGGERS = (
    "httpx", "httpx2",
    "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "httpcore2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks",
    "vcr.cassette", "vcr.matchers", "vcr.stubs", "vcr.request", "vcr.patch",
)  # fmt: skip
"""Loggers that print URLs, headers or bodies. A filter counts on the logger itself and not on its children."""


class RedactingFilter(logging.Filter):
    """Replaces known secrets in log records, before any handler sees them."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted."""
        message = record.getMessage()
        redacted = self._redactor.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, None
        return True


def redact_report(report: pytest.TestReport, redactor: Redactor) -> None:
    """Replace known secrets in everything that a report carries to terminal, JUnit and other plug-ins."""
    if report.longrepr is not None:
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, redactor.redact(reason))
        elif redactor.finds(report.longreprtext):
            report.longrepr = redactor.redact(report.longreprtext)
    report.sections = [(title, redactor.redact(text)) for title, text in report.sections]
    report.user_properties = [
        (name, redactor.redact(value) if isinstance(value, str) else value) for name, value in report.user_properties
    ]

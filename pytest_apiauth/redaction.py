"""The redactor at pytest's outputs: reports, captured output, logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

from pytest_apiauth.secrets import SHORTEST, Redactor, Secret, spellings

LOGGERS = (
    "httpx", "httpx2",
    "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "httpcore2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks",
    "vcr.cassette", "vcr.matchers", "vcr.stubs", "vcr.stubs.httpx_stubs", "vcr.stubs.aiohttp_stubs", "vcr.request",
    "vcr.patch",
)  # fmt: skip
"""Loggers that print URLs, headers or bodies. A filter counts on the logger itself and not on its children."""

DOTS: Final = "..."
LONGEST_HALF: Final = 400
"""pytest shows up to 240 characters of a value, and up to 640 of a comparison."""


class RedactingFilter(logging.Filter):
    """Replaces known secrets in log records, before any handler sees them."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self.watch: Callable[[logging.LogRecord], None] | None = None
        """Sees each record first, to learn from it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted."""
        if self.watch is not None:
            self.watch(record)
        message = record.getMessage()
        redacted = self._redactor.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, None
        return True


class OutputRedactor(Redactor):
    """A redactor that also knows a secret by its halves: pytest cuts long values in the middle.

    The halves are looked for beside three dots only, and their index is made when the first dots are met.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, str] = {}
        self._indexed = 0
        self._beginnings: dict[str, list[tuple[str, str]]] = {}
        self._endings: dict[str, list[tuple[str, str]]] = {}

    def learn(self, value: str | Secret, where: str | None = None) -> None:
        """Learn a value, as every redactor does."""
        super().learn(value, where)
        label = where or (value.where if isinstance(value, Secret) else "secret")
        raw = value.reveal() if isinstance(value, Secret) else value
        if len(raw) >= SHORTEST:
            self._values.setdefault(raw, label)

    def known(self) -> Iterable[tuple[str, str]]:
        """Give every learnt value with its label."""
        return list(self._values.items())

    def redact_cut(self, text: str) -> str:
        """Give the text with every learnt value replaced, and every half of one too."""
        text = self.redact(text)
        if DOTS not in text:
            return text
        self._index()
        first, *others = text.split(DOTS)
        shown = self._without_beginning(first)
        for number, piece in enumerate(others, 1):
            piece = self._without_ending(piece)
            shown += DOTS + (self._without_beginning(piece) if number < len(others) else piece)
        return shown

    def _index(self) -> None:
        values = list(self._values.items())
        for value, label in values[self._indexed :]:
            for form in spellings(value):
                self._beginnings.setdefault(form[:SHORTEST], []).append((form, label))
                self._endings.setdefault(form[-SHORTEST:], []).append((form, label))
        self._indexed = len(values)

    def _without_beginning(self, text: str) -> str:
        """Replace the beginning of a secret that a text ends with."""
        for place in range(max(0, len(text) - LONGEST_HALF), len(text) - SHORTEST + 1):
            for form, label in self._beginnings.get(text[place : place + SHORTEST], ()):
                if form.startswith(text[place:]):
                    return f"{text[:place]}[apiauth:{label}]"
        return text

    def _without_ending(self, text: str) -> str:
        """Replace the end of a secret that a text begins with."""
        for place in range(min(len(text), LONGEST_HALF), SHORTEST - 1, -1):
            for form, label in self._endings.get(text[place - SHORTEST : place], ()):
                if form.endswith(text[:place]):
                    return f"[apiauth:{label}]{text[place:]}"
        return text


def redact_report(report: pytest.TestReport, redactor: OutputRedactor) -> None:
    """Replace known secrets in everything that a report carries to terminal, JUnit and other plug-ins."""
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, redactor.redact_cut(reason))
    elif report.longrepr is not None:
        text = report.longreprtext
        if redactor.redact_cut(text) != text:
            report.longrepr = _redacted(report.longrepr, redactor)
            if redactor.finds(report.longreprtext):
                # A secret over several lines.
                report.longrepr = redactor.redact_cut(report.longreprtext)
    report.sections = [(title, redactor.redact_cut(text)) for title, text in report.sections]
    report.user_properties = [(name, _redacted(value, redactor)) for name, value in report.user_properties]


def _redacted(value: Any, redactor: OutputRedactor) -> Any:
    """Redact every text inside pytest's picture of an exception, which keeps its colours and its summary."""
    if isinstance(value, str):
        return redactor.redact_cut(value)
    if isinstance(value, list | tuple):
        return type(value)([_redacted(each, redactor) for each in value])
    if isinstance(value, dict):
        return {_redacted(key, redactor): _redacted(each, redactor) for key, each in value.items()}
    for name, each in getattr(value, "__dict__", {}).items():
        setattr(value, name, _redacted(each, redactor))
    return value

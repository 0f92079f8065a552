"""Answers of a test at a path where nobody asks, since it continues that of ``api_url``: told beside a failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    import pytest

    from pytest_apiauth.embedded import Server


def add_to_report(servers: Iterable[Server], report: pytest.TestReport) -> None:
    """Say which answers were given to no request since their path has that of ``api_url`` twice."""
    for server in servers if report.when == "call" else ():
        for own, request in server.misplaced:
            url, text = server.profile.url(own.place.shown), own.place.shown
            base = urlsplit(server.profile.base_url).path.rstrip("/")
            came = f"{request.method} {one_line(urlsplit(request.url).path)}"
            meant = text.removeprefix(base) if text.startswith(f"{base}/") else f"{own.place.origin}{text}"
            report.sections.append(
                (
                    "apiauth",
                    f"nobody asked for the test's own answer to {own.method} {text}: a path continues api_url, so it is"
                    f" at {url}; write {meant} for the {came} that came",
                )
            )

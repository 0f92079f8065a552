"""Answers of a test at a path where nobody asks, since it continues that of ``api_url``: told beside a failure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import pytest

    from pytest_apiauth.embedded import Server


def add_to_report(servers: Iterable[Server], report: pytest.TestReport) -> None:
    """Say which answers were given to no request since their path has that of ``api_url`` twice."""
    for server in servers if report.when == "call" else ():
        for own, request in server.misplaced:
            url, text = server.profile.url(own.place.shown), own.place.shown
            base = urlsplit(server.profile.base_url).path.rstrip("/")
            meant = text.removeprefix(base) if text.startswith(f"{base}/") else f"{own.place.origin}{text}"
            report.sections.append(
                (
                    "apiauth",
                    f"nobody asked for the test's own answer to {own.method} {text}, which is at {url}, since a path"
                    f" continues api_url; {request.method} {urlsplit(request.url).path} came, which is {meant!r} here",
                )
            )

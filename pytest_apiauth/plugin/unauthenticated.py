"""Requests without a sign of what their zone needs: told beside a failure, since a refusal says no more than 401."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    import pytest

    from pytest_apiauth.embedded import Server

MOST: Final = 3
"""Lines of one test."""


def add_to_report(servers: Iterable[Server], report: pytest.TestReport) -> None:
    """Say which requests came without a credential, and where the profile has it travel."""
    lines = dict.fromkeys(line for server in servers for line in _lines(server)) if report.when == "call" else {}
    report.sections += [("apiauth", line) for line in islice(lines, MOST)]


def _lines(server: Server) -> Iterator[str]:
    for request, places in server.unauthenticated:
        is_read = any(place.lower().startswith("authorization") for place in places)
        is_elsewhere = request.header("authorization") is not None and not is_read
        words = f"{request.method} {one_line(urlsplit(request.url).path)} came without {' and '.join(places)}"
        yield f"{words}, which the profile asks for there{'; it has an Authorization' if is_elsewhere else ''}"

"""A clock that stands while a test moves the system's time: told beside a failure, since it may be why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server

MOVING: Final = ("time_machine", "freezer")
"""Fixtures that move what the system says of time: of time-machine and of pytest-freezer, pytest-freezegun."""


def add_to_report(item: pytest.Item, servers: Iterable[Server], report: pytest.TestReport) -> None:
    """Say that the clock of a test's embedded server stands, if the test has moved the system's by a fixture."""
    stands = any(not server.clock.follows for server in servers)
    moving = next((name for name in MOVING if name in getattr(item, "fixturenames", ())), None)
    if report.when == "call" and moving is not None and stands:
        line = f"the embedded server's clock stands still while {moving} moves the system's"
        report.sections.append(("apiauth", f"{line}: apiauth_server.clock.follow() has it go along"))

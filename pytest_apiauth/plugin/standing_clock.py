"""A clock that stands while a test moves the system's time: told beside a failure, since it may be why."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_apiauth.plugin.marks import apis_of

MOVING: Final = ("time_machine", "freezer")
"""Fixtures that move what the system says of time: of time-machine and of pytest-freezer, pytest-freezegun."""


def add_to_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Say that the embedded server's clock stands, if a test has moved the system's by a fixture."""
    apis = apis_of(item)
    servers = [] if apis is None else [clients.target.server for clients in apis.made]
    stands = any(server is not None and not server.clock.follows for server in servers)
    moving = next((name for name in MOVING if name in getattr(item, "fixturenames", ())), None)
    if report.when == "call" and moving is not None and stands:
        line = f"the embedded server's clock stands still while {moving} moves the system's"
        report.sections.append(("apiauth", f"{line}: apiauth_server.clock.follow() has it go along"))

"""Fixtures of ours that are narrower than who asks for them: told beside pytest's own words, which name no way out."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pytest_apiauth.plugin.marks import WIDE
from pytest_apiauth.plugin.options import SCOPES

MISMATCH: Final = re.compile(r"ScopeMismatch: .* (\w+) scoped fixture (\w+) with a (\w+) scoped request")
"""How pytest begins to say that a fixture is narrower than the one that asks for it."""


def add_to_report(error: BaseException, report: pytest.TestReport) -> None:
    """Say how a wider fixture comes to a client or a server of ours, if that is what it could not."""
    found = MISMATCH.match(str(error)) if isinstance(error, pytest.fail.Exception) else None
    if found is None or found[2] not in WIDE:
        return
    own, name, asking = found.groups()
    scope = asking if asking in SCOPES else "session"
    report.sections.append(
        (
            "apiauth",
            f"{name} is of {own} scope: with apiauth_server_scope = {scope} in the ini it is of {scope} scope, and so"
            " are the fixtures beside it; or your fixture opens a server of its own, by"
            " pytest_apiauth.serving(PROFILE)",
        )
    )

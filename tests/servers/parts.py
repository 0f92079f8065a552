"""What a login by a script opens on a real server: parts skipped without ``[login]`` and with it, counted and printed.

A part is what of a profile a rule is about. Where only a code gives a token, nothing at all runs without a login.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.servers.test_django_oauth_toolkit import Place, Run

SCRIPTED = """
schema = 1
extends = "shop.apiauth.toml"
[login]
"""
"""A project's profile with a person whom a script plays."""
CHAPTERS = ("codes", "authorization")
NOTHING_TO_ASK: set[Place] = {("pkce-downgrade", "authorization_code"), ("az-query-kept", "authorization_code")}
"""A server that demands a proof key gives no code without one; a redirect_uri without a query has none to keep."""


def without_login(path: Path) -> Path:
    """Write the profile beside itself, without its ``[login]``."""
    lines = path.read_text(encoding="utf-8").split("[login]\n")
    after = lines[1].partition("\n[")
    other = path.with_name("without.apiauth.toml")
    other.write_text(f"{lines[0]}[{after[2]}" if after[1] else lines[0], encoding="utf-8")
    return other


def skipped(run: Run) -> set[Place]:
    """Give the parts that rules are about and that were not looked at."""
    return {(rule, part) for rule, part in run.places("skip") | run.places("not run") if part}


def judged(run: Run) -> set[Place]:
    """Give the parts that were."""
    return {place for verdict in ("pass", "fail", "warning") for place in run.places(verdict)}


def of_codes(run: Run, places: set[Place]) -> set[Place]:
    """Leave only parts of the chapters about codes and the authorization endpoint."""
    return {place for place in places if run.rules[place[0]]["chapter"] in CHAPTERS}


def require_fewer_skipped(
    name: str, before: Run, after: Run, capsys: pytest.CaptureFixture[str], undecided: Iterable[Place] = ()
) -> None:
    """Require that with a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    with capsys.disabled():
        without, by_script = [
            f"{len(skipped(run))} parts skipped, {len(of_codes(run, skipped(run)))} of codes, {len(judged(run))} judged"
            for run in (before, after)
        ]
        print(f"\n{name:22} without [login]: {without}; with it: {by_script}")
    assert len(skipped(after)) < len(skipped(before)), after.output
    assert of_codes(after, skipped(after)) <= NOTHING_TO_ASK, after.output
    assert judged(before) - judged(after) - set(undecided) == set(), after.output

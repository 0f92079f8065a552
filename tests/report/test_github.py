"""Findings as annotations of GitHub Actions."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.report.github import MOST, commands
from pytest_apiauth.report.record import Counterexample, PartRecord, RuleRecord, Verdict
from tests.report.records import rule, run_of


def told(*rules: RuleRecord, **more: Any) -> list[str]:
    """Write the commands of one profile."""
    return list(commands(run_of(*rules, **{"file": "tests/shop.apiauth.toml"} | more).profiles))


def one(verdict: Verdict, rule_id: str = "key-bad", got: str = "200 OK") -> RuleRecord:
    """Make a rule with one part."""
    found = Counterexample("a refusal", got, "curl x", "")
    return rule(verdict, id=rule_id, parts=(PartRecord("n", "user", verdict, "why", "MUST", None, found, "", 7),))


def test_a_finding_stands_at_its_line_of_the_profile() -> None:
    """Failures are errors; what warns is a warning."""
    place = "file=tests/shop.apiauth.toml,line=7"
    assert told(one("fail"), one("warning", "key-name"), one("pass", "other")) == [
        f"::error {place},title=MUST key-bad::key-bad [user]: expected a refusal, got 200 OK",
        f"::warning {place},title=MUST key-name::key-name [user]: advised a refusal, got 200 OK",
    ]


def test_a_profile_that_is_not_ready_is_an_error() -> None:
    """At the first line of its file; without a file at none."""
    assert told(error="no answer") == ["::error file=tests/shop.apiauth.toml,line=1,title=not ready::shop: no answer"]
    assert told(error="no answer", file="") == ["::error title=not ready::shop: no answer"]


def test_what_a_server_says_is_no_command() -> None:
    """Line breaks and per cent signs are data; in a file's name colons and commas too."""
    (line,) = told(one("fail", got="200\n::error::x %0A"), file="a,b:c.toml")
    assert line.startswith("::error file=a%2Cb%3Ac.toml,")
    assert "\n" not in line
    assert line.endswith("%250A")


def test_github_shows_ten() -> None:
    """So that many are written, and a last line counts the rest."""
    lines = told(*(one("fail", f"rule-{number}") for number in range(MOST + 3)))
    assert len(lines) == MOST + 1
    assert lines[-1] == "::notice title=pytest-apiauth::3 more errors, which the report has"

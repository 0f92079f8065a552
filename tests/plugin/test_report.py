"""What a report says beside the verdicts: what was left out, each warning with its own level, what was not examined."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.messages import Request, Response
from pytest_apiauth.targets.live import LiveTarget
from tests.plugin.projects import SMALL, Run, output, served, told

LIVE = """
schema = 1
extends = "{name}"
api_url = "{url}"
"""


Change = Callable[[Request, Response], Response]


def changing(handle: Callable[[Request], Response], change: Change) -> Callable[[Request], Response]:
    """Change what a server answers."""
    return lambda request: change(request, handle(request))


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> Any:
    """Run the suite on a built-in profile that is served on loopback; gives the result and the JSON report."""

    def live(name: str, *arguments: str, change: Change = lambda request, response: response) -> Any:
        with served(name) as (url, server):
            for variable, value in server.environment.items():
                monkeypatch.setenv(variable, value)
            monkeypatch.setattr(server, "handle", changing(server.handle, change))
            text = LIVE.format(name=name, url=url)
            (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
            result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=r.json", "--apiauth-report=r.md",
                         *arguments)  # fmt: skip
        return result, json.loads(Path("r.json").read_text(encoding="utf-8"))["profiles"][0]

    return live


@pytest.mark.slow
def test_what_the_profile_promises_and_nobody_looked_at_is_the_last_line(live: Any) -> None:
    """A green run in which refresh and codes were skipped says so at its end, in every report."""
    result, report = live("jindexe", "-q", "-k", "refresh or rotation or api_keys or expiry")

    line = next(line for line in result.outlines if "rules of shop not examined" in line)
    assert "refresh" in line
    assert "needs --apiauth-allow consume" in line
    section = result.outlines[result.outlines.index(next(x for x in result.outlines if "API authentication" in x)) :]
    assert line in section[-2:], "nothing but pytest's own count comes after it"
    assert line in Path("r.md").read_text(encoding="utf-8").replace("\\", "")
    rules = {rule for entry in report["not_examined"] for rule in entry["rules"]}
    assert rules == {
        rule["id"] for rule in report["rules"] if rule["verdict"] == "skip" and rule["reason"] in reasons(report)
    }
    assert f"{len(rules)} of {len(report['rules'])} rules" in line


def reasons(report: dict[str, Any]) -> set[str]:
    """Give the reasons why rules were not examined."""
    return {entry["reason"] for entry in report["not_examined"]}


def test_what_a_profile_does_not_have_is_no_warning(live: Any) -> None:
    """A profile without HTTP Basic and without codes is not told that they were not examined."""
    _, report = live("jindexe", "-k", "(basic or codes or authorization or api_keys) and not forged")

    skipped = [rule["id"] for rule in report["rules"] if rule["verdict"] == "skip"]
    assert len(skipped) > 10
    told = {rule for entry in report["not_examined"] for rule in entry["rules"]}
    assert not [rule for rule in told if rule.startswith(("code-", "az-", "pkce-"))]
    assert "grant" not in "".join(reasons(report))


def test_a_passed_rule_says_which_parts_were_skipped(live: Any) -> None:
    """A rule that passed on one zone and could not be examined on another says so, and the part has the reason."""
    result, report = live("jindexe", "-v", "-k", "zone-surplus-ok")

    (rule,) = report["rules"]
    assert rule["verdict"] == "pass"
    assert rule["reason"].startswith("2 of 4 parts skipped: the zone needs every kind of credential")
    assert [part["reason"] for part in rule["parts"] if part["verdict"] == "skip"] == [
        "the zone needs every kind of credential that the profile has"
    ] * 2
    assert "1 pass (1 of them in part)" in output(result)
    assert "  in part  zone-surplus-ok: 2 of 4 parts skipped" in output(result)


def test_draws_that_a_slow_server_costs_are_told(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an answer takes ten seconds, every report says how many draws of how many rules were left out."""
    monkeypatch.setattr(LiveTarget, "seconds_an_answer", 10.0)
    result, report = live("jindexe", "-k", "res-garbage-token or res-no-cred-401")

    parts = len(next(rule for rule in report["rules"] if rule["id"] == "res-garbage-token")["parts"])
    left_out = {"draws": 4 * parts, "rules": ["res-garbage-token"], "seconds_an_answer": 10.0}
    assert report["left_out"] == left_out
    words = f"{4 * parts} draws of 1 rule left out, every table complete: an answer takes 10000 ms"
    assert words in output(result)
    assert words in Path("r.md").read_text(encoding="utf-8")


def test_every_piece_of_advice_is_told_with_its_own_level(live: Any) -> None:
    """Advice is SHOULD beside a rule that is a MUST, and the second piece of it is not lost."""
    hidden = Response(404)
    result, report = live(
        "jindexe", "-k", "res-no-cred-401", change=lambda _, was: hidden if was.status == 401 else was
    )

    (rule,) = report["rules"]
    assert (rule["verdict"], rule["level"], rule["parts"][0]["level"]) == ("warning", "MUST", "SHOULD")
    assert [(advice["level"], advice["expected"], advice["got"]) for advice in rule["advice"]] == [
        ("SHOULD", "a refusal with 400, 401 or 403", "404 Not Found"),
        ("SHOULD", "401 where no credential was sent", "404 Not Found"),
    ]
    text = output(result)
    for words in ("advised a refusal with 400, 401 or 403", "advised 401 where no credential was sent"):
        assert f"  warning  res-no-cred-401 (SHOULD): {words}, got 404 Not Found" in text
    page = Path("r.md").read_text(encoding="utf-8")
    assert "SHOULD, [RFC 9110" in page
    assert page.count("### WARNING res-no-cred-401 (shop,") == 2, "each stands there in full"


@pytest.mark.slow
def test_one_cause_is_one_finding_of_its_own_rule(live: Any) -> None:
    """A server error that two rules meet is one failed part, under the rule's own chapter and level, and one line."""
    marks = ("Api-Key", "X-Real-IP")

    def change(request: Request, response: Response) -> Response:
        return Response(500) if any(request.header(name) for name in marks) else response

    result, report = live("jindexe", "-k", "key-name-strict or res-proxy-headers", change=change)

    rules = {rule["id"]: rule for rule in report["rules"]}
    filed = rules["invalid-never-5xx"]
    assert (filed["verdict"], filed["chapter"], filed["level"]) == ("fail", "resource", "MUST")
    assert [part["level"] for part in filed["parts"]] == ["MUST"]
    assert "got 500 Internal Server Error, while" in filed["reason"]
    assert len([line for line in result.outlines if "FAIL     invalid-never-5xx" in line]) == 1
    assert {rules[name]["verdict"] for name in ("key-name-strict", "res-proxy-headers")} == {"inconclusive"}


DAMAGING = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    report = yield
    if hasattr(report, "apiauth"):
        report.apiauth["verdict"] = "splendid"
    return report
"""


def test_what_came_of_a_rule_and_cannot_be_read_is_an_error_in_one_line(pytester: pytest.Pytester, run: Run) -> None:
    """A worker of another version, or a plug-in that changes reports, makes the run fail and says which member."""
    pytester.makeconftest(DAMAGING)
    pytester.makefile(".apiauth.toml", shop=SMALL)

    result = run("shop.apiauth.toml", "-k", "key-missing", "--apiauth-report=r.md")

    line = "ERROR: shop.apiauth.toml::api_keys::key-missing[user]: what came of it cannot be read: verdict: expected"
    assert told(result, "cannot be read").startswith(line)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_failures_are_counted_beside_causes_in_every_report(live: Any) -> None:
    """A zone that is open by mistake is one cause of what fails and follows: all four formats say so."""

    def open_user(request: Request, was: Response) -> Response:
        return Response(200, body=b"{}") if "/user/" in request.url and was.status == 401 else was

    chosen = "(res-no-cred-401 or res-refusal-steady or res-proxy-headers) and user"
    result, report = live("jindexe", "-k", chosen, "--junit-xml=r.xml", change=open_user)

    name = "res-no-cred-401 at GET /user/me"
    line = f"2 failures of 1 cause: {name} (2 failures, 1 rule follows)"
    assert f"  {line}" in result.outlines
    assert f"\n{line}\n" in Path("r.md").read_text(encoding="utf-8").replace("\\", "")
    assert report["causes"] == [{"name": name, "failures": 2, "follow": ["res-proxy-headers"]}]
    assert [part["cause"] for rule in report["rules"] for part in rule["parts"]] == [name] * 3
    assert Path("r.xml").read_text(encoding="utf-8").count(f'<property name="apiauth_cause" value="{name}" />') == 3

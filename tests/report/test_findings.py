"""Findings: each once, causes before consequences, advice that says the same counted."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.report.findings import by_chapter, findings, skipped
from pytest_apiauth.report.record import Advice, Cause, Counterexample, PartRecord, RuleRecord, Verdict
from tests.report.records import rule, run_of

FOUND = Counterexample("a refusal", "200 OK", "curl x", "curl y")
ADVICE = Advice("user", "SHOULD", "401", "403 Forbidden", "curl x", "")


def part(name: str, verdict: Verdict = "fail", cause: str = "", **more: Any) -> PartRecord:
    """Make a part."""
    usual: dict[str, Any] = {"counterexample": FOUND, "line": 7, "cause": cause}
    return PartRecord(f"shop::{name}", name, verdict, "the reason", "MUST", **usual | more)


def failing(rule_id: str, *parts: PartRecord, **more: Any) -> RuleRecord:
    """Make a rule that fails on some parts."""
    return rule("fail", id=rule_id, parts=parts or (part("user"),), **more)


def found(*rules: RuleRecord, **more: Any) -> list[str]:
    """Name what is found in a profile of some rules."""
    return [each.name for each in findings(run_of(*rules, **more).profiles[0])]


def test_parts_that_show_the_same_are_one_finding() -> None:
    """What came on another part in another way is another."""
    other = part("pro", counterexample=Counterexample("a refusal", "500", "curl z", ""))
    first, second = findings(run_of(failing("key-bad", part("user"), part("me"), other)).profiles[0])

    assert (first.name, first.nodeids, first.line) == ("key-bad [user, me]", ("shop::user", "shop::me"), 7)
    assert (second.name, second.words) == ("key-bad [pro]", "expected a refusal, got 500")


def test_what_others_follow_from_comes_first_in_its_chapter() -> None:
    """Chapters keep the order of the book; in one, failures of a cause stand before what it breaks too."""
    profile = run_of(
        failing("key-bad", part("user", cause="res-open at GET /me")),
        failing("res-open", part("user", cause="res-open at GET /me")),
        failing("tok-type", chapter="tokens"),
        failing("zone-open", part("ext", cause="zone-open"), chapter="tokens"),
        causes=(Cause("zone-open", 3, ("zone-swap",)), Cause("res-open at GET /me", 2, ("key-name",))),
    ).profiles[0]

    assert [each.name for each in findings(profile)] == [
        "res-open [user]", "key-bad [user]", "zone-open [ext]", "tok-type [user]",
    ]  # fmt: skip
    assert list(by_chapter(findings(profile))) == ["keys", "tokens"]


def test_advice_that_says_the_same_of_many_rules_is_one_finding() -> None:
    """A hundred warnings of one kind are one line with their names."""
    parts = (part("user", "pass"),)
    rules = [rule("warning", id=f"rule-{number}", parts=parts, advice=(ADVICE,)) for number in range(100)]
    (only,) = findings(run_of(*rules).profiles[0])

    assert (len(only.rules), only.words) == (100, "advised 401, got 403 Forbidden")


def test_advice_that_decided_a_part_is_told_once() -> None:
    """It stands in the part as its counterexample and in the rule as advice."""
    shown = Counterexample(ADVICE.expected, ADVICE.got, "curl x", "")
    parts = (part("user", "warning", counterexample=shown),)
    assert found(rule("warning", parts=parts, advice=(ADVICE,))) == ["key-bad [user]"]


def test_advice_that_fails_is_no_warning_too() -> None:
    """A strict run makes a failure of it."""
    shown = Counterexample(ADVICE.expected, ADVICE.got, "curl x", "")
    (only,) = findings(run_of(failing("key-bad", part("user", counterexample=shown), advice=(ADVICE,))).profiles[0])
    assert only.verdict == "fail"


def test_what_passes_or_is_expected_is_no_finding() -> None:
    """Nor is what was skipped; that is told by reasons, the reason of most rules first."""
    quiet: list[Verdict] = ["pass", "skip", "expected failure", "not run"]
    assert found(*(rule(verdict, parts=(part("user", verdict),)) for verdict in quiet)) == []

    one, two = rule("skip", id="a", reason="no key"), rule("skip", id="b", reason="no grant")
    profile = run_of(one, two, rule("skip", id="c", reason="no grant")).profiles[0]
    assert skipped(profile) == {"no grant": ("b", "c"), "no key": ("a",)}


def test_a_cause_whose_name_only_begins_alike_is_another() -> None:
    """``key`` does not follow from itself because it fails for ``key-bad``."""
    profile = run_of(
        failing("key", part("user", cause="key-bad at GET /me")),
        failing("key-bad", part("user", cause="key-bad at GET /me")),
        causes=(Cause("key-bad at GET /me", 2),),
    ).profiles[0]

    assert [each.rule.id for each in findings(profile)] == ["key-bad", "key"]

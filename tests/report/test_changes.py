"""What has changed between two runs."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.report.changes import changes, lines
from pytest_apiauth.report.record import PartRecord, RuleRecord, RunRecord, Verdict
from tests.report.records import rule, run_of


def part(verdict: Verdict, name: str = "user", reason: str = "why") -> PartRecord:
    """Make a part of a rule."""
    return PartRecord(f"shop::{name}", name, verdict, reason, "MUST")


def of(rule_id: str, *parts: PartRecord) -> RuleRecord:
    """Make a rule of some parts."""
    return rule("pass", id=rule_id, parts=parts)


def told(before: RunRecord, after: RunRecord) -> list[str]:
    """Say in words what has changed."""
    return list(lines(before, after))


def test_worse_first_then_better_then_the_rest() -> None:
    """Each part of each rule by itself; what is as before is not told."""
    before = run_of(
        of("a", part("skip")), of("b", part("fail"), part("pass", "pro")), of("c", part("pass")), of("d", part("fail"))
    )
    after = run_of(
        of("a", part("pass")), of("b", part("warning"), part("pass", "pro")), of("c", part("inconclusive")),
        of("d", part("fail", reason="another reason")),
    )  # fmt: skip

    assert told(before, after) == [
        "since 2026-01-01T00:00:00+00:00: 1 worse, 1 better, 1 otherwise",
        "  worse   shop: c[user]: pass before, inconclusive now: why",
        "  better  shop: b[user]: fail before, warning now: why",
        "  other   shop: a[user]: skip before, pass now",
    ]


def test_nothing_has_changed() -> None:
    """The same is said in a line."""
    run = run_of(of("a", part("fail")))
    assert told(run, run) == ["nothing has changed since 2026-01-01T00:00:00+00:00"]


def test_a_rule_and_a_profile_that_come_or_go() -> None:
    """What was not there before is no worse for passing."""
    before, after = run_of(of("a", part("pass"))), run_of(of("b", part("fail")))
    assert told(before, after)[1:] == [
        "  worse   shop: b[user]: not there before, fail now: why",
        "  other   shop: a[user]: pass before, not there now",
    ]
    renamed = run_of(name="other")
    assert [(each.profile, each.before, each.after) for each in changes(run_of(), renamed)] == [
        ("other", "not there", "pass"),
        ("shop", "pass", "not there"),
    ]


def test_a_profile_that_is_not_ready_is_one_change() -> None:
    """Its rules were not run, so that nothing is said of them."""
    after = run_of(of("a", part("not run")), verdict="not ready", error="the token request failed")
    assert told(run_of(of("a", part("pass"))), after)[1:] == [
        "  worse   shop: pass before, not ready now: the token request failed"
    ]
    assert changes(after, after) == []


def test_of_two_records_of_one_part_the_worse_counts() -> None:
    """Another rule's item may have found more about it."""
    before = run_of(of("a", part("fail"), part("pass")))
    assert changes(before, run_of(of("a", part("pass"), part("fail")))) == []


def test_what_is_in_one_run_only_is_counted() -> None:
    """Some rules of one run beside all of another are no list of three hundred lines."""
    after = run_of(of("a", part("pass")), *(of(f"more-{number}", part("pass")) for number in range(300)))
    assert told(run_of(of("a", part("pass"))), after)[1:] == ["  other   300 parts are in one of the two runs only"]


def test_profiles_of_one_name_are_told_apart_by_their_files() -> None:
    """None of two hides the other."""

    def run(second: Verdict) -> RunRecord:
        verdicts: list[tuple[str, Verdict]] = [("one/shop.toml", "pass"), ("two/shop.toml", second)]
        one, two = (run_of(of("a", part(verdict)), file=file).profiles[0] for file, verdict in verdicts)
        return replace(run_of(), profiles=(one, two))

    (change,) = changes(run("pass"), run("fail"))
    assert (change.profile, change.after) == ("shop (two/shop.toml)", "fail")
    (change,) = changes(run("fail"), run("pass"))
    assert (change.profile, change.direction) == ("shop (two/shop.toml)", "better")

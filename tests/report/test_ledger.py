"""From what came of each item to the record of a run."""

from __future__ import annotations

from pytest_apiauth.report.ledger import Ledger
from pytest_apiauth.report.record import (
    Admission,
    Advice,
    Cause,
    Counterexample,
    Entry,
    Event,
    Filed,
    Limited,
    NotReady,
    ProfileRecord,
    RuleFacts,
)
from pytest_apiauth.suite.book import Verdict
from tests.report.records import entry


def ledger_of(*entries: Entry) -> Ledger:
    """Enter what came of items of one profile, with half a second each."""
    ledger = Ledger()
    for number, each in enumerate(entries):
        ledger.add(f"shop.apiauth.toml::{number}", each, 0.5)
    return ledger


def record_of(*entries: Entry) -> ProfileRecord:
    """Return the record of one profile."""
    (profile,) = ledger_of(*entries).record(1, "httpx").profiles
    return profile


def test_the_worst_part_decides() -> None:
    """A rule has the verdict of its worst part, and of those parts the first reason."""
    found = Counterexample("a refusal", "200 OK", "curl x", "curl y")
    profile = record_of(
        entry("pass"), entry("fail"), entry("fail", reason="why", counterexample=found, requests=2), entry("skip")
    )

    (rule,) = profile.rules
    assert (rule.verdict, rule.reason, rule.counterexample, rule.requests) == ("fail", "why", found, 2)
    assert [part.verdict for part in rule.parts] == ["pass", "fail", "fail", "skip"]
    assert (profile.verdict, profile.seconds) == ("fail", 2.0)


def test_every_verdict_of_the_suite_is_one_of_the_report() -> None:
    """What came of a rule can be entered, whatever it is."""
    profile = record_of(*(entry(verdict.value, verdict.name) for verdict in Verdict))

    assert [rule.verdict for rule in profile.rules] == [verdict.value for verdict in Verdict]
    assert profile.verdict == "fail"


def test_what_is_found_about_another_rule_is_filed_there() -> None:
    """One cause is one part of the rule that was broken, and one line that shows it by the shortest request."""
    facts = RuleFacts("invalid-never-5xx", "resource", "DOC", (), "read")
    filed = [Filed(facts, "fail", Counterexample("4xx", "500", curl, "")) for curl in ("curl long", "curl x")]
    known = Filed(facts, "expected failure", Counterexample("4xx", "502", "curl x", ""))
    ledger = ledger_of(*(entry("inconclusive", filed=(each,)) for each in (*filed, known)))

    (profile,) = ledger.record(1, "httpx").profiles
    assert [(rule.id, rule.verdict, len(rule.parts)) for rule in profile.rules] == [
        ("key-bad", "inconclusive", 3),
        ("invalid-never-5xx", "fail", 2),
    ]
    assert profile.rules[1].parts[0].level == "DOC"
    assert profile.rules[1].parts[0].counterexample == filed[1].counterexample


def test_the_same_advice_is_given_once() -> None:
    """What is advised for two parts stands there once, with the first part, and not more than ten pieces in all."""
    advice = [Advice(part, "SHOULD", words, "404", "curl x", "") for part in ("a", "b") for words in ("401", "403")]
    more = tuple(Advice("b", "SHOULD", str(number), "404", "curl x", "") for number in range(20))
    (rule,) = record_of(entry("warning", advice=tuple(advice[:2])), entry("warning", advice=(*advice[2:], *more))).rules

    assert [(each.part, each.expected) for each in rule.advice[:3]] == [("a", "401"), ("a", "403"), ("b", "0")]
    assert len(rule.advice) == 10


def test_a_profile_that_is_not_ready_says_why() -> None:
    """The reason of the item that found out is the profile's, whatever came of its rules."""
    profile = record_of(entry("not run", not_ready=NotReady("inconclusive", "no answer")), entry("not run"))

    assert (profile.verdict, profile.error) == ("inconclusive", "no answer")


def test_a_limited_rate_is_summed_by_endpoint() -> None:
    """What each rule met of it, on whatever worker, is one line for each endpoint, the busiest first."""
    profile = record_of(
        entry("pass", limited=(Limited("GET /me", 1, 0, 0, 0), Limited("POST /token", 1, 1, 1, 0))),
        entry("pass", limited=(Limited("POST /token", 2, 1, 1, 1),)),
    )

    assert profile.limited == (Limited("POST /token", 3, 2, 2, 1), Limited("GET /me", 1, 0, 0, 0))


def test_a_warning_about_a_rule_of_lower_level_is_as_low() -> None:
    """What is filed under a rule that only permits something is advice of that level."""
    facts = RuleFacts("err-throttle", "token_errors", "MAY", (), "read-only")
    profile = record_of(entry("pass", filed=(Filed(facts, "warning", Counterexample("a", "b", "curl x", "")),)))

    assert [part.level for rule in profile.rules for part in rule.parts] == ["MUST", "MAY"]


def test_failures_of_one_cause_are_counted_together() -> None:
    """What several rules name is one cause; a rule that names none is its own, on however many parts it fails."""
    filed = Filed(RuleFacts("invalid-never-5xx", "zones", "MUST", (), "read-only"), "fail", Counterexample(*"abcd"))
    profile = record_of(
        entry("fail", "res-no-cred-401", cause="open at GET /me"),
        entry("fail", "res-refusal-steady", cause="open at GET /me"),
        entry("fail", "res-no-cred-401", cause="open at GET /you"),
        entry("skip", "key-bad", cause="open at GET /me"),
        entry("skip", "key-bad", cause="open at GET /me"),
        entry("skip", "key-name", cause="nothing that failed here"),
        entry("fail", "tok-no-store"),
        entry("fail", "tok-no-store", filed=(filed,)),
        entry("warning", "tok-members"),
    )

    assert profile.causes == (
        Cause("open at GET /me", 2, ("key-bad",)),
        Cause("tok-no-store", 2),
        Cause("open at GET /you", 1),
        Cause("invalid-never-5xx", 1),
    )
    assert record_of(entry("warning")).causes == ()


def test_what_lets_whom_in_is_told_once_for_each_set_of_credentials() -> None:
    """Of several answers to one set the first that is wrong is shown; sets keep the order in which they were tried."""
    right, wrong = (Admission("/user/", ("bearer",), (), True, is_admitted, "") for is_admitted in (True, False))
    other = Admission("/user/", (), ("bearer",), False, False, "401 Unauthorized")
    profile = record_of(
        entry("pass", admissions=(right, other)), entry("fail", admissions=(wrong,)), entry("pass", admissions=(right,))
    )

    assert profile.admissions == (wrong, other)


def test_a_profile_says_where_it_stands_and_what_backs_its_rules() -> None:
    """Its file, its sentences, the line of each part, and what became of a part's tokens."""
    event = Event(0, "issued", ("ACCESS_TOKEN_1",), "POST /token: 200 OK")
    profile = record_of(
        entry("skip"),
        entry("pass", file="tests/shop.apiauth.toml", line=7, statements={"JI-02": "A key."}, life=(event,)),
        entry("pass", file="tests/shop.apiauth.toml", statements={"JI-03": "A token."}),
    )

    assert (profile.file, profile.statements) == ("tests/shop.apiauth.toml", {"JI-02": "A key.", "JI-03": "A token."})
    assert [(part.line, part.life) for part in profile.rules[0].parts] == [(0, ()), (7, (event,)), (0, ())]


def test_a_rule_that_waits_for_what_was_found_out_was_not_examined() -> None:
    """Where it was not found out, the rule just does not apply."""
    waiting = entry("skip", "claim-aud", reason="no signing_key", waits_for="the tokens are JWTs")
    (missed,) = record_of(entry("pass", found_out=("the tokens are JWTs",)), waiting).not_examined

    assert (missed.reason, missed.rules) == ("the tokens are JWTs", ("claim-aud",))
    assert record_of(entry("pass"), waiting).not_examined == ()
    assert record_of(entry("pass", found_out=("something else",)), waiting).not_examined == ()

"""Records as plain JSON data and back: what is written can be read, and what is no record is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.report import json_report, plain
from pytest_apiauth.report.record import (
    Admission,
    Advice,
    Cause,
    Counterexample,
    Entry,
    Event,
    Filed,
    LeftOut,
    Limited,
    NotExamined,
    NotReady,
    PartRecord,
    Rows,
    RuleFacts,
    RunRecord,
)
from tests.report.records import entry, rule, run_of

EVENT = Event(1, "used", ("ACCESS_TOKEN_1",), "GET /me: 200 OK", times=2)
FOUND = Counterexample(
    "a refusal", "200 OK", "curl x", "curl y", ("curl before",), ("HTTP 200 OK", "(no body)"), "200 OK"
)
FULL = run_of(
    rule(
        "fail",
        counterexample=FOUND,
        parts=(PartRecord("n", "user", "fail", "why", "MUST", Rows(3, 1, 0), FOUND, "key-bad", 7, (EVENT,)),),
        sentence="A key that is wrong opens nothing.",
        advice=(Advice("user", "SHOULD", "401", "404", "curl x", "", control_got="200 OK"),),
        look="The comparison of the key.",
    ),
    not_examined=(NotExamined("needs a login", ("codes",), ("code-once",)),),
    left_out=LeftOut(4, ("key-bad",), 1.5),
    verdict="not ready",
    error="no answer",
    note="a note",
    limited=(Limited("POST /oauth/token", 3, 2, 2, 1),),
    causes=(Cause("key-bad", 1, ("key-name",)),),
    file="shop.apiauth.toml",
    statements={"JI-02": "Every route needs a key."},
    admissions=(Admission("/user/", ("api_key",), ("bearer",), True, False, "401 Unauthorized"),),
)


def test_a_report_can_be_read_back() -> None:
    """A JSON report is the record that it was written from, member by member."""
    assert plain.read(RunRecord, json.loads(json_report.text(FULL))) == FULL


def test_an_entry_crosses_from_a_worker() -> None:
    """What came of an item is the same at the controller."""
    facts = RuleFacts("other", "zones", "DOC", (), "read")
    sent = entry("warning", counterexample=FOUND, filed=(Filed(facts, "warning", FOUND),), not_ready=NotReady(
        "inconclusive", "no answer"), is_out_of_reach=True, left_out=2, seconds_an_answer=0.5,
        limited=(Limited("GET /me", 1, 0, 0, 0),), cause="key-bad", file="shop.apiauth.toml", line=7,
        statements={"JI-02": "A key."}, admissions=(Admission("/", (), (), True, True, "200 OK"),), life=(EVENT,),
    )  # fmt: skip

    assert plain.read(Entry, json.loads(json.dumps(plain.written(sent)))) == sent


def test_members_have_the_order_of_version_1() -> None:
    """Nothing moves in the file, and what is empty is left out if version 1 leaves it out."""
    data = plain.written(run_of(rule("pass")))

    assert list(data) == ["version", "versions", "seed", "started", "profiles"]
    profile = ["name", "target", "url", "requests", "tokens_issued", "seconds", "verdict", "rules", "not_examined"]
    assert list(data["profiles"][0]) == profile
    assert list(data["profiles"][0]["rules"][0]) == [
        "id", "chapter", "level", "sources", "safety", "verdict", "reason", "requests", "examples", "parts",
        "counterexample", "advice",
    ]  # fmt: skip
    assert list(data["profiles"][0]["rules"][0]["parts"][0]) == ["nodeid", "part", "verdict", "reason", "level"]
    more = list(plain.written(FULL)["profiles"][0])
    assert more == [*profile, "left_out", "error", "note", "limited", "causes", "file", "statements", "admissions"]


def test_earlier_reports_can_be_read() -> None:
    """A report of the same version that lacks what was added since is a record all the same."""
    data = plain.written(FULL)
    (rule_data,) = data["profiles"][0]["rules"]
    del rule_data["look"], rule_data["counterexample"]["control_got"], rule_data["advice"][0]["control_got"]

    (read,) = plain.read(RunRecord, data).profiles[0].rules

    assert read.counterexample is not None
    assert (read.look, read.counterexample.control_got, read.advice[0].control_got) == ("", "", "")


def test_later_members_are_passed_over() -> None:
    """A report of the same version may have more than this one knows."""
    data = plain.written(FULL)
    data["profiles"][0]["colour"] = "blue"

    assert plain.read(RunRecord, data) == FULL


DAMAGED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another version": (lambda run: run.update(version=2), "version: expected 1"),
    "true is no number": (lambda run: run.update(seed=True), "seed: expected a number, got true or false"),
    "missing": (lambda run: run.pop("started"), "started: is missing"),
    "no list": (lambda run: run.update(profiles={}), "profiles: expected a list, got an object"),
    "no object": (lambda run: run["profiles"].append(None), "profiles[1]: expected an object, got nothing"),
    "no such verdict": (
        lambda run: run["profiles"][0]["rules"][0].update(verdict="s3cret"),
        "profiles[0].rules[0].verdict: expected fail, unexpected pass, inconclusive, warning, not run, expected"
        " failure, pass, skip",
    ),
    "deep inside": (
        lambda run: run["profiles"][0]["rules"][0]["counterexample"]["steps"].append(["s3cret"]),
        "profiles[0].rules[0].counterexample.steps[1]: expected text, got a list",
    ),
    "a value of a table": (lambda run: run["versions"].update(s3cret=3), "versions: expected text, got a number"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_record_is_refused(name: str) -> None:
    """One line names the member and what it should be; what stands there is foreign, and not shown."""
    change, line = DAMAGED[name]
    data = plain.written(FULL)
    change(data)

    with pytest.raises(plain.DamagedError) as raised:
        plain.read(RunRecord, data)
    assert str(raised.value) == line


def test_what_is_no_object_at_all_is_refused() -> None:
    """A file of another kind is one line too."""
    with pytest.raises(plain.DamagedError, match=r"^the record: expected an object, got a list$"):
        plain.read(RunRecord, [])

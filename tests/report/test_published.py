"""Reports validate against the schemas that others have published for them, and JSON against our own."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from pytest_apiauth.report import json_report, sarif, schema
from pytest_apiauth.report.record import Advice, Cause, Counterexample, PartRecord, RunRecord
from tests.report.records import rule, run_of
from tests.report.test_plain import FULL

DATA = Path(__file__).parents[1] / "data"
SARIF = jsonschema.Draft4Validator(
    json.loads((DATA / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")),
    format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
)
OURS = jsonschema.Draft202012Validator(schema.schema())
FOUND = Counterexample("a refusal", "200 OK", "curl x", "curl y")
FAILING = rule(
    "fail",
    parts=(PartRecord("shop::key-bad[user]", "user", "fail", "why", "MUST", None, FOUND, "key-bad", 7),),
    advice=(Advice("user", "MAY", "401", "404", "curl x", ""),),
    sources=("RFC 9110 11.4", "JI-02"),
    sentence="A bad key opens nothing.",
)
EXPECTED = rule("expected failure", id="tok-no-store", reason="gateway strips it, ticket OPS-12")
RUN = run_of(FAILING, EXPECTED, rule("pass", id="key-name"), causes=(Cause("key-bad", 1),), file="tests/shop one.toml")


@pytest.mark.parametrize("run", [FULL, RUN, run_of()], ids=["full", "failing", "empty"])
def test_sarif_is_valid(run: RunRecord) -> None:
    """Against the schema of OASIS, whatever is in the run."""
    SARIF.validate(json.loads(sarif.text(run)))


def test_sarif_tells_each_finding_where_the_promise_stands() -> None:
    """Level, rule, place in the profile, and a fingerprint that a later run shares."""
    (run,) = json.loads(sarif.text(RUN))["runs"]
    results = {(each["ruleId"], each["level"]): each for each in run["results"]}

    assert set(results) == {("key-bad", "error"), ("key-bad", "note"), ("tok-no-store", "error")}
    failure = results["key-bad", "error"]
    place = failure["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "tests/shop%20one.toml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 7},
    }  # fmt: skip
    assert failure["message"]["text"] == "shop: key-bad [user]: expected a refusal, got 200 OK\n\ncurl x"
    of_rule = run["tool"]["driver"]["rules"][failure["ruleIndex"]]
    assert of_rule["helpUri"] == "https://www.rfc-editor.org/rfc/rfc9110#section-11.4"
    assert results["tok-no-store", "error"]["suppressions"][0]["justification"] == "gateway strips it, ticket OPS-12"
    again = json.loads(sarif.text(RUN))["runs"][0]["results"]
    assert [each["partialFingerprints"] for each in again] == [each["partialFingerprints"] for each in run["results"]]
    assert len({json.dumps(each["partialFingerprints"]) for each in run["results"]}) == 3


def test_sarif_says_that_a_profile_was_not_ready() -> None:
    """It is no result of a rule, but the tool's own word."""
    (run,) = json.loads(sarif.text(run_of(verdict="not ready", error="no answer")))["runs"]
    (invocation,) = run["invocations"]

    assert (invocation["executionSuccessful"], run["results"]) == (False, [])
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "shop: not ready: no answer"


@pytest.mark.parametrize("run", [FULL, RUN, run_of()], ids=["full", "failing", "empty"])
def test_json_is_valid(run: RunRecord) -> None:
    """Against the schema that ``schema --report`` prints."""
    OURS.validate(json.loads(json_report.text(run)))


def test_the_schema_refuses_what_is_no_report() -> None:
    """A verdict that there is not, a member that is missing, a number that is none."""
    OURS.check_schema(OURS.schema)
    for place, value in (("verdict", "perhaps"), ("seconds", "1"), ("rules", None)):
        data = json.loads(json_report.text(RUN))
        data["profiles"][0][place] = value
        assert not OURS.is_valid(data), place
    data = json.loads(json_report.text(RUN))
    del data["profiles"][0]["rules"][0]["parts"]
    assert not OURS.is_valid(data)

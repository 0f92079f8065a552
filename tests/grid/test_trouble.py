"""A server that fails at every second request it should refuse is examined to the end, and called what it is."""

from __future__ import annotations

import pytest

from pytest_apiauth.embedded.registry import own_fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict
from pytest_apiauth.suite.judging import Conditions, Outcome
from tests.faults.examining import about_rules, examine

ONE = Conditions(examples=1, seed=0)
SERVER_ERRORS = "invalid-never-5xx"
ABOUT_ERRORS = {
    SERVER_ERRORS,
    "basic-malformed",
    "basic-utf8",
    "err-form-robust",
    "err-body-robust",
    "err-foreign-value",
}
"""Rules that are about server errors themselves: they fail for one."""


def outcomes_of(rule: Rule, *, failing: bool) -> dict[tuple[str, str], Outcome]:
    """Judge a rule on a good server, or on one that answers 500 to every second request it should refuse."""
    refused: list[str] = []

    def answer(request: Request, response: Response) -> Response:
        if 400 <= response.status < 500:
            refused.append(request.url)
        return Response(500) if 400 <= response.status < 500 and len(refused) % 2 == 0 else response

    fault = own_fault("second-refusal-fails", "answers 500 to every second request that it should refuse", answer)
    return examine("reference", [rule], faults=[fault] if failing else [], conditions=ONE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [pytest.param(rule, marks=about_rules(rule.id), id=rule.id) for rule in REGISTRY if rule.chapter != "lifecycle"],
)
def test_every_table_is_complete(rule: Rule) -> None:
    """As many rows are tried as on a good server; the rule fails for server errors alone if it is about them."""
    good, bad = outcomes_of(rule, failing=False), outcomes_of(rule, failing=True)
    for key, outcome in bad.items():
        # Of a rule that draws the table is tried in every run, and a failing table is not drawn on.
        assert outcome.rows >= good[key].rows - (ONE.examples if rule.draws else 0)
        if rule.id not in ABOUT_ERRORS:
            assert outcome.verdict is not Verdict.FAIL, outcome.reason
        if outcome.breaches:
            assert list(outcome.breaches) == [SERVER_ERRORS]
            assert outcome.verdict is Verdict.INCONCLUSIVE


@pytest.mark.slow
def test_the_server_errors_are_told() -> None:
    """What comes of it is one failure, of the rule that owns it."""
    found = outcomes_of(REGISTRY[SERVER_ERRORS], failing=True)
    assert {outcome.verdict for outcome in found.values()} == {Verdict.FAIL}

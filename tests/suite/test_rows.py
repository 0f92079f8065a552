"""A table goes on: what is wrong with one row hides nothing of the others, and never becomes a pass."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import BudgetError, DroppedError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.expectations import applied
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.targets.live import LIVE

from .test_api import Answer, Scripted, judged

Serve = Callable[[Request], Response]
TABLE = "res-proxy-headers"
"""A rule of a table: header lines beside lacks of credentials, some of them beside three."""
bundled.load_chapters()
trusted = importlib.import_module("pytest_apiauth.conformance.grid.trusted")
ROUTES = [row for row in trusted.TRUSTED if row.is_about_route]
ROWS = len(trusted.bundles(alone=True)) + len(ROUTES) + len(trusted.SAID) + len(trusted.OPEN_PLACES) + 1
ROWS += 2 * len(trusted.BRIEF_TRUSTED)
"""All of them beside no credential, what requests may say, the places that are open, and once a user's name; those for
every probe beside each lack of one of two."""


def answering(marks: dict[str, Response | Exception]) -> Answer:
    """Answer requests that carry a header line with a value of its own, and all others as a good server does."""

    def answer(request: Request, serve: Serve) -> Response:
        for name, value in request.headers:
            found = marks.get(f"{name}: {value}", marks.get(name))
            if isinstance(found, Exception):
                raise found
            if found is not None:
                return found
        return serve(request)

    return answer


OPEN = Response(200, body=b"{}")
CRASH = Response(500)


def test_a_server_error_ends_its_row_alone() -> None:
    """A 5xx is filed under its own rule, the rows after it are tried, and the rule has not passed."""
    outcome = judged(TABLE, answering({"X-Real-IP": CRASH}))
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert list(outcome.breaches) == [outcome.cause] == ["invalid-never-5xx"]
    assert (outcome.rows, outcome.failed_rows, outcome.unjudged_rows) == (ROWS, 0, 3)
    assert f"3 of {ROWS} rows could not be judged" in outcome.reason


def test_what_comes_after_a_server_error_still_fails() -> None:
    """A breach of the rule itself behind a row with a 5xx makes the rule fail, and both are told."""
    outcome = judged(TABLE, answering({"X-Real-IP": CRASH, "True-Client-IP": OPEN}))
    assert outcome.verdict is Verdict.FAIL
    assert "True-Client-IP" in str(outcome.counterexample)
    assert list(outcome.breaches) == ["invalid-never-5xx"]
    assert f"1 of {ROWS} rows failed, 3 could not be judged" in outcome.reason


def test_every_row_that_fails_is_counted() -> None:
    """The first breach is the counterexample, and the report says how many rows there are like it."""
    outcome = judged(TABLE, answering({"X-Forwarded-For: ::1": OPEN, "X-Client-IP": OPEN}))
    assert outcome.verdict is Verdict.FAIL
    assert "X-Forwarded-For: ::1" in str(outcome.counterexample)
    assert outcome.reason.endswith(f"2 of {ROWS} rows failed")


def test_of_a_server_error_in_many_rows_the_shortest_is_shown() -> None:
    """One cause is one finding: of the rows that a server fails on, what is easiest to read is kept."""
    outcome = judged(TABLE, answering({"True-Client-IP": CRASH, "X-Forwarded-For": CRASH, "Remote-User": CRASH}))
    assert "Remote-User" in outcome.breaches["invalid-never-5xx"].curl


@pytest.mark.parametrize("trouble", [Response(429), DroppedError("jindexe: no answer")], ids=["429", "dropped"])
def test_a_row_without_a_usable_answer_is_left_out(trouble: Response | Exception) -> None:
    """One limited or dropped row leaves the rule inconclusive, with the number of rows left out."""
    one = {"X-Forwarded-Port": trouble}
    outcome = judged(TABLE, answering(one))
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.reason.endswith(f"1 of {ROWS} rows could not be judged")

    failing = judged(TABLE, answering({**one, "X-Real-IP": OPEN}))
    assert failing.verdict is Verdict.FAIL


def test_patience_with_rows_is_bounded() -> None:
    """A server that answers every row with 429 is asked for ten of them; for three if valid requests fare no better."""
    outcome = judged(TABLE, lambda request, serve: Response(429) if bare(request) else serve(request))
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.rows == 10
    assert "no more was tried" in outcome.reason

    limited: list[bool] = []

    def answer(request: Request, serve: Serve) -> Response:
        limited.extend([True] if bare(request) else [])
        return Response(429) if limited and "/user" in request.url else serve(request)

    outcome = judged(TABLE, answer)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.rows == 3
    assert "no more was tried" in outcome.reason


def bare(request: Request) -> bool:
    """Whether a request lacks a credential that the zone needs."""
    return "/user" in request.url and not (request.header("authorization") and request.header("x-api-key"))


def test_a_spent_budget_ends_the_table() -> None:
    """No row is tried once the budget is spent, and a breach that was found before stays one."""
    spent = BudgetError("jindexe: the budget of 9 requests is spent")
    outcome = judged(TABLE, answering({"X-Forwarded-For: 10.0.0.1": spent}))
    assert (outcome.verdict, outcome.rows) == (Verdict.INCONCLUSIVE, 1)
    assert "budget of 9 requests" in outcome.reason

    outcome = judged(TABLE, answering({"X-Forwarded-For": OPEN, "X-Real-IP": spent}))
    assert outcome.verdict is Verdict.FAIL


def test_a_valid_request_that_is_refused_ends_the_table() -> None:
    """A server that locks the caller out at the first bad request is not asked with all the others."""
    locked: list[bool] = []

    def answer(request: Request, serve: Serve) -> Response:
        locked.extend([True] if bare(request) else [])
        return Response(403) if locked and "/user" in request.url else serve(request)

    outcome = judged(TABLE, answer)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.requests < 8


def test_a_row_of_a_drawn_rule_does_not_end_it() -> None:
    """The table of a rule that draws is complete as well: two failing rows of it are counted."""
    seen: list[str] = []

    def answer(request: Request, serve: Serve) -> Response:
        response = serve(request)
        value = request.header("authorization") or ""
        if "/user" not in request.url or response.status != 401 or not value.startswith("Bearer "):
            return response
        seen.extend([value] if value not in seen else [])
        return {1: CRASH, 2: OPEN, 3: OPEN, 4: CRASH}.get(seen.index(value), response)

    outcome = judged("res-mutated-token", answer)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.reason.endswith("2 of 24 examples failed, 2 could not be judged")
    assert "intermittent" not in outcome.reason


def test_a_server_error_leaves_the_draws_to_go_on() -> None:
    """A drawn example that the server fails on is one example, and all the others are tried."""

    def answer(request: Request, serve: Serve) -> Response:
        response = serve(request)
        return CRASH if response.status == 401 and len(request.header("authorization") or "") % 2 else response

    outcome = judged("res-garbage-token", answer)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.examples >= 30
    assert 0 < outcome.unjudged_rows < outcome.rows


@pytest.mark.parametrize("method", ["TRACE", "APIAUTH"])
def test_what_a_framework_answers_to_strange_methods_is_no_failure(method: str) -> None:
    """A 500 to TRACE or to an unknown method says nothing of credentials: advice at most."""
    outcome = judged("res-all-methods", lambda request, serve: CRASH if request.method == method else serve(request))
    assert outcome.verdict is Verdict.WARNING
    assert not outcome.breaches


def test_a_token_request_that_fails_once_is_repeated_and_told_once() -> None:
    """A live server that fails at two tokens within a second is one finding of the profile, not one of each rule."""
    target = HastyAtTokens()
    examination = Examination(target, Redactor())
    outcomes: list[Outcome] = []
    for rule_id in ("res-no-cred-401", "ref-not-access", "res-garbage-token"):
        examination.forget_tokens()
        target.has_issued = True
        zone = target.profile.zones["user"]
        outcomes.append(judge(REGISTRY[rule_id], examination, zone, Conditions(3, 0)))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASS] * 3
    assert [list(outcome.filed) for outcome in outcomes] == [["invalid-never-5xx"], [], []]
    assert target.paused >= 3


class HastyAtTokens(Scripted):
    """A live server that answers 500 to a token request which comes at once after another one."""

    kind = LIVE

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.has_issued = False
        self.paused = 0.0

    def pause(self, seconds: float) -> None:
        """Let time pass, without waiting."""
        self.paused += seconds
        self.has_issued = False

    def _serve(self, request: Request, serve: Serve) -> Response:
        if request.method != "POST":
            return serve(request)
        if self.has_issued:
            return Response(500)
        self.has_issued = True
        return serve(request)


def test_an_expected_failure_does_not_hide_another_rules() -> None:
    """A rule that is known to fail, and on whose other rows the server falls over, is not an expected failure."""
    both = judged(TABLE, answering({"X-Real-IP": CRASH, "X-Remote-User": OPEN}))
    assert applied(both, {TABLE: "ticket"}, TABLE).verdict is Verdict.INCONCLUSIVE
    assert applied(both, {TABLE: "ticket", "invalid-never-5xx": "ticket"}, TABLE).verdict is Verdict.EXPECTED


def test_an_expected_server_error_excuses_no_other_trouble() -> None:
    """A row left out because of a limited rate stays so, though the server error beside it is expected."""
    known = {"invalid-never-5xx": "ticket"}
    assert applied(judged(TABLE, answering({"X-Real-IP": CRASH})), known, TABLE).verdict is Verdict.EXPECTED
    both = judged(TABLE, answering({"X-Real-IP": CRASH, "X-Remote-User": Response(429)}))
    assert applied(both, known, TABLE).verdict is Verdict.INCONCLUSIVE


class Guarded(Scripted):
    """A server whose accounts may be tried with five wrong passwords."""

    kind = LIVE
    guesses = 0

    def guess(self, username: str) -> bool:
        """Count."""
        self.guesses += 1
        return self.guesses <= 5


def test_a_table_that_runs_out_of_guesses_says_how_far_it_came() -> None:
    """Where few wrong passwords may be sent, what was tried of a table counts, and the rest is told."""
    target = Guarded(lambda request, serve: serve(request))
    outcome = judge(REGISTRY["pwd-username"], Examination(target, Redactor()), "password", Conditions(5, 0))
    assert (outcome.verdict, outcome.rows) == (Verdict.PASS, 5)
    assert outcome.reason.startswith("5 rows, then: as many wrong passwords were sent for one user")

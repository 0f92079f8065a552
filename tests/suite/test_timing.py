"""Tokens that take a server long: what warns, what fails, and what is no more than a slow server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded.registry import own_fault
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES, QUICK
from tests.here import USUAL


class Clock:
    """A clock that stands still but for what answers take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def bombed(usual: float, *bombs: float, status: int = 401) -> Outcome:
    """Judge a server that takes so long for an answer, and for an encrypted token, one after the other."""
    clock, left = Clock(), list(bombs)

    def answer(request: Request, response: Response) -> Response:
        is_bomb = (request.header("authorization") or "").count(".") == 4
        clock.seconds += (left.pop(0) if left else usual) if is_bomb else usual
        return Response(status) if is_bomb else response

    return timed_by(clock, answer, "jwt", "res-jwt-bomb")


def timed_by(clock: Clock, answer: Callable[[Request, Response], Response], profile: str, rule_id: str) -> Outcome:
    """Judge the first part of a profile by a rule, on a server whose answers a clock times."""
    slow = own_fault("own.slow", "takes its time", answer)
    target = EmbeddedTarget.build(PROFILES[profile], redactor=Redactor(), library=USUAL, faults=[slow], variants=[])
    examination, rule = Examination(target, Redactor()), REGISTRY[rule_id]
    examination.clock = clock
    try:
        return judge(rule, examination, next(iter(rule.applies.find(target.profile).values())), QUICK)
    finally:
        target.close()


@pytest.mark.parametrize(
    ("usual", "bombs", "verdict"),
    [
        (0.01, (5.0, 5.0), Verdict.WARNING),
        (0.01, (5.0, 0.01), Verdict.PASS),
        (0.01, (0.9, 0.9), Verdict.PASS),
        (0.6, (5.0, 5.0), Verdict.PASS),
    ],
)
def test_what_takes_long_twice_warns(usual: float, bombs: tuple[float, ...], verdict: Verdict) -> None:
    """More than a second and ten times as long as a valid request, both times: else nothing is said."""
    outcome = bombed(usual, *bombs)

    assert outcome.verdict is verdict
    if verdict is Verdict.WARNING:
        assert outcome.reason.endswith("got 401 Unauthorized after 5.0 s")


def test_a_server_error_is_advice_and_has_no_time() -> None:
    """What a server breaks down at is told once, and the wait before it is asked again is not its own."""
    outcome = bombed(0.01, 5.0, 5.0, status=500)

    assert outcome.verdict is Verdict.WARNING
    assert outcome.reason.startswith("advised a refusal, never a server error, got 500")


@pytest.mark.parametrize(("harmless", "verdict"), [(0.01, Verdict.WARNING), (4.0, Verdict.PASS)])
def test_what_is_as_long_and_harmless_tells_the_cause(harmless: float, verdict: Verdict) -> None:
    """A redirect_uri that takes long warns, unless a harmless one of its length takes as long."""
    clock = Clock()

    def answer(request: Request, response: Response) -> Response:
        is_bomb, is_long = "%3A%3A%3A" in request.query, "xxxxxxxx" in request.query
        clock.seconds += 5.0 if is_bomb else harmless if is_long else 0.01
        return response

    assert timed_by(clock, answer, "reference", "az-redirect-bomb").verdict is verdict


def test_what_is_not_answered_at_all_shows_its_control() -> None:
    """No answer to a bomb, twice, stands beside what the valid request was answered with."""

    def answer(request: Request, response: Response) -> Response:
        if (request.header("authorization") or "").count(".") == 4:
            raise UnreachableError("no answer came")
        return response

    found = timed_by(Clock(), answer, "jwt", "res-jwt-bomb").counterexample

    assert found is not None
    assert (found.expected, found.got, found.control_got) == ("an answer", "none, twice", "200 OK (application/json)")
    assert found.control_curl

"""Tokens that take a server long: what warns, what fails, and what is no more than a slow server."""

from __future__ import annotations

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded.registry import own_fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES, QUICK


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

    slow = own_fault("own.slow", "takes its time", answer)
    target = EmbeddedTarget.build(PROFILES["jwt"], redactor=Redactor(), library="httpx", faults=[slow], variants=[])
    examination = Examination(target, Redactor())
    examination.clock = clock
    try:
        return judge(REGISTRY["res-jwt-bomb"], examination, target.profile.zones["api"], QUICK)
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

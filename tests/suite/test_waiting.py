"""Lifetimes on a live server whose clock nobody can move: waited for where the profile permits it, and never else."""

from __future__ import annotations

import pytest

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.targets.live import LIVE
from tests.faults.examining import PROFILES

from .test_api import Scripted

TOKEN = {"answer": {"expires_in": 60}, "refresh_expires_in": 600}


class Waited(Scripted):
    """The embedded server as a live one: its time passes while somebody waits, and takes none here."""

    kind = LIVE

    def __init__(self, wait: int, *faults: str) -> None:
        super().__init__(self._serve)
        profile = PROFILES["login"].replaced(live={"wait": wait}, token=TOKEN)
        self.server = Server(profile, faults=faults)
        self.identities = Identities(self.server.profile, self.server.lookup, self.redactor)
        self.waits: list[float] = []

    def pause(self, seconds: float) -> None:
        """Let time pass, without waiting."""
        self.waits.append(seconds)
        self.server.clock.advance(seconds)

    def _serve(self, request: Request, serve: object) -> Response:
        return self.server.handle(request)


def judged(target: Waited, rule_id: str) -> Outcome:
    """Judge a rule on the first part that it is about."""
    rule = REGISTRY[rule_id]
    argument = next(iter(rule.applies.find(target.profile).values()))
    return judge(rule, Examination(target, Redactor()), argument, Conditions(1, 0))


def test_a_short_lifetime_is_waited_for() -> None:
    """A token of 60 seconds is used to its end and after it, in the 90 seconds that the profile permits."""
    target = Waited(90)

    assert judged(target, "exp-boundary").verdict is Verdict.PASS
    assert sum(target.waits) == 90


def test_a_token_that_lives_on_is_found_by_waiting() -> None:
    """What waiting shows is a failure like any other."""
    assert judged(Waited(90, "token-never-expires"), "exp-boundary").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("wait", "rule", "reason"),
    [
        (0, "exp-boundary", "lifetimes take a clock that can be moved, which the profile's [clock] names, or time"),
        (89, "exp-boundary", "takes 90 seconds of waiting, and [live] wait permits 89 in one rule"),
        (90, "exp-monotone", "takes 150 seconds of waiting, and [live] wait permits 90 in one rule"),
        (90, "ref-lifetime", "seconds of waiting, and [live] wait permits 90 in one rule"),
    ],
)
def test_nobody_waits_longer_than_the_profile_permits(wait: int, rule: str, reason: str) -> None:
    """Without leave, or with too little, nothing is waited for at all, and the report says what that takes."""
    target = Waited(wait)

    outcome = judged(target, rule)

    assert outcome.verdict is Verdict.SKIP
    assert reason in outcome.reason
    assert target.waits == []

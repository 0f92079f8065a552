"""A server that takes its time: complete tables, fewer draws, and a word about it."""

from __future__ import annotations

import importlib

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.http import InProcess, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import DRAW_SECONDS, Conditions, Outcome, judge
from pytest_apiauth.targets.limits import Limits, Throttle
from pytest_apiauth.targets.live import LIVE, LiveTarget
from pytest_apiauth.targets.pace import Pace
from tests.here import USUAL

from .test_api import Scripted

bundled.load_chapters()
classes = importlib.import_module("pytest_apiauth.conformance.grid.classes")


class Slow(Scripted):
    """The embedded server as a live one whose every answer takes so many seconds of a clock of its own."""

    kind = LIVE

    def __init__(self, seconds: float) -> None:
        super().__init__(self._serve)
        self.seconds_an_answer = seconds
        self.passed = 0.0

    def pause(self, seconds: float) -> None:
        """Let time pass, without waiting."""
        self.passed += seconds

    def _serve(self, request: Request, serve: object) -> Response:
        self.passed += self.seconds_an_answer
        self.seconds_waited = self.passed
        return self.server.handle(request)


def suite_on(target: Slow, examples: int) -> list[Outcome]:
    """Run every rule that a default live run may, on every part."""
    examination = Examination(target, Redactor())
    rules = [rule for rule in REGISTRY if rule.safety.value in ("read-only", "issue") and not rule.wire]
    return [
        judge(rule, examination, argument, Conditions(examples, 0))
        for rule in rules
        for argument in rule.applies.find(target.profile).values()
    ]


def test_a_server_of_200_ms_an_answer_is_examined_in_bounded_time() -> None:
    """Every rule on every zone takes minutes and not hours, however many examples are asked for."""
    target = Slow(0.2)
    outcomes = suite_on(target, examples=30)
    assert target.passed < 15 * 60
    assert {outcome.verdict for outcome in outcomes} <= {Verdict.PASS, Verdict.SKIP}
    assert sum(outcome.left_out for outcome in outcomes) > 0


def test_what_is_left_out_is_said() -> None:
    """Of a server that takes ten seconds an answer the brief rows and one draw are tried, and the rest is counted."""
    slow, quick = Slow(10.0), Slow(0.0)
    found = []
    for target in (slow, quick):
        zone = target.profile.zones["user"]
        found.append(judge(REGISTRY["res-mutated-token"], Examination(target, Redactor()), zone, Conditions(30, 0)))
    assert [outcome.verdict for outcome in found] == [Verdict.PASS, Verdict.PASS]
    assert [outcome.left_out for outcome in found] == [29, 0]
    assert found[0].examples == len(REGISTRY["res-mutated-token"].first) + 1
    brief = [row for row in REGISTRY["res-mutated-token"].first if classes.is_brief(row["edit"])]
    assert found[0].rows == len(brief) + 1
    assert found[0].rows_left_out == len(REGISTRY["res-mutated-token"].first) - len(brief)
    assert found[0].reason == f"29 draws and {found[0].rows_left_out} rows left out: an answer takes 10000 ms"


def test_draws_take_the_time_that_they_may() -> None:
    """The draws of one rule stay within their seconds, give or take one draw."""
    target = Slow(0.3)
    zone = target.profile.zones["user"]
    judge(REGISTRY["res-garbage-token"], Examination(target, Redactor()), zone, Conditions(30, 0))
    assert target.passed < 3 * DRAW_SECONDS


def test_a_live_target_measures_its_answers() -> None:
    """What is told of the server is the mean of what was measured, by the clock that is given."""
    times = iter([0.0, 0.1, 5.0, 5.3])
    profile = loading.load(loading.builtin_profiles()["dastra"])
    connector = InProcess(USUAL, lambda request: Response(200))
    target = LiveTarget(
        profile, Scripted(lambda request, serve: serve(request)).identities, Redactor(), connector,
        Sender(connector, "dastra", Redactor()), Throttle("dastra", Limits(None, 9, 9)), pace=Pace(lambda: next(times)),
    )  # fmt: skip
    assert target.seconds_an_answer == 0
    for _ in range(2):
        target.send(Request("GET", "https://api.dastra.eu/v1/workspaces"))
    assert target.seconds_an_answer == pytest.approx(0.2)
    target.close()

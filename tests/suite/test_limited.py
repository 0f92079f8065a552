"""What is said of a rate that the server limits: seen, and never provoked on a live server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.limited import Limited
from pytest_apiauth.targets.live import LIVE

from .test_api import Answer, Scripted

Serve = Callable[[Request], Response]


def limiting(*headers: tuple[str, str], times: int = 1) -> Answer:
    """Answer the first requests of the user's zone that carry no credential with 429."""
    left = [Response(429, headers)] * times

    def answer(request: Request, serve: Serve) -> Response:
        is_bare = "/user" in request.url and request.header("authorization") is None
        return left.pop() if is_bare and left else serve(request)

    return answer


def examined(answer: Answer, *rule_ids: str, live: bool = True) -> tuple[list[Outcome], int]:
    """Judge rules one after another on one server, and return what came and how many requests left for the last."""
    target = Scripted(answer)
    if live:
        target.kind = LIVE
    examination = Examination(target, Redactor())
    found = []
    for rule_id in rule_ids:
        rule = REGISTRY[rule_id]
        argument = target.profile.zones["user"] if rule_id.startswith("res-") else "password"
        found.append(judge(rule, examination, argument, Conditions(5, 0)))
    return found, found[-1].requests


def test_a_server_that_keeps_its_word_is_reported_and_not_advised() -> None:
    """Who waits as long as Retry-After says gets an answer: that is told, and nothing is wrong with it."""
    (first, own), sent = examined(limiting(("Retry-After", "0")), "res-no-cred-401", "err-throttle")

    assert first.verdict is Verdict.PASS
    assert first.limited == {"GET /user/me": Limited(1, 1, 1, 0)}
    assert (first.filed, own.verdict, own.limited, sent) == ({}, Verdict.PASS, {}, 0)


def test_a_limit_that_outlasts_its_time_is_counted() -> None:
    """Another 429 after the time that the server had asked for is told, and one request is not asked a third time."""
    (outcome,), _ = examined(limiting(("Retry-After", "0"), times=2), "res-no-cred-401")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.limited == {"GET /user/me": Limited(2, 2, 1, 1)}


@pytest.mark.parametrize(
    ("headers", "got"),
    [
        ((), "429 Too Many Requests, without one"),
        ((("Retry-After", "soon"),), "429 Too Many Requests, with 'soon'"),
        ((("Retry-After", "-1"),), "429 Too Many Requests, with '-1'"),
    ],
)
def test_a_limit_without_a_time_is_advised_against(headers: tuple[tuple[str, str], ...], got: str) -> None:
    """Whatever rule meets it files it once, under the rule about limits, which sends nothing to a live server."""
    (first, next_one, own), sent = examined(
        limiting(*headers, times=2), "res-no-cred-401", "res-no-cred-401", "err-throttle"
    )

    assert [found.got for found in first.filed.values()] == [got]
    assert list(first.filed) == ["err-throttle"]
    assert next_one.filed == {}
    assert (own.verdict, own.is_advice, sent) == (Verdict.WARNING, True, 0)
    assert own.counterexample is not None
    assert own.counterexample.got == got


@pytest.mark.parametrize("live", [True, False])
def test_a_server_that_limits_nothing_is_not_judged(*, live: bool) -> None:
    """Without any 429 nothing is said: a live server is not made to give one, the embedded one has none."""
    (outcome,), sent = examined(lambda request, serve: serve(request), "err-throttle", live=live)

    assert (outcome.verdict, outcome.reason) == (Verdict.SKIP, "no request of this run met a limited rate")
    assert (sent == 0) == live

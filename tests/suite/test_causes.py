"""One cause, one headline: what lets in whoever lets in anybody is no finding of its own."""

from __future__ import annotations

from collections.abc import Callable

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge

from .test_api import Answer, Scripted, judged


def open_user(request: Request, serve: Callable[[Request], Response]) -> Response:
    """Let anybody into one zone."""
    return Response(200, body=b"{}") if "/user" in request.url else serve(request)


def test_what_only_adds_something_follows() -> None:
    """A bad token, a trusted header, another path: each says whose finding it is, and which."""
    for rule_id in ("res-mutated-token", "res-proxy-headers", "hdr-unrelated-inert", "zone-swap"):
        outcome = judged(rule_id, open_user)
        assert (outcome.verdict, outcome.reason) == (Verdict.SKIP, "follows from res-no-cred-401"), rule_id
    assert judged("res-no-cred-401", open_user).verdict is Verdict.FAIL


def test_the_request_that_carries_nothing_is_no_consequence() -> None:
    """A rule that sends the very request that anybody is let in with fails by itself."""
    assert judged("res-refusal-steady", open_user).verdict is Verdict.FAIL


OPEN_USER = "res-no-cred-401 at GET /user/me"


def test_what_one_request_shows_has_one_cause() -> None:
    """Rules that fail by the same request, and rules that follow from it, name one cause; others are their own."""
    rules = ("res-no-cred-401", "res-refusal-steady", "res-mutated-token", "res-proxy-headers")

    assert {judged(rule_id, open_user).cause for rule_id in rules} == {OPEN_USER}
    assert judged("res-401-challenge", lambda request, serve: serve(request)).cause == ""

    def any_token(request: Request, serve: Callable[[Request], Response]) -> Response:
        is_bad = (request.header("authorization") or "").startswith("Bearer ") and "/user" in request.url
        return Response(200, body=b"{}") if is_bad and request.header("x-api-key") else serve(request)

    assert judged("res-mutated-token", any_token).cause == "res-mutated-token"


def test_a_zone_that_is_open_by_mistake_stands_for_no_other() -> None:
    """Where the first zone lets anybody in, the next one that takes such a key is looked at with the whole table."""

    def open_public(request: Request, serve: Callable[[Request], Response]) -> Response:
        is_open = request.method == "GET" and "/public" in request.url
        return Response(200, body=b"{}") if is_open else serve(request)

    def judged_in_turn(answer: Answer) -> list[Outcome]:
        target = Scripted(answer)
        examination, zones = Examination(target, Redactor()), target.profile.zones
        return [judge(REGISTRY["key-bad"], examination, zones[name], Conditions(5, 0)) for name in ("public", "user")]

    usual, instead = judged_in_turn(lambda request, serve: serve(request)), judged_in_turn(open_public)

    assert [outcome.verdict for outcome in usual] == [Verdict.PASS] * 2
    assert [outcome.verdict for outcome in instead] == [Verdict.SKIP, Verdict.PASS]
    assert instead[0].cause == "res-no-cred-401 at GET /public/cards"
    assert instead[1].rows > 2 * usual[1].rows

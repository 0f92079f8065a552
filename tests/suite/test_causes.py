"""One cause, one headline: what lets in whoever lets in anybody is no finding of its own."""

from __future__ import annotations

from collections.abc import Callable

from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import Verdict

from .test_api import judged


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

"""What gateways, frameworks and identity providers do that is no fault: each is a server that a rule once failed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import equivalent
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import DEFAULT, Kind, Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.targets.live import LIVE
from tests.faults.examining import PROFILES

from .test_api import Scripted
from .test_good_servers import judged, profile_of

inert = importlib.import_module("pytest_apiauth.conformance.grid.inert")
Serve = Callable[[Request], Response]
Answering = Callable[[Request, Serve], Response]
REFERENCE = PROFILES["reference"]


def doing(answer: Answering) -> Fault:
    """Return what makes the embedded server answer so."""

    class Does(Policy):
        def revise(self, request: Request, response: Response) -> Response:
            return answer(request, lambda request: super(Does, self).revise(request, response))

    return Fault("does", "", Does)


def verdict_of(rule_id: str, part: str, does: Answering | type[Policy], profile: Profile = REFERENCE) -> Verdict:
    """Judge a rule on a server that does something of its own."""
    fault = Fault("does", "", does) if isinstance(does, type) else doing(does)
    return judged(rule_id, profile, part, faults=[fault]).verdict


# Gateways and frameworks


def strict_about_queries(request: Request, serve: Serve) -> Response:
    """JSON:API, Google's APIs, Envoy's transcoder: a parameter that nobody knows is 400."""
    return Response(400) if "apiauth=" in request.query else serve(request)


def get_alone(request: Request, serve: Serve) -> Response:
    """AWS API Gateway: of a method that is not there it says 403."""
    return Response(403) if request.method == "HEAD" else serve(request)


def empty_everywhere(request: Request, serve: Serve) -> Response:
    """A probe without content, and a preflight without any."""
    answer = serve(request)
    if request.method == "OPTIONS":
        return Response(204)
    return replace(answer, status=204, body=b"") if answer.status == 200 and request.method == "GET" else answer


def versioned(request: Request, serve: Serve) -> Response:
    """JSON:API: what every answer has, an error has too."""
    answer = serve(request)
    body = answer.json()
    if not isinstance(body, dict):
        body = {}
    return replace(answer, body=json.dumps({**body, "jsonapi": {"version": "1.1"}}).encode())


@pytest.mark.parametrize(
    ("rule_id", "part", "does", "verdict"),
    [
        ("hdr-inert", "user", strict_about_queries, Verdict.WARNING),
        ("res-all-methods", "user", empty_everywhere, Verdict.PASS),
    ],
)
def test_what_gateways_and_frameworks_do(rule_id: str, part: str, does: Answering, verdict: Verdict) -> None:
    """Each of them is a good server, and at most advised."""
    assert verdict_of(rule_id, part, does) is verdict


def test_a_documented_status_is_that_of_get() -> None:
    """A gateway that knows of GET alone answers HEAD as it likes."""
    profile = REFERENCE.replaced(unauthenticated=401)

    assert verdict_of("res-no-cred-401", "user", get_alone, profile) is Verdict.PASS


def test_a_header_of_its_own_is_not_repeated() -> None:
    """Rails joins two Accept lines, and takes a list with any type in it for a browser's."""
    valid = Draft("GET", "https://shop.example/things", (("Accept", "application/json"),)).as_control()

    assert "Accept" not in {thing.name for thing, _ in inert.inert_beside(valid)}
    assert "Accept" in {thing.name for thing, _ in inert.inert_beside(Draft("GET", valid.url).as_control())}


@pytest.mark.parametrize(("members", "verdict"), [(["jsonapi", "user"], Verdict.WARNING), (["user"], Verdict.PASS)])
def test_errors_may_have_what_every_answer_has(members: list[str], verdict: Verdict) -> None:
    """A refusal fails if it tells all that is documented of the content; some of it may be the API's own."""
    zones = REFERENCE.model_dump(by_alias=True, exclude_unset=True)["zones"]
    zones["user"] = {**zones["user"], "members": members}
    profile = REFERENCE.replaced(zones=zones)

    assert verdict_of("res-garbage-token", "user", versioned, profile) is verdict


def test_a_gateway_may_know_no_other_host() -> None:
    """OpenShift and HAProxy answer 503 for a host that they have no route to; no content came."""

    def answer(request: Request, serve: Serve) -> Response:
        return Response(503) if request.header("host") in ("localhost", "127.0.0.1") else serve(request)

    target = Scripted(answer)
    target.kind = LIVE
    zone = target.profile.zones["user"]

    found = judge(REGISTRY["res-proxy-headers"], Examination(target, Redactor()), zone, Conditions(5, 0))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize("status", [200, 301])
def test_another_host_may_be_another_site(status: int) -> None:
    """Caddy answers an unknown host with an empty 200, nginx often with the way to the right one; no token came."""

    def answer(request: Request, serve: Serve) -> Response:
        return Response(status) if request.header("host") == "localhost" else serve(request)

    assert verdict_of("tok-inert-refused", "client_credentials", answer) is Verdict.WARNING


# What is looked at first


class FirstThatSpeaks(Policy):
    """Django REST framework, Spring Security: whatever is bad ends the request, whatever else is good."""

    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        found = super().presented(request, kinds)
        is_bad = any(self.shows(found, kind) and self.holder(kind, found) is None for kind in found.shown)
        return replace(found, shown={}) if is_bad else found


def test_a_bad_credential_beside_a_good_one_may_be_refused() -> None:
    """Where a zone takes one of two, nothing is said of both."""
    zones = REFERENCE.model_dump(by_alias=True, exclude_unset=True)["zones"]
    zones["either"] = {"path": "/either/", "needs": [["api_key"], ["bearer"]], "probe": ["/either/items"]}
    profile = REFERENCE.replaced(zones=zones)

    assert verdict_of("zone-truth-table", "either", FirstThatSpeaks, profile) is Verdict.PASS
    assert judged("zone-truth-table", profile, "either").verdict is Verdict.PASS


# Sessions


class OneSession(Policy):
    """A login ends the user's session before."""

    def reissued(self, *arguments: Any) -> Any:
        for record in self.state.access.values():
            record.dead = True
        return super().reissued(*arguments)


class Sliding(Policy):
    """Each use prolongs a session."""

    def token_is_good(self, token: AccessToken) -> bool:
        is_good = super().token_is_good(token)
        if is_good:
            token.expires_at = self.state.clock.now() + 3600
        return is_good


def test_a_new_login_may_end_the_one_before() -> None:
    """The lifetime of a token is that of one which nothing has ended."""
    assert verdict_of("exp-boundary", "user", OneSession) is Verdict.PASS
    assert verdict_of("exp-monotone", "user", OneSession) is Verdict.PASS
    assert judged("exp-boundary", REFERENCE, "user", faults=["token-never-expires"]).verdict is Verdict.FAIL


def test_use_may_prolong_a_session() -> None:
    """What is documented is the life of one that nobody uses; that use prolongs it is advice."""
    assert verdict_of("exp-boundary", "user", Sliding) is Verdict.WARNING


# Names and values


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("c2ffcd10-1b1a-4b5e-9f4d-3f1f6a3d0a11", "c2ffcd101b1a4b5e9f4d3f1f6a3d0a11", True),
        ("c2ffcd10-1b1a-4b5e-9f4d-3f1f6a3d0a11", "c2ffcd101b1a4b5e9f4d3f1f6a3d0a12", False),
    ],
)
def test_one_value_in_another_spelling(one: str, other: str, same: bool) -> None:
    """A UUID without its hyphens is the same to most that read them."""
    assert equivalent(one, other) is same


def test_a_documented_word_for_tokens_is_a_word_for_tokens() -> None:
    """Apigee calls them BearerToken; a profile that says so is believed."""
    answer = {"token_type": "BearerToken", "expires_in": 600}
    profile = profile_of(token_url="/token", grants={"password": {}}, token={"answer": answer})

    assert profile.token_types == {"bearer", "bearertoken"}


def test_an_optional_credential_is_not_asked_for() -> None:
    """Where a key or a token may be left out, rules about bad ones have nothing to say."""
    needs: list[list[str]] = [[], ["api_key"], ["bearer"]]
    profile = profile_of(
        token_url="/token", api_key={"header": "X-API-Key"}, grants={"client_credentials": {}},
        credentials={"client_id": "lab", "client_secret": {"env": "SHOP_SECRET"}, "api_key": {"env": "SHOP_KEY"}},
        zones={"all": {"path": "/", "needs": needs, "probe": ["/things"]}},
    )  # fmt: skip

    assert not [rule for rule in ("key-missing", "key-bad", "exp-boundary") if REGISTRY[rule].applies.find(profile)]


def login_by(json_: dict[str, str], **more: Any) -> Profile:
    """Return a profile of a login that is not OAuth's."""
    request = {"url": "/login", "json": json_, "access_token": "token", **more}
    return profile_of(
        login_request=request, grants={"password": {}},
        credentials={"username": "alice", "password": {"env": "SHOP_PASSWORD"}},
        zones={"all": {"path": "/", "needs": ["bearer"], "probe": ["/things"]}},
    )  # fmt: skip


class OneUser(Policy):
    """Pi-hole: a login by a password alone, of a user who has no name."""

    def revise(self, request: Request, response: Response) -> Response:
        if request.path != "/login":
            return super().revise(request, response)
        known = {user.password for user in self.state.users.values() if user.name == DEFAULT}
        body = request.json()
        is_right = isinstance(body, dict) and body.get("pw") in known
        return Response(200, body=b'{"token": "apiauth-a-session"}') if is_right else Response(401)


def test_a_login_may_take_a_password_alone() -> None:
    """What is left out of a login is what it has."""
    assert verdict_of("log-lacking", "password", OneUser, login_by({"pw": "{password}"})) is Verdict.PASS


def test_a_login_may_give_one_token_that_is_renewed_by_itself() -> None:
    """tymon/jwt-auth: what opens the API is also what a new one is asked for with."""
    refreshed = {"url": "/refresh", "headers": {"Authorization": "Bearer {refresh_token}"}, "access_token": "token"}
    one = login_by({"user": "{username}", "pw": "{password}"}, refresh_token="token")
    one = one.replaced(
        refresh_request={**refreshed, "refresh_token": "token"}, grants={"password": {}, "refresh_token": {}}
    )

    assert not [rule for rule in ("ref-not-access", "acc-not-refresh") if REGISTRY[rule].applies.find(one)]


# Where things are told


def test_a_key_that_is_documented_in_another_place_may_count_there() -> None:
    """GitLab takes one token in PRIVATE-TOKEN or behind Bearer; a profile says so by two kinds."""
    profile = profile_of(
        api_key={"header": "PRIVATE-TOKEN"},
        credentials={"api_key": {"env": "SHOP_KEY"}, "personal_access_token": {"env": "SHOP_KEY"}},
        zones={"all": {"path": "/", "needs": [["api_key"], ["personal_access_token"]], "probe": ["/things"]}},
    )

    assert judged("key-place-strict", profile, "all").verdict is Verdict.PASS


def test_ids_and_times_in_what_a_refusal_says_make_no_difference() -> None:
    """Entra ends a description with a trace and a time: two equal refusals differ in nothing else."""
    count = iter(range(1000, 10_000))

    def answer(request: Request, serve: Serve) -> Response:
        found = serve(request)
        body = found.json()
        if found.status == 200 or not isinstance(body, dict) or urlsplit(request.url).path != "/token":
            return found
        told = f"AADSTS50126: Invalid. Trace ID: 0b3a7c1e-2f4d-4b6a-8c9e-1d2f3a4b{next(count)}"
        return replace(found, body=json.dumps({"error": "invalid_grant", "error_description": told}).encode())

    assert verdict_of("leak-enum", "password", answer) is Verdict.PASS


def test_an_alias_for_certificates_is_an_endpoint_too() -> None:
    """A server may have another door for clients that come with a certificate (RFC 8705 5)."""

    def answer(request: Request, serve: Serve) -> Response:
        found = serve(request)
        body = found.json()
        if not isinstance(body, dict) or "token_endpoint" not in body:
            return found
        other = {"token_endpoint": "https://plain.example/token"}
        return replace(found, body=json.dumps({**body, **other, "mtls_endpoint_aliases": body}).encode())

    (part,) = REGISTRY["md-consistent"].applies.find(REFERENCE)
    assert verdict_of("md-consistent", part, answer) is Verdict.PASS

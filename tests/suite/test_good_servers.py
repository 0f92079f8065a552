"""What good servers do that looks like a fault: at most a warning; and the fault beside it is still a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth.auth.edits import equivalent
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.embedded.jws import Jws
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.embedded.state import AccessToken, KeyRecord
from pytest_apiauth.http import Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.live import LIVE
from tests.faults.examining import PROFILES
from tests.here import USUAL

Answered = Callable[[Request, Response], Response]
"""Gives the answer in the place of a refusal."""


def profile_of(**keys: Any) -> Profile:
    """Give a profile of a shop."""
    return Profile.model_validate({"schema": 1, "name": "shop", "api_url": "https://shop.example", **keys})


class Live:
    """The embedded server as a live one is met: a person's login is not to be had, but a kept refresh token is."""

    kind = LIVE
    person = None
    can_move_clock = False

    def __init__(self, profile: Profile) -> None:
        self.inner = EmbeddedTarget.build(profile, redactor=Redactor(), library=USUAL, faults=(), variants=())
        self._kept = str(Examination(self.inner, Redactor()).obtaining.issue("authorization_code")["refresh_token"])
        self.identities: Any = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner if hasattr(self.inner, name) else self.inner.identities, name)

    def guess(self, username: str) -> bool:
        """No account locks here."""
        return True

    def refresh_token(self, client: str, user: str) -> Secret:
        """Give the refresh token that a person has got by logging in."""
        return Secret(self._kept, "shop.refresh_token")

    def keep_refresh_token(self, token: Secret, client: str, user: str) -> str:
        """Keep the one that takes its place."""
        self._kept = token.reveal()
        return "kept"


def judged(
    rule_id: str, profile: Profile, part: str, *, faults: Iterable[str | Fault] = (), variants: Iterable[str] = ()
) -> Outcome:
    """Judge a rule on one part of a profile, on the embedded server."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=faults, variants=variants)
    rule = REGISTRY[rule_id]
    return judge(rule, Examination(target, redactor), rule.applies.find(profile)[part], Conditions(12, 0))


# Stores of credentials


def two_names(*needs: list[str], key: str = "SHOP_KEY") -> Profile:
    """Give a profile with a key behind a word of its own and a personal access token, which has a variable."""
    return profile_of(
        api_key={"header": "Authorization", "scheme": "Token"},
        credentials={"api_key": {"env": key}, "personal_access_token": {"env": "SHOP_TOKEN"}},
        zones={"all": {"path": "/", "needs": list(needs), "probe": ["/things"]}},
    )


def keys_are_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server find keys and tokens in one store."""

    def match_token(self: Policy, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        is_key = presented in self.state.keys
        return AccessToken(presented, None, None, "", float("inf"), 0) if is_key else known.get(presented)

    def match_key(self: Policy, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        is_token = presented in self.state.personal or presented in self.state.access
        return KeyRecord("token", presented) if is_token else known.get(presented)

    monkeypatch.setattr(Policy, "match_token", match_token)
    monkeypatch.setattr(Policy, "match_key", match_key)


def test_one_token_under_two_names_is_its_own() -> None:
    """A token that one store takes behind Token and behind Bearer is no other's where its name is the other one."""
    outcome = judged("zone-swap", two_names(["api_key"], ["personal_access_token"], key="SHOP_TOKEN"), "all")

    assert outcome.verdict in (Verdict.PASS, Verdict.SKIP), outcome.reason


def test_what_opens_the_zone_by_itself_may_do_so_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key or a token will do, a key that passes for a token too is a warning: one store may hold both."""
    keys_are_tokens(monkeypatch)

    outcome = judged("zone-swap", two_names(["api_key"], ["personal_access_token"]), "all")

    assert outcome.verdict is Verdict.WARNING, outcome.reason


def test_what_does_not_open_the_zone_by_itself_must_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the place of a key is a failure where the key is what the zone needs."""
    keys_are_tokens(monkeypatch)

    outcome = judged("zone-swap", two_names(["api_key"]), "all")

    assert outcome.verdict is Verdict.FAIL, outcome.reason


@pytest.mark.parametrize(("key", "verdict"), [("SHOP_KEY", Verdict.WARNING), ("SHOP_OTHER_KEY", Verdict.FAIL)])
def test_one_key_in_two_places_may_count_in_both(key: str, verdict: Verdict) -> None:
    """One key that is taken in either place, wherever either is documented, is a warning, and two keys a failure."""
    needs = {"head": "api_key", "query": "asked"}
    zones = {name: {"path": f"/{name}", "needs": [need], "probe": [f"/{name}/x"]} for name, need in needs.items()}
    profile = profile_of(
        api_key={"header": "X-Key"},
        schemes={"asked": {"in": "query", "name": "key", "value": {"env": key}}},
        credentials={"api_key": {"env": "SHOP_KEY"}},
        zones=zones,
    )

    outcome = judged("zone-truth-table", profile, "head", faults=["other-zones-needs-suffice"])

    assert outcome.verdict is verdict, outcome.reason


class Endless(Policy):
    """Calls users by a million letters each, and takes note of the longest header that comes."""

    longest = 0

    def revise(self, request: Request, response: Response) -> Response:
        Endless.longest = max([Endless.longest, *(len(value) for _, value in request.headers)])
        answer = super().revise(request, response)
        members = answer.json()
        if answer.status != 200 or not isinstance(members, dict):
            return answer
        return replace(answer, body=json.dumps({**members, "user": f"{members['user']}{'x' * 1_000_000}"}).encode())


def test_what_a_server_calls_a_user_is_sent_back_if_it_can_be_a_name() -> None:
    """Users are told apart by whatever a server calls them; it is not sent if it is far too long."""
    profile = profile_of(
        credentials={"username": "ada", "password": {"env": "ONE"}},
        users={"second": {"username": "bob", "password": {"env": "TWO"}}},
        zones={"all": {"path": "/", "needs": ["basic"], "probe": ["/me"], "identity": "user"}},
    )

    assert judged("zone-identity", profile, "all", faults=[Fault("endless", "", Endless)]).verdict is Verdict.PASS
    assert 0 < Endless.longest < 10_000


# A person's tokens


def by_code(**grants: Any) -> Profile:
    """Give a profile with the interactive grant, as ``init`` writes it, and further grants."""
    return profile_of(
        token_url="/token",
        authorize_url="/authorize",
        standards=["RFC 6749", "RFC 6750"],
        credentials={
            "client_id": "shop",
            "client_secret": {"env": "SHOP_SECRET"},
            "redirect_uri": "http://127.0.0.1:8123/callback",
        },
        grants={
            "authorization_code": {"answer": {"token_type": "Bearer", "refresh_token": True}},
            "refresh_token": {},
            **grants,
        },
        rotation="old-dies",
        zones={"user": {"path": "/", "needs": ["bearer"], "probe": ["/me"], "identity": "user"}},
    )


@pytest.mark.parametrize("grants", [{}, {"client_credentials": {}}], ids=["code only", "code and machine"])
@pytest.mark.parametrize("rule_id", ["life-cycle", "life-isolation"])
def test_no_machine_stands_in_for_a_person(
    rule_id: str, grants: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live run that goes on from a kept refresh token makes no sequences of logins, and says why."""
    holder = Policy.holder

    def persons_only(self: Policy, kind: Any, presented: Any) -> Any:
        found = holder(self, kind, presented)
        return found if getattr(found, "user", None) else None

    monkeypatch.setattr(Policy, "holder", persons_only)
    target, rule = Live(by_code(**grants)), REGISTRY[rule_id]
    (zone,) = rule.applies.find(target.profile).values()

    outcome = judge(rule, Examination(target, Redactor()), zone, Conditions(2, 0))

    assert outcome.verdict is Verdict.SKIP, outcome.reason
    assert "no grant that works without a person" in outcome.reason


# Lifetimes


@pytest.mark.parametrize("rule_id", ["tok-expires-in", "ref-expires-in"])
@pytest.mark.parametrize(("documented", "verdict"), [(None, Verdict.WARNING), (3600, Verdict.FAIL)])
def test_a_lifetime_is_missed_where_it_is_documented(
    rule_id: str, documented: int | None, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6749 5.1 recommends expires_in, so its absence warns; where the profile documents it, it fails."""
    monkeypatch.setattr(Policy, "expires_in", lambda self, grant: None)
    profile = by_code().replaced(token={"answer": {"expires_in": documented, "refresh_token": True}}, grants={
        "password": {}, "refresh_token": {}
    })  # fmt: skip

    assert judged(rule_id, profile, "password" if rule_id == "tok-expires-in" else "refresh_token").verdict is verdict


# Refusals


def answered(answer: Answered, rule_id: str, part: str, **changes: Any) -> Outcome:
    """Judge a rule on the reference profile, with what the server refuses answered otherwise."""
    profile, redactor = PROFILES["reference"].replaced(**changes), Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    handle = target.server.handle

    def serve(request: Request) -> Response:
        response = handle(request)
        return response if response.status < 400 else answer(request, response)

    sender = Sender.embedded(USUAL, serve)
    rule = REGISTRY[rule_id]
    examination = Examination(replace(target, sender=sender), redactor)
    return judge(rule, examination, rule.applies.find(examination.profile)[part], Conditions(5, 0))


def saying(status: int, body: bytes = b'{"error": "no"}', **lines: str) -> Answered:
    """Refuse everything with the same answer."""
    headers = (("Content-Type", "application/json"), *lines.items())
    return lambda request, response: Response(status, headers, body)


CONTENT = b'{"zone": "user", "user": "somebody"}'
"""An object of the same members as the zone's."""


@pytest.mark.parametrize(
    ("answer", "documented", "verdict"),
    [
        (saying(200), (401,), Verdict.FAIL),
        (saying(200), (200, 401), Verdict.PASS),
        (saying(200, CONTENT), (200, 401), Verdict.FAIL),
        (saying(204, b""), (401,), Verdict.FAIL),
        (saying(302, Location="/login"), (401,), Verdict.FAIL),
        (saying(302, Location="/login"), (302, 401), Verdict.PASS),
        (saying(404), (401,), Verdict.WARNING),
        (saying(404), (404, 401), Verdict.PASS),
        (saying(422), (401,), Verdict.WARNING),
    ],
)
def test_a_refusal_is_a_4xx(answer: Answered, documented: tuple[int, ...], verdict: Verdict) -> None:
    """A 2xx or a 3xx is no refusal, whatever its body says, save where the profile documents it; another 4xx warns."""

    def to_credentials(request: Request, response: Response) -> Response:
        return answer(request, response) if request.header("authorization") else response

    outcome = answered(to_credentials, "res-garbage-token", "user", refusal=documented)

    assert outcome.verdict is verdict, outcome.reason


@pytest.mark.parametrize(
    ("answer", "documented", "verdict"),
    [
        (saying(200), (400, 401), Verdict.FAIL),
        (saying(200, b'{"access_token": null}'), (400, 401), Verdict.FAIL),
        (saying(302, Location="/login"), (400, 401), Verdict.FAIL),
        (saying(200), (200, 401), Verdict.PASS),
        (saying(404), (400, 401), Verdict.PASS),
    ],
)
def test_an_error_of_the_token_endpoint_is_a_4xx(
    answer: Answered, documented: tuple[int, ...], verdict: Verdict
) -> None:
    """A token request that deserves no token is not answered with a success, an error in its body or not."""
    outcome = answered(answer, "tok-empty-param", "refresh_token", refusal=documented)

    assert outcome.verdict is verdict, outcome.reason


def test_a_page_may_stand_where_tokens_are_posted() -> None:
    """To GET a login page is fit; it warns at most, as no token came."""
    page = Response(200, (("Content-Type", "text/html"),), b"<form>")
    outcome = answered(
        lambda request, response: page if request.method == "GET" else response, "tok-get-refused", "password"
    )

    assert outcome.verdict is Verdict.WARNING, outcome.reason


def test_another_method_may_be_sent_on() -> None:
    """A redirection of a method that the route has not warns: it may lead to the route that has it."""
    outcome = answered(
        lambda request, response: Response(308, (("Location", "/user/me/"),)) if request.method == "POST" else response,
        "res-all-methods",
        "user",
    )

    assert outcome.verdict is Verdict.WARNING, outcome.reason


# Credentials in another dress


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("scheme-ignored", Verdict.WARNING),
        ("bearer-glued", Verdict.WARNING),
        ("bearer-quotes-stripped", Verdict.WARNING),
        ("foreign-scheme-trusted", Verdict.FAIL),
    ],
)
def test_a_good_token_in_another_dress_warns(fault: str, verdict: Verdict) -> None:
    """Whoever looks behind a word or quotes finds a good token there; who takes a wrong one for that is broken."""
    assert judged("res-malformed-header", PROFILES["reference"], "user", faults=[fault]).verdict is verdict


def test_padding_is_no_other_token() -> None:
    """One = behind the signature of a JWT, and a last letter that differs in unused bits, are the same token."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJhIn0.c2lnbmF0dXJlLW9mLXRoaXM"

    assert equivalent(f"{token}=", token)
    assert equivalent(f"{token[:-1]}N", token)
    assert not equivalent(f"{token[:-1]}A", token)


# Clients that are nobody


def test_tokens_for_nobody_are_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has to authenticate, tok-client-auth-needed says so, and what follows from it is not said again."""
    monkeypatch.setattr(
        Policy, "client_credentials", lambda self, request, parameters: (next(iter(self.state.clients)), None)
    )
    monkeypatch.setattr(Policy, "unproven_client", lambda self, client, parameters: client)
    at_token_endpoint = [rule for rule in REGISTRY if rule.chapter != "revocation"]
    rules = [rule for rule in at_token_endpoint if rule.applies.find(PROFILES["reference"]).get("password")]
    found = {rule.id: judged(rule.id, PROFILES["reference"], "password") for rule in rules}

    assert [rule_id for rule_id, outcome in found.items() if outcome.verdict is Verdict.FAIL] == [
        "tok-client-auth-needed"
    ]
    assert {rule_id for rule_id, outcome in found.items() if "follows from" in outcome.reason} >= {
        "tok-nothing-in-url", "tok-wrong-secret", "basic-malformed", "basic-secret-exact", "basic-empty-secret",
    }  # fmt: skip
    follows = judged("ref-client-auth", PROFILES["reference"], "refresh_token")
    assert (follows.verdict, follows.reason) == (Verdict.SKIP, "follows from tok-client-auth-needed")


@pytest.mark.parametrize(
    ("fault", "rule_id"),
    [
        ("secret-ignored", "tok-wrong-secret"),
        ("token-parameters-from-query", "tok-nothing-in-url"),
        ("refresh-without-client", "ref-client-auth"),
        ("basic-colon-optional", "basic-malformed"),
    ],
)
def test_what_does_not_follow_fails_by_itself(fault: str, rule_id: str) -> None:
    """A server that asks for a client, and is taken in by another one, breaks the rule at hand."""
    part = "refresh_token" if rule_id.startswith("ref") else "password"

    assert judged(rule_id, PROFILES["reference"], part, faults=[fault]).verdict is Verdict.FAIL


# Tokens for nobody in particular


class WithoutAudience(JwtPolicy):
    """Issues tokens that name no audience, and looks at none."""

    def parties(self) -> dict[str, str]:
        return {"iss": self.profile.base_url}

    def audience_is_good(self, token: Jws) -> bool:
        return True


@pytest.mark.parametrize(
    ("standards", "verdict"), [(["RFC 7519"], Verdict.WARNING), (["RFC 7519", "RFC 9068"], Verdict.FAIL)]
)
def test_an_api_whose_tokens_name_no_audience(standards: list[str], verdict: Verdict) -> None:
    """Nobody else's tokens are signed by its key, as far as can be told; RFC 9068 has each token name who it is for."""
    found = PROFILES["jwt"].jwt
    assert found is not None
    jwt = {"alg": "ES256", "jwks_url": found.jwks_url, "signing_key": {"env": "JWT_SIGNING_KEY"}}
    profile = PROFILES["jwt"].replaced(jwt=jwt, standards=standards)

    assert (
        judged("res-jwt-audience", profile, "api", faults=[Fault("without-audience", "", WithoutAudience)]).verdict
        is verdict
    )

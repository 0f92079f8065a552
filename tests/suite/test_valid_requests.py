"""The suite's valid requests are the clients' own: what is examined is what a user's tests send."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import GrantType, Profile
from pytest_apiauth.recording.scenes import scenes
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL

GRANTS: tuple[GrantType, ...] = (
    "client_credentials", "password", "authorization_code", "device_code", "refresh_token",
)  # fmt: skip
AUTHENTICATIONS = ("none", "client_secret_basic", "client_secret_post", "client_secret_json")
NEW = re.compile(r"((?:state|code_challenge)=)[^&]+")
SPENT = re.compile(rb"""((?:code|device_code|code_verifier|refresh_token|subject_token)"?(?:=|: "))[^&"]+""")
"""What is another one in every request."""


def promised(**changes: Any) -> Profile:
    """Return a profile with every grant, a keyed token route, and names that every encoding changes."""
    extra = {"extra": {"audience": "https://api.example.org/a b"}}
    table: dict[str, Any] = {
        "schema": 1,
        "name": "office",
        "api_url": "https://office.example/v1",
        "token_url": "/token",
        "authorize_url": "/authorize?tenant=7",
        "device_authorization_url": "/device",
        "api_key": {"header": "X-Office-Key", "scheme": "Key"},
        "token": {"scope": "read write", "answer": {"expires_in": 600}},
        "grants": {
            "client_credentials": extra,
            "password": {"answer": {"refresh_token": True, "expires_in": 600}},
            "authorization_code": {"scope": "read offline_access"},
            "device_code": extra,
            "refresh_token": extra,
        },
        "credentials": {
            "client_id": "office é+%/&=client",
            "client_secret": {"env": "OFFICE_SECRET"},
            "redirect_uri": "https://app.example/back",
            "username": "j. o'néil+x@example.org",
            "password": {"env": "OFFICE_PASSWORD"},
            "api_key": {"env": "OFFICE_KEY"},
            "personal_access_token": {"env": "OFFICE_PAT"},
        },
        "zones": {"all": {"path": "/", "needs": ["api_key", "bearer"], "probe": ["/me"]}},
    }
    return Profile.model_validate({**table, **changes})


def of_clients(profile: Profile, grant: GrantType) -> list[Request]:
    """Return what a client sends for a token and with it, as it has come to the server."""
    server, redactor = Server(profile), Redactor()
    identities = Identities(server.profile, server.lookup, redactor)
    first: GrantType = "password" if grant == "refresh_token" else grant
    authenticator = Authenticator(server.profile, identities, TokenStore(server.clock, 30), redactor, grant=first)
    client = build_client(server.profile, InProcess(USUAL, server.handle), redactor, authenticator=authenticator)
    client.get("/me")
    if grant == "refresh_token":
        server.clock.advance(10_000)
        client.get("/me")
    return server.requests


def of_suite(profile: Profile, grant: GrantType) -> list[Request]:
    """Return what the suite sends for a token, as it has come to the server."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    Examination(target, redactor).obtaining.issue(grant)
    return target.server.requests


def last(requests: list[Request], path: str) -> Request:
    """Return the last request to a path."""
    return [request for request in requests if urlsplit(request.url).path == f"/v1{path}"][-1]


def compared(request: Request) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """Return everything of a request, but for what the HTTP library adds and what is another one each time."""
    library = {"host", "user-agent", "accept-encoding", "connection", "content-length"}
    lines = [(name.lower(), value) for name, value in request.headers if name.lower() not in library]
    return request.method, NEW.sub(r"\1*", request.url), lines, SPENT.sub(rb"\1*", request.body)


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize(
    ("method", "body", "encoding"),
    [(method, body, encoding) for method, body, encoding in product(AUTHENTICATIONS, ("form", "json"), ("form", "raw"))
     if encoding == "form" or method == "client_secret_basic"],
)  # fmt: skip
def test_suite_and_clients_send_the_same(grant: GrantType, method: str, body: str, encoding: str) -> None:
    """Byte for byte: method, URL, our header lines in their order, and body, for every way to ask for a token."""
    settings = {"client_auth": method, "body": body, "basic_encoding": encoding, "scope": "read write"}
    profile = promised(token={**settings, "answer": {"expires_in": 600}})

    assert compared(last(of_suite(profile, grant), "/token")) == compared(last(of_clients(profile, grant), "/token"))


@pytest.mark.parametrize("body", ["form", "json"])
def test_suite_and_cassettes_exchange_a_token_alike(body: str) -> None:
    """No client gets its token by exchange, but the suite and a recording ask for one with the same request."""
    profile = promised(token={"body": body, "scope": "read"}, grants={"password": {}, "token_exchange": {}})
    server = Server(profile)
    ask = Requester(Identities(server.profile, server.lookup, Redactor()))
    (scene,) = [scene for scene in scenes(profile) if scene.name == "token_exchange"]
    steps = scene.play(ask)
    step = next(steps)
    assert isinstance(step, Request)
    exchanging = steps.send(server.handle(step))
    assert isinstance(exchanging, Request)
    assert server.handle(exchanging).status == 200

    assert compared(exchanging) == compared(last(of_suite(profile, "token_exchange"), "/token"))


def test_suite_and_clients_ask_for_a_code_alike() -> None:
    """The authorization request is the same one too, but for its state and its proof key."""
    suite, clients = (each(promised(), "authorization_code") for each in (of_suite, of_clients))

    assert compared(last(suite, "/authorize")) == compared(last(clients, "/authorize"))


@pytest.mark.parametrize("needs", [["api_key", "bearer"], ["personal_access_token"], ["basic"], ["api_key", "basic"]])
def test_suite_and_clients_present_credentials_alike(needs: list[str]) -> None:
    """A request into a zone carries the same lines, whoever sends it."""
    profile = promised(zones={"all": {"path": "/", "needs": [needs], "probe": ["/me"]}})
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    make_ready(Examination(target, redactor))

    ours = {"authorization", "x-office-key"}
    suite, clients = (
        [line for line in compared(last(requests, "/me"))[2] if line[0] in ours]
        for requests in (target.server.requests, of_clients(profile, "client_credentials"))
    )
    assert suite
    assert set(suite) <= set(clients)


@pytest.mark.parametrize("grant", GRANTS)
def test_a_public_client_says_who_it_is(grant: GrantType) -> None:
    """A client without a secret still sends its client_id with every token request (RFC 6749 3.2.1)."""
    profile = promised(token={"client_auth": "none", "body": "json"})

    assert json.loads(last(of_suite(profile, grant), "/token").body)["client_id"] == "office é+%/&=client"


def test_a_zone_that_takes_basic_is_ready_with_a_client_alone() -> None:
    """HTTP Basic carries the client if the profile has no user, so such a profile can be examined."""
    redactor = Redactor()
    profile = promised(
        credentials={"client_id": "office", "client_secret": {"env": "OFFICE_SECRET"}},
        grants={},
        zones={"all": {"path": "/", "needs": ["basic"], "probe": ["/me"]}},
    )
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    examination = Examination(target, redactor)
    make_ready(examination)

    assert "${CLIENT_SECRET}" in examination.curl(examination.request("/me", ("basic",)))


@pytest.mark.parametrize("method", AUTHENTICATIONS[:3])
def test_suite_and_clients_push_the_same(method: str) -> None:
    """The endpoint's own parameters and those of the request are pushed as a form, and the client proves itself."""
    profile = promised(
        pushed_authorization_request_url="/par", token={"scope": "read write", "client_auth": method, "body": "json"}
    )
    pushes = [last(of(profile, "authorization_code"), "/par") for of in (of_clients, of_suite)]
    one, other = (compared(replace(push, body=NEW.sub(r"\1*", push.body.decode()).encode())) for push in pushes)

    assert one == other
    assert pushes[0].body.startswith(b"tenant=7&response_type=code&client_id=office+")

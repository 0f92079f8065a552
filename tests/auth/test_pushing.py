"""Clients whose authorization requests are pushed first (RFC 9126): what is sent where, and what comes of it."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.auth import pushing
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.pushing import read_request_uri
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import GuardError, ProfileError, TokenError
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.http.mock import double
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from tests.here import USUAL, httpx

FILE = Path(__file__).parent.parent / "profiles" / "pushed.apiauth.toml"
PROFILE = loading.load(FILE)
PLACE = PROFILE.pushed_authorization_request_endpoint


def client_of(server: Server, redactor: Redactor, handle: Any = None, profile: Profile | None = None) -> Any:
    """Return a client of the profile, or of one that takes it for another."""
    profile = profile or server.profile
    identities = Identities(profile, server.lookup, redactor)
    user = Authenticator(profile, identities, TokenStore(server.clock, 30), redactor)
    return build_client(profile, InProcess(USUAL, handle or server.handle), redactor, authenticator=user)


def answered(members: object, status: int) -> Response:
    """Return an answer in JSON."""
    return Response(status, (("Content-Type", "application/json"),), json.dumps(members).encode())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"])
def test_a_request_is_pushed_and_opened_under_its_name(method: str) -> None:
    """The push has all that is asked for and the client's proof; the URL of the browser has a name and the client."""
    server = Server(loading.load(FILE, changes=[{"token": {"client_auth": method, "body": "json"}}]))
    redactor = Redactor()
    with client_of(server, redactor) as client:
        assert client.get("/items").status_code == 200

    push, opening, *_ = server.requests
    pushed = parse_qs(push.body.decode())
    query = parse_qs(urlsplit(opening.url).query)
    assert (push.method, push.url, push.header("content-type")) == ("POST", PLACE, "application/x-www-form-urlencoded")
    assert {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"} <= pushed.keys()
    assert (push.header("authorization") is not None) == (method == "client_secret_basic")
    assert ("client_secret" in pushed, "client_assertion" in pushed) == (
        method == "client_secret_post", method == "client_secret_jwt",
    )  # fmt: skip
    assert ({*query}, query["client_id"]) == ({"client_id", "request_uri"}, pushed["client_id"])
    (name,) = query["request_uri"]
    assert name not in redactor.redact(f"{opening.url} {name}")


def test_code_that_pushes_by_itself_meets_the_double() -> None:
    """A client of httpx that knows nothing of this plug-in pushes, and opens what came."""
    server = Server(PROFILE)
    identity = server.identities.client()
    assert identity.client_secret is not None
    asked = {
        "client_id": identity.client_id, "client_secret": identity.client_secret.reveal(), "response_type": "code",
        "redirect_uri": identity.redirect_uri, "state": "made-up",
    }  # fmt: skip
    with double(USUAL, server.origins, server.handle).mounted():
        told = httpx.post(PLACE, data=asked).json()
        query = {"client_id": identity.client_id, "request_uri": told["request_uri"]}
        answer = httpx.get(PROFILE.authorization_endpoint, params=query)

    sent = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (sent["state"], len(sent["code"])) == (["made-up"], 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            answered({"error": "invalid_client", "error_description": "no\nway"}, 401),
            "status 401, invalid_client, no way",
        ),
        (answered({"request_uri": ""}, 201), "status 201"),
        (answered({"request_uri": ["a"]}, 201), "status 201"),
        (answered(["request_uri"], 200), "status 200"),
        (Response(302, (("Location", "https://evil.example/"),)), "status 302"),
        (Response(201, (), b"\xff"), "status 201"),
    ],
)
def test_what_is_no_name_is_one_line(answer: Response, words: str) -> None:
    """It says where that came from and what was expected; a browser is sent nowhere."""
    with pytest.raises(TokenError) as caught:
        read_request_uri(PROFILE, answer, Redactor())

    (line,) = str(caught.value).splitlines()
    assert line == f"pushed: {PLACE}: expected a request_uri for what was pushed, got {words}"


def test_a_refused_push_opens_nothing() -> None:
    """What the server says to the client stands in the error, and the authorization endpoint is not asked."""
    server = Server(PROFILE)
    profile = loading.load(FILE, changes=[{"credentials": {"redirect_uri": "https://app.pushed.example/other"}}])
    with client_of(server, Redactor(), profile=profile) as client, pytest.raises(TokenError, match="invalid_request"):
        client.get("/items")

    assert [request.url for request in server.requests] == [PLACE]


def test_a_push_follows_no_redirection() -> None:
    """The client's secret is in it, and goes to no other place."""
    asked: list[str] = []

    def handle(request: Request) -> Response:
        asked.append(request.url)
        return Response(307, (("Location", "https://evil.example/par"),))

    with client_of(Server(PROFILE), Redactor(), handle) as client, pytest.raises((TokenError, GuardError)):
        client.get("/items")

    assert asked == [PLACE]


def test_the_example_is_true() -> None:
    """What the docstring shows is what comes."""
    assert doctest.testmod(pushing).failed == 0


def test_to_demand_what_has_no_place_is_one_line() -> None:
    """Whoever says that requests have to be pushed says where to."""
    with pytest.raises(
        ProfileError, match=r"require_pushed_authorization_requests: pushed_author.* is needed"
    ) as caught:
        loading.load(FILE, changes=[{"pushed_authorization_request_url": False}])

    assert len(str(caught.value).splitlines()) == 1

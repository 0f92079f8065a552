"""The revocation and introspection endpoints and the metadata document (RFC 7009, 7662, 8414, 9207)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import Profile
from tests.embedded import caller as callers
from tests.embedded.caller import Caller, redirected
from tests.faults.examining import REFERENCE

USER = "/user/me"
JSON = (("Accept", "application/json"),)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Somebody who knows all credentials of the reference profile's server."""
    monkeypatch.setattr(callers, "profile_named", lambda name: loading.load(REFERENCE))
    return Caller("reference")


def post(caller: Caller, url: str | None, client: str | None = "default", **parameters: str) -> Response:
    """Send parameters to an endpoint, with the credentials of a client or of nobody."""
    assert url
    lines = {**caller.headers(client), "Content-Type": "application/x-www-form-urlencoded"}
    return caller.server.handle(Request("POST", url, tuple(lines.items()), urlencode(parameters).encode()))


def revoke(caller: Caller, token: str, client: str | None = "default", **parameters: str) -> Response:
    """Revoke a token."""
    return post(caller, caller.profile.revocation_url, client, token=token, **parameters)


def introspect(caller: Caller, token: str, client: str | None = "default") -> Any:
    """Ask about a token; give the answer's members."""
    return post(caller, caller.profile.introspection_url, client, token=token).json()


def test_a_revoked_access_token_leaves_the_others_alive(caller: Caller) -> None:
    """An access token that is revoked dies, and neither its refresh token nor any other token does."""
    first, second = caller.token("password"), caller.token("password")

    assert revoke(caller, first["access_token"]).status == 200

    assert caller.get(USER, token=first["access_token"]).status == 401
    assert caller.get(USER, token=second["access_token"]).status == 200
    assert caller.ask("refresh_token", refresh_token=first["refresh_token"]).status == 200


def test_a_revoked_refresh_token_takes_its_line_along(caller: Caller) -> None:
    """With a refresh token dies every access token of the same authorization, and no other (RFC 7009 2.1)."""
    first, other = caller.token("password"), caller.token("password")
    second = caller.token("refresh_token", refresh_token=first["refresh_token"])

    assert revoke(caller, second["refresh_token"], token_type_hint="access_token").status == 200

    for token in (first, second):
        assert caller.get(USER, token=token["access_token"]).status == 401
    assert caller.ask("refresh_token", refresh_token=second["refresh_token"]).status == 400
    assert caller.get(USER, token=other["access_token"]).status == 200


@pytest.mark.parametrize("client", [None, "second"])
def test_only_the_client_of_a_token_revokes_it(caller: Caller, client: str | None) -> None:
    """A token survives the wish of anybody but its client to revoke it (RFC 7009 2.1)."""
    token = caller.token("password")["access_token"]

    answer = revoke(caller, token, client)

    assert answer.status == (401 if client is None else 400)
    assert caller.get(USER, token=token).status == 200


@pytest.mark.parametrize("token", ["never-issued", "%00", "token with blanks"])
def test_an_unknown_token_is_revoked_with_success(caller: Caller, token: str) -> None:
    """There is nothing to do for a token that nobody knows, and that is no error (RFC 7009 2.2)."""
    assert revoke(caller, token).status == 200


def test_both_endpoints_want_a_token_and_a_post(caller: Caller) -> None:
    """A request without a token is malformed, and a GET is not answered."""
    for url in (caller.profile.revocation_url, caller.profile.introspection_url):
        assert url
        answer = post(caller, url)
        assert (answer.status, {"error": _members(answer)["error"]}) == (400, {"error": "invalid_request"})
        refused = caller.server.handle(Request("GET", url, tuple(caller.headers().items())))
        assert (refused.status, refused.header("allow")) == (405, "POST")


def test_introspection_tells_what_a_live_token_is(caller: Caller) -> None:
    """Of a live token its client, user, scope, type and end are told (RFC 7662 2.2)."""
    token = caller.token("password")

    told = introspect(caller, token["access_token"])

    expires_at = int(caller.server.clock.now()) + token["expires_in"]
    expected = {"active": True, "scope": "read", "token_type": "Bearer", "exp": expires_at}
    assert {**expected, "client_id": caller.client()[0], "username": caller.user()[0]} == told
    assert introspect(caller, token["refresh_token"])["active"] is True


def test_introspection_tells_nothing_of_a_dead_token(caller: Caller) -> None:
    """An expired, a revoked and an unknown token are all the same to whoever asks (RFC 7662 2.2)."""
    revoked, expired = (caller.token("password")["access_token"] for _ in range(2))
    revoke(caller, revoked)
    caller.server.expire()

    assert [introspect(caller, token) for token in (revoked, expired, "never-issued")] == [{"active": False}] * 3


def test_introspection_is_not_for_everybody(caller: Caller) -> None:
    """Nobody learns of a token without authentication (RFC 7662 2.1)."""
    token = caller.token("password")["access_token"]

    assert introspect(caller, token, client=None)["error"] == "invalid_client"


def test_metadata_name_what_the_profile_names(caller: Caller) -> None:
    """The document names issuer, endpoints, grants and methods, and every authorization response the issuer."""
    assert caller.profile.metadata_url
    answer = caller.server.handle(Request("GET", caller.profile.metadata_url, JSON))
    told = _members(answer)

    assert (answer.status, answer.media_type) == (200, "application/json")
    assert told["token_endpoint"] == caller.profile.token_endpoint
    assert told["grant_types_supported"] == [GRANTS[name].grant_type for name in caller.profile.grants]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["issuer"] == "https://id.reference.example" == redirected(caller.authorize())["iss"]
    assert redirected(caller.authorize(response_type="token"))["iss"] == told["issuer"]


@pytest.mark.parametrize(
    ("metadata_url", "issuer"),
    [
        ("https://id.example/.well-known/oauth-authorization-server", "https://id.example"),
        ("https://id.example/.well-known/oauth-authorization-server/tenant/1", "https://id.example/tenant/1"),
        ("https://id.example/o/.well-known/openid-configuration", "https://id.example/o"),
        ("/metadata.json", "https://api.example"),
    ],
)
def test_issuer_follows_from_the_place_of_the_document(metadata_url: str, issuer: str) -> None:
    """The issuer is what the well-known part was put into (RFC 8414 3.1) or behind (OpenID discovery)."""
    profile = Profile.model_validate(
        {"schema": 1, "name": "place", "api_url": "https://api.example", "metadata_url": metadata_url}
    )
    server = Server(profile)

    told = _members(server.handle(Request("GET", server.profile.url(metadata_url), JSON)))

    assert issuer == told["issuer"]


def test_endpoints_that_the_profile_does_not_name_are_not_there() -> None:
    """A server without these URLs answers nothing where others have them."""
    caller = Caller("dastra")

    for path in ("/revoke", "/introspect", "/.well-known/oauth-authorization-server"):
        assert caller.server.handle(Request("POST", caller.profile.url(path))).status == 404


def _members(answer: Response) -> dict[str, Any]:
    body = answer.json()
    assert isinstance(body, dict)
    return body

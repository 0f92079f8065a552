"""The authorization endpoint, and what becomes of its codes (RFC 6749 4.1, RFC 7636)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.messages import Request
from tests.embedded.caller import CHALLENGE, VERIFIER, Caller, redirected, swapped
from tests.embedded.test_token_endpoint import error_of


def test_code_and_state_come_back() -> None:
    """A good request is answered with a redirection to the registered URI, with a code and the state unchanged."""
    caller = Caller("dastra")

    answer = caller.authorize()

    assert (answer.header("location") or "").startswith("https://default.client.example/callback?")
    assert {"code", "state"} == redirected(answer).keys()
    assert redirected(answer)["state"] == "a state/with=signs"
    assert answer.header("cache-control") == "no-store"


def test_redirect_uri_with_a_query() -> None:
    """A query of the registered URI is kept (RFC 6749 3.1.2)."""
    assert redirected(Caller("harbour").authorize("app"))["from"] == "harbour"


@pytest.mark.parametrize(
    "values",
    [
        {"client_id": None},
        {"client_id": "unknown"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "https://default.client.example/callback/"},
        {"redirect_uri": "https://default.client.example/callback?x=1"},
        {"redirect_uri": "https://default.client.example/callback#x"},
        {"redirect_uri": "https://default.client.example/callback/../callback"},
        {"redirect_uri": "HTTPS://default.client.example/callback"},
        {"redirect_uri": "https://second.client.example/callback"},
    ],
)
def test_never_redirects_to_strangers(values: dict[str, Any]) -> None:
    """An unknown client or another redirect_uri gives an error page and no redirection (RFC 6749 3.1.2.4)."""
    answer = Caller("dastra").authorize(**values)

    assert (answer.status, answer.header("location")) == (400, None)
    assert answer.media_type == "text/html"


@pytest.mark.parametrize("extra", ["redirect_uri=https%3A%2F%2Fevil.example", "client_id=x", "%zz=1"])
def test_repeated_target(extra: str) -> None:
    """A second client_id or redirect_uri, or a query that is none, gives an error page."""
    caller = Caller("dastra")
    caller.authorize()
    good = caller.server.requests[-1].url

    assert caller.server.handle(Request("GET", f"{good}&{extra}")).status == 400


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "offline_access"}, "invalid_scope"),
        ({"scope": "api1 unknown"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_errors_go_back_to_the_client(values: dict[str, Any], error: str) -> None:
    """Any other error is told to the client by redirection, with the state (RFC 6749 4.1.2.1)."""
    answer = redirected(Caller("dastra").authorize(**values))

    assert {"error": error, "state": "a state/with=signs"} == answer


def test_repeated_parameter() -> None:
    """A repeated parameter other than the target is an error told to the client."""
    caller = Caller("dastra")
    caller.authorize(state=None)
    good = caller.server.requests[-1].url

    assert redirected(caller.server.handle(Request("GET", f"{good}&scope=api1"))) == {"error": "invalid_request"}


def test_get_only() -> None:
    """Other methods are told what is allowed."""
    caller = Caller("dastra")
    caller.authorize()
    url = caller.server.requests[-1].url

    answer = caller.server.handle(Request("POST", url))

    assert (answer.status, answer.header("allow")) == (405, "GET")


def test_translated_names_are_not_taken() -> None:
    """The names of Dastra's Dutch page are not a substitute (DA-19)."""
    caller = Caller("dastra")
    caller.authorize(response_type=None)
    url = caller.server.requests[-1].url + "&antwoord_type=code"

    assert redirected(caller.server.handle(Request("GET", url)))["error"] == "invalid_request"


def test_offline_access_gives_a_refresh_token() -> None:
    """The scope offline_access yields a refresh token, and without it there is none (DA-08)."""
    caller = Caller("dastra")

    with_scope = caller.token("authorization_code", **caller.code())
    without = caller.token("authorization_code", **caller.code(scope="api1"))

    assert "refresh_token" in with_scope
    assert "refresh_token" not in without
    assert (with_scope["scope"], without["scope"]) == ("api1 offline_access", "api1")


@pytest.mark.parametrize(
    "values",
    [
        {"code": "garbage"},
        {"code_verifier": None},
        {"code_verifier": VERIFIER[:-1]},
        {"code_verifier": swapped(VERIFIER)},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "https://second.client.example/callback"},
    ],
)
def test_codes_are_checked(values: dict[str, Any]) -> None:
    """Another code, verifier or redirect_uri gives no token; the true ones still do afterwards."""
    caller = Caller("dastra")
    code = caller.code()

    assert error_of(caller.ask("authorization_code", **{**code, **values})) == (400, "invalid_grant")
    assert caller.ask("authorization_code", **code).status == 200


@pytest.mark.parametrize("member", ["code", "redirect_uri"])
def test_missing_members(member: str) -> None:
    """A token request without code or redirect_uri is malformed (RFC 6749 4.1.3)."""
    caller = Caller("dastra")

    answer = caller.ask("authorization_code", **{**caller.code(), member: None})

    assert error_of(answer) == (400, "invalid_request")


def test_second_use_ends_the_first() -> None:
    """A code works once; its second use ends the tokens of the first (RFC 6749 4.1.2)."""
    caller = Caller("dastra")
    code = caller.code()
    access = caller.token("authorization_code", **code)["access_token"]
    before = caller.get("/v1/workspaces", token=access).status

    assert error_of(caller.ask("authorization_code", **code)) == (400, "invalid_grant")
    assert (before, caller.get("/v1/workspaces", token=access).status) == (200, 401)


def test_foreign_client() -> None:
    """A code works for the client it was given to; another's try neither gets a token nor spends the code."""
    caller = Caller("dastra")
    code = caller.code()

    assert error_of(caller.ask("authorization_code", "second", **code)) == (400, "invalid_grant")
    assert caller.ask("authorization_code", **code).status == 200


def test_codes_expire() -> None:
    """A code lives ten minutes (RFC 6749 4.1.2)."""
    caller = Caller("dastra")
    code = caller.code()
    caller.server.clock.advance(600)

    assert error_of(caller.ask("authorization_code", **code)) == (400, "invalid_grant")


def test_confidential_client_may_do_without_proof_key() -> None:
    """A client with a secret may leave the proof key out; a verifier that nobody asked for is refused."""
    caller = Caller("dastra")
    code = caller.code(code_challenge=None, code_challenge_method=None)

    assert error_of(caller.ask("authorization_code", **code)) == (400, "invalid_grant")
    assert caller.ask("authorization_code", **{**code, "code_verifier": None}).status == 200


def test_public_client_needs_a_proof_key() -> None:
    """A client without a secret must send a challenge, and then gets a token for its user."""
    caller = Caller("harbour")
    error = redirected(caller.authorize("app", code_challenge=None, code_challenge_method=None))["error"]
    access = caller.token("authorization_code", "app")["access_token"]

    assert error == "invalid_request"
    assert caller.get("/quay/ships", token=access).json() == {"zone": "quay", "user": "ada"}

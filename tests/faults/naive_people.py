"""Naive assertions about the pages that people log in and consent at, and about what is pushed before they do."""

from __future__ import annotations

from urllib.parse import urlencode

from pytest_apiauth.messages import Request, Response

from .naive import Visitor, naive

AT_THE_DOOR = (
    "az-bad-redirect",
    "az-redirect-near-miss",
    "az-response-type",
    "az-state-echo",
    "az-params",
    "az-framing",
)


def asked(visitor: Visitor, **changed: str) -> Response:
    """Ask the authorization endpoint for a code."""
    client = visitor.server.identities.client()
    query = {"response_type": "code", "client_id": client.client_id, "redirect_uri": client.redirect_uri}
    query |= {"scope": "read", **changed}
    return visitor.visit(f"{visitor.profile.authorization_endpoint}?{urlencode(query)}")


@naive("login-pages", "reference", AT_THE_DOOR)
def a_code_comes_at_once(visitor: Visitor) -> None:
    """A valid authorization request is answered with a code."""
    assert "code=" in str(asked(visitor).header("location"))


@naive("login-before-errors", "reference", AT_THE_DOOR)
def an_error_comes_at_once(visitor: Visitor) -> None:
    """A wrong redirect_uri is answered with an error page."""
    assert asked(visitor, redirect_uri="https://evil.example/callback").status == 400


@naive("pushed-checked-late", "pushed", ("par-redirect", *AT_THE_DOOR))
def what_is_pushed_is_checked_at_once(visitor: Visitor) -> None:
    """A wrong redirect_uri is refused when it is pushed."""
    client = visitor.server.identities.client()
    secret = client.client_secret
    form = {"response_type": "code", "client_id": client.client_id, "client_secret": secret and secret.reveal()}
    form |= {"redirect_uri": "https://evil.example/callback", "scope": "read"}
    lines = (("Content-Type", "application/x-www-form-urlencoded"),)
    place = visitor.profile.pushed_authorization_request_endpoint
    answer = visitor.server.handle(Request("POST", place, lines, urlencode(form).encode()))
    assert answer.status == 400

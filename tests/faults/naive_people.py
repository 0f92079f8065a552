"""Naive assertions about the pages that people log in and consent at."""

from __future__ import annotations

from urllib.parse import urlencode

from pytest_apiauth.messages import Response

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

"""The authorization endpoint (RFC 6749 3.1, 4.1.1; RFC 7636), with a user who always consents."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlencode

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import form_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import CODE_LIFETIME, ClientRecord, Code, State
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import Profile

CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z", re.ASCII)
PAGE: Final = b"<!doctype html><title>Error</title><h1>This authorization request cannot be answered.</h1>"


class AuthorizationEndpoint:
    """Answers authorization requests."""

    def __init__(self, profile: Profile, state: State, policy: Policy) -> None:
        self._profile = profile
        self._state = state
        self._policy = policy

    def answer(self, request: Request) -> Response:
        """Answer with a redirection, or with an error page where the client or its target is in doubt."""
        if request.method != "GET":
            return Response(405, (("Allow", "GET"), ("Content-Length", "0")))
        try:
            pairs = form_pairs(request.query)
        except ValueError:
            return _error_page()
        parameters = {name: value for name, value in pairs if value}
        names = [name for name, _ in pairs]
        if names.count("client_id") != 1 or names.count("redirect_uri") != 1:
            return _error_page()
        client = self._policy.find_client(parameters.get("client_id", ""))
        redirect_uri = parameters.get("redirect_uri")
        # Never send a browser to a place that the client has not registered: RFC 6749 3.1.2.4.
        if client is None or redirect_uri is None or redirect_uri != client.redirect_uri:
            return _error_page()
        try:
            if len(names) != len(set(names)):
                raise Refusal(302, "invalid_request", "A parameter came more than once.")
            answer = {"code": self._code(client, redirect_uri, parameters).value}
        except Refusal as refusal:
            answer = {"error": refusal.error}
        if "state" in parameters and names.count("state") == 1:
            answer["state"] = parameters["state"]
        joint = "&" if "?" in redirect_uri else "?"
        location = f"{redirect_uri}{joint}{urlencode(answer)}"
        return Response(302, (("Location", location), ("Cache-Control", "no-store"), ("Content-Length", "0")))

    def _code(self, client: ClientRecord, redirect_uri: str, parameters: dict[str, str]) -> Code:
        if "response_type" not in parameters:
            raise Refusal(302, "invalid_request", "response_type is missing.")
        if parameters["response_type"] != "code":
            raise Refusal(302, "unsupported_response_type")
        code = Code(
            value=self._state.mint("code"),
            client=client.name,
            redirect_uri=redirect_uri,
            scope=self._policy.granted_scope("authorization_code", parameters.get("scope")),
            user=self._profile.grants["authorization_code"].user,
            challenge=self._challenge(client, parameters),
            expires_at=self._state.clock.now() + CODE_LIFETIME,
            family=self._state.new_family(),
        )
        self._state.codes[code.value] = code
        return code

    def _challenge(self, client: ClientRecord, parameters: dict[str, str]) -> str | None:
        """Read the proof key's challenge: S256 or nothing, and never nothing from a public client (RFC 9700 2.1.1)."""
        challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
        if challenge is None and method is None:
            if client.secret is None:
                raise Refusal(302, "invalid_request", "code_challenge is missing.")
            return None
        # Without a method "plain" is meant (RFC 7636 4.3), and plain protects nothing.
        if challenge is None or method != "S256" or not CHALLENGE.match(challenge):
            raise Refusal(302, "invalid_request", "Only S256 challenges are taken.")
        return challenge


def _error_page() -> Response:
    return Response(400, (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")), PAGE)

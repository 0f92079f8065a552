"""The revocation endpoint (RFC 7009) and the introspection endpoint (RFC 7662).

Both take a token and the proof of a client, in the dialect of the token endpoint. What a step decides is in
`RevocationPolicy`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refusal_policy import NO_STORE
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken, State
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.messages import Request, Response


class RevocationEndpoint:
    """Answers revocation and introspection requests."""

    def __init__(self, state: State, policy: Policy, tokens: TokenEndpoint) -> None:
        self._state = state
        self._policy = policy
        self._tokens = tokens

    def revoke(self, request: Request) -> Response:
        """Answer a request to the revocation endpoint."""
        if self._policy.logs_out(request):
            try:
                return self._logged_out(request)
            except Refusal as refusal:
                return self._tokens.refused(refusal, request)
        return self._answer(request, self._revoked)

    def introspect(self, request: Request) -> Response:
        """Answer a request to the introspection endpoint."""
        return self._answer(request, self._introspected)

    def _answer(self, request: Request, step: Callable[[Request], Response]) -> Response:
        if request.method != "POST":
            return Response(405, (("Allow", "POST"), ("Content-Length", "0")))
        try:
            return step(request)
        except Refusal as refusal:
            return self._tokens.refused(refusal, request)

    def _revoked(self, request: Request) -> Response:
        policy = self._policy
        parameters = policy.parameters(request)
        is_checked = policy.revoking_client_is_checked()
        client = self._tokens.client(request, parameters) if is_checked else None
        value = policy.token_asked_about(parameters)
        token = policy.find_revocable(value, parameters.get("token_type_hint"))
        if token is None:
            policy.unknown_token_to_revoke()
        elif is_checked and not policy.may_revoke(token, client):
            raise Refusal(400, "invalid_grant", "The token was issued to another client.")
        else:
            self._end(token)
        return Response(200, (*NO_STORE, ("Content-Length", "0")))

    def _logged_out(self, request: Request) -> Response:
        """End the tokens of a login: of the one whose tokens came, if they live."""
        policy, parameters = self._policy, self._policy.parameters(request)
        named = [name for name in ("access_token", "refresh_token") if name in parameters]
        found = [policy.token_logged_out(name, parameters[name]) for name in named]
        families = {token.family for token in found if token is not None}
        if not found or None in found or len(families) != 1:
            raise Refusal(401, "invalid_token", "The token is missing, or does not live.")
        for token in self._state.of_family(*families):
            token.dead = token.dead or policy.logout_ends(token)
        return policy.logged_out()

    def _end(self, token: IssuedToken) -> None:
        token.dead = token.dead or self._policy.revocation_ends(token)
        if token.dead and self._policy.revocation_ends_the_family(token):
            self._state.end_family(token.family)

    def _introspected(self, request: Request) -> Response:
        policy = self._policy
        parameters = policy.parameters(request)
        if policy.introspecting_client_is_checked(request):
            self._tokens.client(request, parameters)
        token = policy.find_introspected(policy.token_asked_about(parameters))
        if token is None:
            policy.unknown_token_to_introspect()
        body: dict[str, object] = {"active": False}
        if token is not None and policy.is_active(token):
            body = {"active": True, **self._facts(token)}
        else:
            body |= policy.inactive_members(token)
        return Response(200, policy.answer_headers(), json.dumps(body).encode())

    def _facts(self, token: IssuedToken) -> dict[str, object]:
        """Return what is told of a live token (RFC 7662 2.2)."""
        client = self._state.client_named(token.client) if token.client else None
        user = self._state.user_named(token.user) if token.user else None
        facts = {
            "scope": token.scope or None,
            "client_id": client.client_id if client else None,
            "username": user.username if user else None,
            "token_type": self._policy.usual_type if isinstance(token, AccessToken) else None,
            "cnf": self._policy.confirmation(token) if isinstance(token, AccessToken) else None,
            "exp": int(token.expires_at) if token.expires_at != float("inf") else None,
        }
        return {name: value for name, value in facts.items() if value is not None}

"""The pushed authorization request endpoint (RFC 9126 2): the order of its steps; `PushedPolicy` decides each.

A client proves itself as it does for a token, and what it asks for is checked as at the authorization endpoint.
"""

from __future__ import annotations

import json

from pytest_apiauth.embedded.authorization_endpoint import AuthorizationEndpoint
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.pushed_policy import LIFETIME
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import ClientRecord, PushedRequest, State
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request, Response

OF_CLIENT = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""What proves who pushes, and is no part of what is asked for."""


class PushedEndpoint:
    """Takes authorization requests that clients push."""

    def __init__(
        self, state: State, policy: Policy, tokens: TokenEndpoint, authorizations: AuthorizationEndpoint
    ) -> None:
        self._state = state
        self._policy = policy
        self._tokens = tokens
        self._authorizations = authorizations

    def answer(self, request: Request) -> Response:
        """Answer a request that pushes another one."""
        policy = self._policy
        if not policy.is_push(request):
            return Response(405, (("Allow", "POST"), ("Content-Length", "0")))
        try:
            pushed = self._pushed(request)
        except Refusal as refusal:
            # What sends a browser back is said to the client at once (RFC 9126 2.3).
            status = 400 if refusal.status == 302 else refusal.status
            told = Refusal(status, refusal.error, refusal.description, refusal.challenges)
            return self._tokens.refused(told, request)
        body = json.dumps(policy.pushed_members(pushed)).encode()
        return Response(policy.pushed_status(), policy.pushed_headers(), body)

    def _pushed(self, request: Request) -> PushedRequest:
        policy, state = self._policy, self._state
        pairs = policy.pushed_pairs(request)
        policy.check_names(name for name, _ in pairs if not policy.may_repeat(name))
        parameters = policy.joined((name, value) for name, value in pairs if value)
        client = self._client(request, parameters)
        policy.check_pushed_names(set(parameters))
        redirect_uri = parameters.get("redirect_uri")
        is_known = redirect_uri is not None and policy.landing(client, redirect_uri) is not None
        if not is_known and policy.checks_pushed_target():
            raise Refusal(400, "invalid_request", "redirect_uri is not the registered one.")
        self._authorizations.asked(client, parameters)
        asked = tuple((name, value) for name, value in pairs if name not in OF_CLIENT)
        value = policy.new_request_uri()
        pushed = PushedRequest(value, client.name, asked, state.clock.now() + LIFETIME)
        state.pushed[value] = pushed
        return pushed

    def _client(self, request: Request, parameters: Parameters) -> ClientRecord:
        """Return who pushes. Raises Refusal if that is nobody."""
        policy = self._policy
        try:
            client = self._tokens.client(request, parameters)
        except Refusal:
            if not policy.excuses_push(parameters):
                raise
            client = policy.find_client(parameters.get("client_id", ""))
        if client is None:
            raise Refusal(400, "invalid_request", "client_id is missing.")
        return client

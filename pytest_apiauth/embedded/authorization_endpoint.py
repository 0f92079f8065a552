"""The authorization endpoint: the order of its steps (RFC 6749 3.1, 4.1.1).

A user always consents, unless the policy has pages that ask. What a step decides is in `AuthorizationPolicy`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pytest_apiauth.embedded.authorization_policy import Pairs
from pytest_apiauth.embedded.login_pages import LoginPages
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.reading import form_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import CODE_LIFETIME, ClientRecord, Code, PushedRequest, State
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

PAGE: Final = b"<!doctype html><title>Error</title><h1>This authorization request cannot be answered.</h1>"
UNANSWERED: Final = Refusal(
    400, "invalid_request", "client_id, redirect_uri or request_uri is missing, or none that is known here."
)
"""Why that page is shown: nobody is sent back to a place that is not registered."""


class _AsksAPerson(Exception):
    """A request is good, and nobody has consented to it yet."""


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """What a request asks for, as far as it was looked at."""

    scope: str
    challenge: str | None
    resource: str | None


class AuthorizationEndpoint:
    """Answers authorization requests."""

    def __init__(self, profile: Profile, state: State, policy: Policy) -> None:
        self._profile = profile
        self._state = state
        self._policy = policy
        self.pages = LoginPages(profile.authorization_endpoint, state, policy)

    def answer(self, request: Request) -> Response:
        """Answer with a redirection, or with an error page if the client or its target is in doubt."""
        policy = self._policy
        further = policy.authorization_headers(request)
        if request.method != "GET":
            return Response(405, (("Allow", "GET"), ("Content-Length", "0"), *further))
        user = None if policy.consents else self.pages.user_of(request)
        if policy.asks_first and user is None:
            return self.pages.to_login(request)
        try:
            response = self._decided(
                request, self._profile.grants["authorization_code"].user if policy.consents else ""
            )
        except _AsksAPerson:
            return self.pages.to_login(request) if user is None else self.pages.consent(request, user)
        return replace(response, headers=(*response.headers, *further))

    def log_in(self, request: Request) -> Response:
        """Answer at the page that asks who somebody is."""
        return self.pages.log_in(request)

    def consented(self, request: Request) -> Response:
        """Answer at the place that takes a consent."""
        return self.pages.consented(request, self._decided)

    def _decided(self, request: Request, user: str | None) -> Response:
        """Answer as whoever consents decides, by name; None is for no, empty for nobody yet."""
        location = self._location(request, user)
        if location is None:
            self._state.note(request, 400, UNANSWERED)
            lines = (("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"))
            return Response(400, (*lines, *self._policy.page_headers()), PAGE)
        lines = (("Location", location), ("Cache-Control", "no-store"))
        return Response(302, (*lines, ("Content-Length", "0")))

    def _location(self, request: Request, user: str | None) -> str | None:
        """Return where the browser is sent; never to a place that the client has not registered (RFC 6749 3.1.2.4)."""
        policy = self._policy
        try:
            pairs = form_pairs(request.query)
        except ValueError:
            return None
        name = dict(pairs).get("request_uri")
        pushed = None
        if name and self._profile.pushed_authorization_request_url:
            pushed = self._opened(name, pairs)
            if pushed is None:
                return None
            pairs = policy.opened_pairs(pushed, pairs)
        client_id, presented = policy.decisive(pairs, "client_id"), policy.decisive(pairs, "redirect_uri")
        client = None if client_id is None else policy.find_client(client_id)
        redirect_uri = None if presented is None else policy.landing(client, presented)
        if redirect_uri is None:
            return None
        parameters = policy.joined((name, value) for name, value in pairs if value)
        try:
            policy.check_names(name for name, _ in pairs if not policy.may_repeat(name))
            if client is None:
                raise Refusal(302, "unauthorized_client")
            if pushed is None and policy.has_to_be_pushed():
                raise Refusal(302, "invalid_request", "An authorization request has to be pushed first.")
            answer = {"code": self._code(client, redirect_uri, parameters, user).value}
        except Refusal as refusal:
            self._state.note(request, 302, refusal)
            answer = {"error": refusal.error}
        if pushed is not None:
            pushed.used = True
        if "state" in parameters and sum(name == "state" for name, _ in pairs) == 1:
            state = policy.answered_state(parameters["state"], "error" in answer)
            answer |= {} if state is None else {"state": state}
        issuer = policy.answered_issuer(parameters, "error" in answer)
        answer |= {} if issuer is None else {"iss": issuer}
        return policy.location(redirect_uri, answer)

    def _opened(self, name: str, pairs: Pairs) -> PushedRequest | None:
        """Return what was pushed under a name, if it is this client's and can still be opened (RFC 9126 4)."""
        policy = self._policy
        pushed, client_id = policy.find_pushed(name), policy.decisive(pairs, "client_id")
        client = None if client_id is None else policy.find_client(client_id)
        if pushed is None or not policy.may_open(pushed, client):
            return None
        return None if policy.pushed_is_used(pushed) or policy.pushed_has_expired(pushed) else pushed

    def asked(self, client: ClientRecord, parameters: Parameters) -> Asked:
        """Return what a request asks for. Raises Refusal for what cannot be had."""
        policy = self._policy
        policy.check_response_type(parameters.get("response_type"))
        challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
        scope, challenge = policy.authorized_scope(parameters.get("scope")), policy.challenge(client, challenge, method)
        return Asked(scope, challenge, policy.requested_target(parameters, 302))

    def _code(self, client: ClientRecord, redirect_uri: str, parameters: Parameters, user: str | None) -> Code:
        asked = self.asked(client, parameters)
        if user is None:
            raise Refusal(302, "access_denied")
        if not user:
            raise _AsksAPerson
        code = Code(
            value=self._state.mint("code"),
            client=client.name,
            redirect_uri=redirect_uri,
            scope=asked.scope,
            user=user,
            challenge=asked.challenge,
            expires_at=self._state.clock.now() + CODE_LIFETIME,
            family=self._state.new_family(),
            resource=asked.resource,
        )
        self._state.codes[code.value] = code
        return code

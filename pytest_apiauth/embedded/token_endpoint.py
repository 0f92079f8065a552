"""The token endpoint: the order of its steps (RFC 6749 3.2, 4, 5, 6). What a step decides is in `TokenPolicy`."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken, State
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import GrantType


@dataclass(frozen=True, slots=True, repr=False)
class Award:
    """What a grant has led to: who gets a token, for whom, with which scope."""

    grant: GrantType
    client: str | None
    user: str | None
    scope: str
    family: int
    refreshed: RefreshToken | None = None


class TokenEndpoint:
    """Answers token requests."""

    def __init__(self, state: State, policy: Policy) -> None:
        self._state = state
        self._policy = policy
        self.issued = 0

    def answer(self, request: Request) -> Response:
        """Answer a request to the token endpoint."""
        try:
            if not self._policy.is_token_method(request.method):
                return self._policy.wrong_token_method()
            self._check_key(request)
            parameters = self._policy.parameters(request)
            if self._policy.looks_at_grant_first():
                self._policy.grant_type(parameters)
            client = self.client(request, parameters)
            return self.award(self._grant(parameters, client))
        except Refusal as refusal:
            return self.refused(refusal, request)

    def award(self, award: Award) -> Response:
        """Issue what a grant has led to, and answer it (RFC 6749 5.1)."""
        policy = self._policy
        access, refresh = self.issue(award)
        body: dict[str, object] = {"access_token": access.value}
        members = {
            "token_type": policy.token_type(award.grant),
            "expires_in": policy.countdown(award.grant, access),
            "scope": policy.answered_scope(award.scope) or None,
            "refresh_token": refresh,
            **policy.extra_members(),
        }
        body |= {name: value for name, value in members.items() if value is not None}
        lines = policy.answer_headers(award.grant)
        return Response(200, lines, json.dumps(policy.arranged(award.grant, body)).encode())

    def issue(self, award: Award) -> tuple[AccessToken, str | None]:
        """Issue an access token, and the refresh token that comes with it."""
        policy, state = self._policy, self._state
        expires_at = state.clock.now() + policy.lifetime(award.grant)
        access = policy.reissued(award.grant, award.client, award.user, award.scope) or AccessToken(
            policy.new_access_token(), award.client, award.user, award.scope, expires_at, award.family
        )
        access.dead = award.refreshed is not None and not policy.refreshed_token_works()
        state.access[access.value] = access
        self.issued += 1
        if award.refreshed is not None:
            return access, self._next_refresh_token(award.refreshed)
        if policy.gives_refresh_token(award.grant, award.scope):
            return access, self.new_refresh_token(award).value
        return access, None

    def new_refresh_token(self, award: Award, value: str | None = None) -> RefreshToken:
        """Issue a refresh token, minted here unless its value is given."""
        token = RefreshToken(
            value or self._state.mint("refresh_token"),
            award.client,
            award.user,
            award.refreshed.scope if award.refreshed else award.scope,
            self._state.clock.now() + self._policy.refresh_lifetime(),
            award.family,
        )
        self._state.refresh[token.value] = token
        return token

    def _next_refresh_token(self, old: RefreshToken) -> str | None:
        if not self._policy.rotates():
            return old.value if self._policy.repeats_refresh_token() else None
        old.dead = old.dead or self._policy.kills_old_refresh_token()
        return self.new_refresh_token(Award("refresh_token", old.client, old.user, old.scope, old.family)).value

    def _check_key(self, request: Request) -> None:
        """Ask for the API key if the endpoint itself lies in a zone that needs one."""
        policy = self._policy
        if not policy.token_route_needs_key():
            return
        presented = policy.presented(request, frozenset({"api_key"}))
        held = policy.holder("api_key", presented)
        if not policy.need_is_met((("api_key",),), {} if held is None else {"api_key": held}):
            raise Refusal(401, "invalid_client", "The API key is missing or wrong.", policy.key_challenges())

    def client(self, request: Request, parameters: Parameters) -> ClientRecord | None:
        """Return the client that a request proves to come from. Raises Refusal if it proves none."""
        policy = self._policy
        client_id, secret = policy.client_credentials(request, parameters)
        client = None if client_id is None else policy.find_client(client_id)
        if client_id is not None and client is None:
            raise policy.invalid_client()
        if secret is None:
            return policy.unproven_client(client, parameters)
        if client is None or not policy.client_passes(client, secret):
            raise policy.invalid_client()
        return client

    def _grant(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        match self._policy.grant_type(parameters):
            case "client_credentials":
                return self._client_credentials(parameters, client)
            case "password":
                return self._password(parameters, client)
            case "authorization_code":
                return self._authorization_code(parameters, client)
            case "refresh_token":
                return self._refresh(parameters, client)
            case "device_code":
                return self._device_code(parameters, client)

    def _client_credentials(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        """RFC 6749 4.4: for confidential clients only."""
        if client is not None and client.secret is None and self._policy.client_auth != "none":
            raise Refusal(400, "unauthorized_client", "A public client has nothing to prove itself with.")
        scope = self._policy.granted_scope("client_credentials", parameters.get("scope"))
        return Award("client_credentials", client.name if client else None, None, scope, self._state.new_family())

    def _password(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        """RFC 6749 4.3."""
        username, password = _required(parameters, "username"), _required(parameters, "password")
        user = self._policy.find_user(username)
        if user is None or not self._policy.same_password(password, user.password):
            raise Refusal(400, "invalid_grant", "The user is not known or the password is wrong.")
        scope = self._policy.granted_scope("password", parameters.get("scope"))
        return Award("password", client.name if client else None, user.name, scope, self._state.new_family())

    def _authorization_code(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        """RFC 6749 4.1.3; a code that comes a second time ends the tokens of the first (RFC 6749 4.1.2)."""
        policy, redirect_uri = self._policy, parameters.get("redirect_uri")
        code = policy.find_code(_required(parameters, "code"))
        if code is None or not policy.may_redeem(code, client):
            raise Refusal(400, "invalid_grant", "The code is not known.")
        if policy.is_used(code):
            for family in policy.replay_ends(code):
                self._state.end_family(family)
            raise Refusal(400, "invalid_grant", "The code was used before.")
        if policy.code_has_expired(code):
            raise Refusal(400, "invalid_grant", "The code has expired.")
        policy.check_code_target(code, redirect_uri)
        if not policy.verifier_fits(code.challenge, parameters.get("code_verifier")):
            raise Refusal(400, "invalid_grant", "code_verifier does not fit.")
        code.used = True
        return Award("authorization_code", code.client, code.user, code.scope, code.family)

    def _device_code(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        """RFC 8628 3.4, 3.5: a device asks until the person has decided."""
        policy = self._policy
        code = policy.find_device_code(_required(parameters, "device_code"))
        if code is None:
            raise policy.unknown_device_code()
        if not policy.may_poll(code, client):
            raise Refusal(400, "invalid_grant", "The device code was given to another client.")
        if policy.device_code_is_used(code):
            raise Refusal(400, "invalid_grant", "The device code was used before.")
        if policy.device_code_has_expired(code):
            raise Refusal(400, "expired_token", "The device code has expired.")
        is_too_fast, code.asked_at = policy.is_too_fast(code), self._state.clock.now()
        if not policy.has_consent(code):
            raise Refusal(400, "slow_down" if is_too_fast else policy.pending_error())
        code.used = True
        return Award("device_code", code.client, code.user, code.scope, code.family)

    def _refresh(self, parameters: Parameters, client: ClientRecord | None) -> Award:
        """RFC 6749 6; if the old token dies, its reuse ends the family (RFC 9700 4.14.2)."""
        token = self._policy.find_refresh_token(_required(parameters, "refresh_token"))
        if token is None or not self._policy.belongs_to(token, client):
            raise Refusal(400, "invalid_grant", "The refresh token is not known.")
        if self._policy.is_spent(token):
            for family in self._policy.reuse_ends(token):
                self._state.end_family(family)
            raise Refusal(400, "invalid_grant", "The refresh token was revoked or used before.")
        if self._policy.refresh_token_has_expired(token):
            raise Refusal(400, "invalid_grant", "The refresh token has expired.")
        scope = self._policy.refreshed_scope(token.scope, parameters.get("scope"))
        self._policy.after_refresh(token)
        return Award("refresh_token", token.client, self._policy.refreshed_user(token), scope, token.family, token)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """Answer an error (RFC 6749 5.2)."""
        policy = self._policy
        status = policy.error_status(refusal, request)
        challenges: list[Challenge] = refusal.challenges
        if status == 401 and not challenges:
            challenges = policy.client_challenges(request)
        lines = policy.challenge_lines(challenges)
        if not policy.errors_are_json():
            page = f"<!doctype html><title>Error</title><h1>{html.escape(refusal.error)}</h1>"
            return Response(status, (("Content-Type", "text/html; charset=utf-8"), *lines), page.encode())
        body = policy.error_members(refusal)
        return Response(status, (*policy.error_headers(), *lines), json.dumps(body).encode())


def _required(parameters: Parameters, name: str) -> str:
    if name not in parameters:
        raise Refusal(400, "invalid_request", f"{name} is missing.")
    return parameters[name]

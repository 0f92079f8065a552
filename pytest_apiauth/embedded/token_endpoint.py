"""The token endpoint: the order of its steps (RFC 6749 3.2, 4, 5, 6). What a step decides is in `TokenPolicy`."""

from __future__ import annotations

import html
import json
from dataclasses import replace

from pytest_apiauth.embedded.asserting import asserting_client
from pytest_apiauth.embedded.certificate_policy import hash_of
from pytest_apiauth.embedded.granting import Award, award_of
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.possession_policy import thumbprint
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken, State
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request, Response


class TokenEndpoint:
    """Answers token requests."""

    def __init__(self, state: State, policy: Policy) -> None:
        self._state = state
        self._policy = policy
        self.issued = 0

    def answer(self, request: Request) -> Response:
        """Answer a request to the token endpoint."""
        try:
            if not self._policy.is_token_request(request):
                return self._policy.wrong_token_method()
            self._check_key(request)
            parameters = self._policy.parameters(request)
            if self._policy.looks_at_grant_first():
                self._policy.grant_type(parameters)
            client = self.client(request, parameters)
            thumb = self._proved(request, parameters) or self._certified(request, parameters)
            named = self._policy.requested_target(parameters)
            award = award_of(self._policy, parameters, client)
            awarded = self._policy.awarded_target(award.resource, named)
            return self.award(replace(award, resource=awarded, granted=award.resource, thumbprint=thumb))
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
            **award.members,
            **policy.extra_members(),
        }
        body |= {name: value for name, value in members.items() if value is not None}
        lines = policy.answer_headers(award.grant)
        return policy.token_answer(award.grant, policy.arranged(award.grant, body), lines)

    def issue(self, award: Award) -> tuple[AccessToken, str | None]:
        """Issue an access token, and the refresh token that comes with it."""
        policy, state = self._policy, self._state
        expires_at = state.clock.now() + policy.lifetime(award.grant)
        access = policy.reissued(award.grant, award.client, award.user, award.scope, award.resource) or AccessToken(
            policy.new_access_token(),
            award.client,
            award.user,
            award.scope,
            expires_at,
            award.family,
            resource=award.resource,
            thumbprint=award.thumbprint,
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
            resource=award.granted or award.resource,
            thumbprint=award.thumbprint if self._policy.client_auth == "none" else None,
        )
        self._state.refresh[token.value] = token
        return token

    def _next_refresh_token(self, old: RefreshToken) -> str | None:
        if not self._policy.rotates():
            return old.value if self._policy.repeats_refresh_token() else None
        old.dead = old.dead or self._policy.kills_old_refresh_token()
        return self.new_refresh_token(
            Award(
                "refresh_token",
                old.client,
                old.user,
                old.scope,
                old.family,
                resource=old.resource,
                thumbprint=old.thumbprint,
            )
        ).value

    def _check_key(self, request: Request) -> None:
        """Ask for the API key if the endpoint itself lies in a zone that needs one."""
        policy = self._policy
        needed = policy.token_route_keys()
        if not needed:
            return
        presented = policy.presented(request, frozenset(needed))
        held = {kind: found for kind in needed if (found := policy.holder(kind, presented)) is not None}
        if not policy.need_is_met((needed,), held):
            raise Refusal(401, "invalid_client", "The API key is missing or wrong.", policy.key_challenges())

    def client(self, request: Request, parameters: Parameters) -> ClientRecord | None:
        """Return the client that a request proves to come from. Raises Refusal if it proves none."""
        policy = self._policy
        if policy.asserts():
            return asserting_client(policy, request, parameters)
        if policy.certifies():
            return policy.certified_client(request, parameters)
        client_id, secret = policy.client_credentials(request, parameters)
        client = None if client_id is None else policy.find_client(client_id)
        if client_id is not None and client is None:
            raise policy.invalid_client()
        if secret is None:
            return policy.unproven_client(client, parameters)
        if client is None or not policy.client_passes(client, secret):
            raise policy.invalid_client()
        return client

    def _proved(self, request: Request, parameters: Parameters) -> str | None:
        """Return the thumbprint of the key that a token is to be bound to. Raises Refusal without a good proof."""
        policy = self._policy
        if not policy.binds():
            return None
        jwk, proof = policy.requested_key(request), policy.proof_of(request)
        if jwk is None or proof is None:
            raise Refusal(400, "invalid_dpop_proof", "The proof of possession is missing or wrong.")
        self._state.proofs.add(str(proof.claims.get("jti")))
        known = policy.find_refresh_token(parameters.get("refresh_token", ""))
        if known is not None and not policy.may_be_refreshed_by(known, jwk):
            raise Refusal(400, "invalid_grant", "The refresh token is bound to another key.")
        return thumbprint(jwk)

    def _certified(self, request: Request, parameters: Parameters) -> str | None:
        """Return the thumbprint of the certificate that a token is to be bound to. Raises Refusal if none came."""
        policy = self._policy
        if not policy.binds_to_certificates():
            return None
        certificate = policy.certificate_to_bind(request)
        if certificate is None:
            raise Refusal(400, "invalid_request", "A token is bound to its client's certificate here, and none came.")
        known = policy.find_refresh_token(parameters.get("refresh_token", ""))
        if known is not None and not policy.may_be_refreshed_with(known, certificate):
            raise Refusal(400, "invalid_grant", "The refresh token is bound to another certificate.")
        return hash_of(certificate)

    def refused(self, refusal: Refusal, request: Request) -> Response:
        """Answer an error (RFC 6749 5.2)."""
        policy = self._policy
        status = policy.error_status(refusal, request)
        self._state.note(request, status, refusal)
        challenges: list[Challenge] = refusal.challenges
        if status == 401 and not challenges:
            challenges = policy.client_challenges(request)
        lines = policy.challenge_lines(challenges)
        if not policy.errors_are_json():
            page = f"<!doctype html><title>Error</title><h1>{html.escape(refusal.error)}</h1>"
            return Response(status, (("Content-Type", "text/html; charset=utf-8"), *lines), page.encode())
        body = policy.error_members(refusal)
        return Response(status, (*policy.error_headers(), *lines), json.dumps(body).encode())

"""What each grant takes to give a token: one function a grant. The order of a token request's steps is the endpoint's.

A function here reads what the request brings, asks the policy for each decision, and says who gets a token for whom
(`Award`), or raises Refusal. It may use something up: a code, a refresh token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters
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
    members: Mapping[str, str] = field(default_factory=dict)
    """What the answer to this grant says that others do not."""
    resource: str | None = None
    """The API that it is for, or several between blanks (RFC 8707)."""
    granted: str | None = None
    """All that was granted, which a refresh token stays with, if the token is for a part of that (RFC 8707 2.2)."""
    thumbprint: str | None = None
    """Of the key or the certificate that the token is bound to (RFC 9449 5, RFC 8705 3)."""


def award_of(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """Return what a token request leads to. Raises Refusal if it leads to none."""
    grant = policy.grant_type(parameters)
    if not policy.may_use(client, grant):
        raise Refusal(400, "unauthorized_client", "The client may not use this grant.")
    return GRANTING[grant](policy, parameters, client)


def _client_credentials(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 6749 4.4: for confidential clients only."""
    if client is not None and client.is_public and policy.client_auth != "none":
        raise Refusal(400, "unauthorized_client", "A public client has nothing to prove itself with.")
    scope = policy.granted_scope("client_credentials", parameters.get("scope"))
    return Award("client_credentials", client.name if client else None, None, scope, policy.state.new_family())


def _password(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 6749 4.3."""
    username, password = _required(parameters, "username"), _required(parameters, "password")
    user = policy.find_user(username)
    if user is None or not policy.same_password(password, user.password):
        raise Refusal(400, "invalid_grant", "The user is not known or the password is wrong.")
    scope = policy.granted_scope("password", parameters.get("scope"))
    return Award("password", client.name if client else None, user.name, scope, policy.state.new_family())


def _authorization_code(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 6749 4.1.3; a code that comes a second time ends the tokens of the first (RFC 6749 4.1.2)."""
    redirect_uri = parameters.get("redirect_uri")
    code = policy.find_code(_required(parameters, "code"))
    if code is None or not policy.may_redeem(code, client):
        raise Refusal(400, "invalid_grant", "The code is not known.")
    if policy.is_used(code):
        for family in policy.replay_ends(code):
            policy.state.end_family(family)
        raise Refusal(400, "invalid_grant", "The code was used before.")
    if policy.code_has_expired(code):
        raise Refusal(400, "invalid_grant", "The code has expired.")
    policy.check_code_target(code, redirect_uri)
    if not policy.verifier_fits(code.challenge, parameters.get("code_verifier")):
        raise Refusal(400, "invalid_grant", "code_verifier does not fit.")
    code.used = True
    return Award("authorization_code", code.client, code.user, code.scope, code.family, resource=code.resource)


def _device_code(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 8628 3.4, 3.5: a device asks until the person has decided."""
    code = policy.find_device_code(_required(parameters, "device_code"))
    if code is None:
        raise policy.unknown_device_code()
    if not policy.may_poll(code, client):
        raise Refusal(400, "invalid_grant", "The device code was given to another client.")
    if policy.device_code_is_used(code):
        raise Refusal(400, "invalid_grant", "The device code was used before.")
    if policy.device_code_has_expired(code):
        raise Refusal(400, "expired_token", "The device code has expired.")
    is_too_fast, code.asked_at = policy.is_too_fast(code), policy.state.clock.now()
    policy.check_decision(code)
    if not policy.has_consent(code):
        raise Refusal(400, "slow_down" if is_too_fast else policy.pending_error())
    code.used = True
    return Award("device_code", code.client, code.user, code.scope, code.family)


def _refresh(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 6749 6; if the old token dies, its reuse ends the family (RFC 9700 4.14.2)."""
    token = policy.find_refresh_token(_required(parameters, "refresh_token"))
    if token is None or not policy.belongs_to(token, client):
        raise Refusal(400, "invalid_grant", "The refresh token is not known.")
    if policy.is_spent(token):
        for family in policy.reuse_ends(token):
            policy.state.end_family(family)
        raise Refusal(400, "invalid_grant", "The refresh token was revoked or used before.")
    if policy.refresh_token_has_expired(token):
        raise Refusal(400, "invalid_grant", "The refresh token has expired.")
    scope = policy.refreshed_scope(token.scope, parameters.get("scope"))
    policy.after_refresh(token)
    return Award(
        "refresh_token", token.client, policy.refreshed_user(token), scope, token.family, token, resource=token.resource
    )


def _token_exchange(policy: Policy, parameters: Parameters, client: ClientRecord | None) -> Award:
    """RFC 8693 2.1; whatever is wrong with the subject token is an invalid request (RFC 8693 2.2.2)."""
    if not policy.knows_token_type(_required(parameters, "subject_token_type")):
        raise Refusal(400, "invalid_request", "Tokens of this type are not taken.")
    subject = policy.find_subject(parameters.get("subject_token", ""))
    if subject is None or policy.subject_has_ended(subject):
        raise Refusal(400, "invalid_request", "The subject token is not known, or its time is over.")
    scope = policy.granted_scope("token_exchange", parameters.get("scope"))
    name, user = client.name if client else None, policy.exchanged_user(subject)
    said = policy.issued_token_type()
    members = {} if said is None else {"issued_token_type": said}
    return Award("token_exchange", name, user, scope, policy.state.new_family(), members=members)


def _required(parameters: Parameters, name: str) -> str:
    if name not in parameters:
        raise Refusal(400, "invalid_request", f"{name} is missing.")
    return parameters[name]


GRANTING: Final[Mapping[GrantType, Callable[[Policy, Parameters, ClientRecord | None], Award]]] = {
    "client_credentials": _client_credentials,
    "password": _password,
    "authorization_code": _authorization_code,
    "device_code": _device_code,
    "refresh_token": _refresh,
    "token_exchange": _token_exchange,
}
CONSENTED: Final[frozenset[GrantType]] = frozenset(("authorization_code", "device_code"))
"""Those that a person consents to, before the token request."""
OF_USERS: Final[frozenset[GrantType]] = CONSENTED | {"password"}
"""Those whose token is a user's, whoever else there is."""

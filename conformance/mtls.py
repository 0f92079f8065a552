"""Certificates that clients present by mutual TLS: what they prove, and the tokens that are bound to them (RFC 8705).

Beside the client's own there are two that are made for the run: a stranger's, and one with the very names and number of
the client's, signed by itself. Where TLS itself lets neither through, that is a refusal like any other. The authority
that an app relies on is not there in this process to refuse one, so that such an app is shown those of other clients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from pytest_apiauth.rules import (
    CONSUME,
    ISSUE,
    ITSELF,
    MUST,
    SHOULD,
    Answer,
    Api,
    Draft,
    GrantType,
    NotApplicable,
    OutOfReach,
    Parts,
    Profile,
    Zone,
    is_jwt,
    jwt_parts,
    rule,
)

from .client_authentication import another_client, open_to_nobody
from .parts import issued_token_zones, refresh, unattended_grants

LOOK = (
    "Where the server learns of the certificate: from the TLS connection or a header that only the proxy"
    " can set, compared by the SHA-256 of the whole (RFC 8705 3.1)."
)

MADE: tuple[Literal["stranger", "namesake"], ...] = ("stranger", "namesake")


def _is_bound(profile: Profile) -> bool:
    return profile.token.bound == "mtls"


def _refreshed(profile: Profile) -> dict[str, GrantType]:
    return dict(refresh.find(profile)) if _is_bound(profile) and profile.token.client_auth == "none" else {}


bound_zones = Parts(
    "no zone with a probe needs a token that is bound to a certificate",
    lambda profile: issued_token_zones.find(profile) if _is_bound(profile) else {},
)
binding_grants = Parts(
    "no grant that works without a person gives a token that is bound to a certificate",
    lambda profile: unattended_grants.find(profile) if _is_bound(profile) else {},
)
certified_clients = Parts(
    "clients do not authenticate by a certificate",
    lambda profile: unattended_grants.find(profile) if profile.token.is_certified else {},
)
bound_refresh = Parts(
    "no refresh token of a client without a secret is documented as bound to a certificate", _refreshed
)


def bound(api: Api, zone: Zone) -> Iterator[Draft]:
    """Yield the valid requests into a zone that carry a token, and come with the certificate that it is bound to."""
    for valid in api.requests(zone, "bearer"):
        if valid.certificate is not None:
            yield valid


def by_others(api: Api, valid: Draft) -> list[Draft]:
    """Return a request with certificates of others. Raises OutOfReach if there is none that can be shown here."""
    assert valid.certificate is not None
    found = [valid.certified(who=who) for who in others(api, valid.certificate.who)]
    if not (api.examination.target.kind.is_app and api.profile.token.client_auth == "tls_client_auth"):
        found += [valid.certified(made=made) for made in MADE]
    if not found:
        raise OutOfReach("an app in this process has no authority that refuses certificates; name another client")
    return found


def others(api: Api, than: str) -> list[str]:
    """Return another client that has a certificate, if one has."""
    try:
        return [another_client(api, than)] if api.profile.token.is_certified else []
    except NotApplicable:
        return []


@rule(
    MUST,
    "RFC 8705 3",
    applies=bound_zones,
    catches="mtls-certificate-optional",
    look="A token with cnf.x5t#S256 needs the certificate of the connection: none is 401; the proxy has to"
    " pass it on, and to drop what clients send in its place.",
)
def mtls_certificate_needed(api: Api, zone: Zone) -> None:
    """A token that is bound to a certificate opens nothing for a client that presents none."""
    for valid in bound(api, zone):
        api.send(replace(valid, certificate=None)).refused()


@rule(
    MUST,
    "RFC 8705 3",
    applies=bound_zones,
    catches=("mtls-any-certificate", "mtls-bound-to-name"),
    look="The SHA-256 of the whole certificate (DER) is compared with cnf.x5t#S256, not its subject.",
)
def mtls_certificate(api: Api, zone: Zone) -> None:
    """A token is bound to one certificate, and to no other with the same names."""
    for valid in bound(api, zone):
        api.each(by_others(api, valid), Answer.refused)


@rule(
    MUST,
    "RFC 8705 2",
    "RFC 6749 5.2",
    applies=certified_clients,
    catches=("mtls-client-unchecked", "mtls-client-by-name"),
    safety=ISSUE,
    look="The token endpoint compares the certificate with what is registered for the client, by the chain's"
    " trusted subject or the key itself (RFC 8705 2).",
)
def mtls_client(api: Api, grant: GrantType) -> None:
    """A client that presents no certificate, or another than its own, gets no token."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    wrong = [replace(valid, certificate=None), *by_others(api, valid)]
    api.each(wrong, lambda answer: answer.no_token(cause))


@rule(
    SHOULD,
    "RFC 8705 3.1",
    "RFC 8705 3.2",
    applies=binding_grants,
    catches="mtls-confirmation",
    safety=ISSUE,
    control=ITSELF,
    look="cnf of the token: base64url without padding of the SHA-256 of the DER, as x5t#S256 (RFC 8705 3.1).",
)
def mtls_confirmation(api: Api, grant: GrantType) -> None:
    """What a token says of its certificate, or introspection does, is the SHA-256 of that in base64url."""
    valid = api.token_request(grant)
    answer = api.send(valid).accepted()
    told = list(confirmations(api, answer, valid))
    if not told:
        raise OutOfReach("the token is no JWT, and there is no introspection that tells what it is bound to")
    assert valid.certificate is not None
    own = api.examination.thumbprint(valid.certificate.who)
    for asked, found in told:
        asked.require(found == own, "the x5t#S256 of the client's certificate", f"{found!r:.80}")


def confirmations(api: Api, answer: Answer, valid: Draft) -> Iterator[tuple[Answer, object]]:
    """Yield what a token and introspection say of the certificate that it is bound to, with the answer that does."""
    token = str(answer.members.get("access_token"))
    said: list[tuple[Answer, Mapping[str, object]]] = [(answer, jwt_parts(token)[1])] if is_jwt(token) else []
    if api.profile.introspection_url:
        assert valid.certificate is not None
        url = api.profile.url(api.profile.introspection_url)
        asked = api.send(api.as_client(url, ("token", token), client=valid.certificate.who))
        said.append((asked, asked.members))
    for where, members in said:
        found = members.get("cnf")
        if isinstance(found, dict) and "x5t#S256" in found:
            yield where, found["x5t#S256"]


@rule(
    SHOULD,
    "RFC 8705 4",
    applies=bound_refresh,
    catches="mtls-refresh-unbound",
    safety=CONSUME,
    look="The refresh token of a public client is stored with its certificate's hash, and compared at each"
    " refresh (RFC 8705 4).",
)
def mtls_refresh(api: Api, grant: GrantType) -> None:
    """The refresh token of a client without a secret is good for nobody who presents another certificate."""
    for made in MADE:
        api.send(api.token_request(grant).certified(made=made)).no_token()

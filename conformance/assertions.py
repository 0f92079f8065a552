"""Assertions by which clients prove themselves (RFC 7523): signed, for one server, for one request.

Each is made from the valid one: signed by the right key with other claims, or by another key with the right ones.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from pytest_apiauth.rules import (
    ISSUE,
    LOCKOUT,
    MAY,
    MUST,
    SHOULD,
    Api,
    Draft,
    Edit,
    Forgery,
    GrantType,
    NotApplicable,
    Ref,
    Role,
    fresh_key,
    public_half,
    public_jwk,
    rule,
)

from .client_authentication import open_to_nobody
from .forging import FAR, FORGERIES
from .parts import asserting_clients, key_clients

LOOK = (
    "The verification of client_assertion: the client's registered key and algorithm, then iss, sub, aud,"
    " exp and jti, all of them required (RFC 7523 3)."
)

NOBODY: Final = "apiauth-nobody"
ELSEWHERE: Final = "https://apiauth.example/token"
MARGIN: Final = 600
"""Seconds that no server allows for clocks that differ."""
SIGNED: Final = tuple(forgery for forgery in FORGERIES if forgery.signature != "forged" or not forgery.key)
"""What is made of an assertion without its key; those of well-known keys are another rule's."""


def key_of(valid: Draft) -> Ref:
    """Return what a client's assertion is signed with."""
    return next(ref for ref in valid.refs if ref.role in (Role.PRIVATE_KEY, Role.CLIENT_SECRET))


def each(api: Api, grant: GrantType, drafts: list[Draft]) -> None:
    """Send each as a row of its own; none of them gives a token."""
    cause = open_to_nobody(api, grant)
    api.each(drafts, lambda answer: answer.no_token(cause))


@rule(
    MUST,
    "RFC 7523 3",
    "RFC 7515 5.2",
    "RFC 8725 3.2",
    applies=asserting_clients,
    catches=("assertion-unsigned", "assertion-signature-ignored"),
    safety=LOCKOUT,
    look="The decode call of client_assertion: signature verified, algorithms fixed, none not among them;"
    " what the payload says is read afterwards.",
)
def assertion_signature(api: Api, grant: GrantType) -> None:
    """A client's assertion counts by its signature alone: none at all, another one, or other content under it."""
    valid = api.token_request(grant)
    each(api, grant, [valid.asserting(edit=forgery) for forgery in SIGNED])


@rule(
    MUST,
    "RFC 7523 3",
    "RFC 7515 10.1",
    applies=asserting_clients,
    catches=("assertion-key-of-any-client", "assertion-key-from-itself"),
    safety=LOCKOUT,
    look="The key of the decode call: the one registered for the client that sub names; jwk, x5c and jku of"
    " the header are ignored.",
)
def assertion_key(api: Api, grant: GrantType) -> None:
    """A client's assertion is signed by its own key: not by a made-up one, another client's, or one that it brings."""
    valid = api.token_request(grant)
    own = key_of(valid)
    drafts = [valid.asserting(edit=Forgery(signature="forged", key=key)) for key in ("", "secret")]
    if own.role is Role.PRIVATE_KEY:
        value, alg = api.examination.value(own), valid.assertion.alg
        made_up = fresh_key(value, alg, own.name.lower())
        other = api.keep("OTHER_PRIVATE_KEY", made_up)
        foreign = valid.replacing(own, other)
        drafts += [foreign, foreign.asserting(header=(("jwk", public_jwk(made_up, alg, other.name)),))]
    else:
        drafts += [valid.editing(own, edit) for edit in (Edit("reverse"), Edit("truncate", at=900), Edit("double"))]
    with suppress(NotApplicable):
        drafts.append(valid.replacing(own, api.another(own.role, than=own.who)))
    each(api, grant, drafts)


@rule(
    MUST,
    "RFC 8725 2.1",
    "RFC 8725 3.1",
    "RFC 7523 3",
    applies=key_clients,
    catches="assertion-public-key-as-secret",
    safety=LOCKOUT,
    look="The algorithms of the decode call: those of the client's registered key type alone; no HS256"
    " beside a public key.",
)
def assertion_algorithm(api: Api, grant: GrantType) -> None:
    """A public key, which everybody has, is no secret to sign an assertion with."""
    valid = api.token_request(grant)
    own = key_of(valid)
    pem = public_half(api.examination.value(own), valid.assertion.alg, own.name.lower())
    texts = (("PUBLIC_KEY", pem), ("PUBLIC_KEY_TRIMMED", pem.strip()))
    shared = [valid.replacing(own, api.keep(name, text)) for name, text in texts]
    each(api, grant, [draft.asserting(alg=alg) for draft in shared for alg in ("HS256", "HS384", "HS512")])


@rule(
    MUST,
    "RFC 7523 3",
    applies=asserting_clients,
    catches=("assertion-outlived", "assertion-endless", "assertion-too-early"),
    safety=ISSUE,
    look="The time claims of client_assertion: exp required and verified, nbf and iat verified if they are"
    " there, with seconds of leeway.",
)
def assertion_time(api: Api, grant: GrantType) -> None:
    """An assertion is good until the moment that it names, which it has to, and not before one that it may name."""
    valid = api.token_request(grant)
    late = valid.assertion.lifetime + api.profile.token.leeway + MARGIN
    unlike = ((("exp", None),), (("exp", 0),), (("nbf", FAR), ("exp", FAR + 60)))
    each(api, grant, [valid.asserting(age=late), *(valid.asserting(claims=claims) for claims in unlike)])


@rule(
    MUST,
    "RFC 7523 3",
    applies=asserting_clients,
    catches=("assertion-for-anybody", "assertion-audience-prefix"),
    safety=ISSUE,
    look="The expected aud of client_assertion: the issuer or the token endpoint's URL, whole and required.",
)
def assertion_audience(api: Api, grant: GrantType) -> None:
    """An assertion that is for another server, or for nobody, proves nothing here: that server may have sent it."""
    valid = api.token_request(grant)
    own = valid.assertion.audience
    near = f"{own.rstrip('/')}.apiauth.example"
    audiences: list[object] = [ELSEWHERE, None, "", [], [ELSEWHERE], near, {own: True}]
    each(api, grant, [valid.asserting(claims=(("aud", audience),)) for audience in audiences])


@rule(
    MUST,
    "RFC 7523 3",
    "RFC 7521 5.2",
    applies=asserting_clients,
    catches="assertion-issuer-ignored",
    safety=ISSUE,
    look="iss and sub of client_assertion are both the client's id, and so is client_id if it is sent (RFC 7523 3).",
)
def assertion_client(api: Api, grant: GrantType) -> None:
    """A client says in its assertion that it is itself who speaks, of itself."""
    valid = api.token_request(grant)
    names: list[tuple[str, object]] = [("iss", NOBODY), ("iss", None), ("sub", NOBODY), ("sub", None), ("sub", "")]
    each(api, grant, [valid.asserting(claims=(claim,)) for claim in names])
    other = api.send(valid.setting("client_id", NOBODY))
    words = "a refusal of a client_id that is not the assertion's (RFC 7521 4.2)"
    other.advise_no_token(words, open_to_nobody(api, grant))


@rule(
    SHOULD,
    "RFC 7521 4.2",
    "RFC 7523 2.2",
    applies=asserting_clients,
    catches="assertion-type-ignored",
    safety=ISSUE,
    look="client_assertion_type is compared with urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    " before the assertion is read.",
)
def assertion_type(api: Api, grant: GrantType) -> None:
    """A client says that what it proves itself by is a JWT."""
    valid = api.token_request(grant)
    saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    wrong = [valid.setting("client_assertion_type", name) for name in (saml, "urn:example:apiauth")]
    each(api, grant, [*wrong, valid.omitting("client_assertion_type")])


@rule(
    MAY,
    "RFC 7523 3",
    "RFC 7523 5",
    applies=asserting_clients,
    catches="assertion-replayable",
    safety=ISSUE,
    look="A store of jti by client until exp, shared by all workers: the second assertion with one jti is"
    " refused (RFC 7523 3).",
)
def assertion_replayed(api: Api, grant: GrantType) -> None:
    """An assertion that has come before proves nothing: whoever has seen one could send it."""
    valid = api.token_request(grant)
    made = api.keep("ASSERTION", api.examination.signed(valid.assertion))
    once = valid.setting("client_assertion", made)
    api.steps.append(f"export ASSERTION={api.examination.shown(valid.assertion)}  # an assertion like any other")
    api.take(api.send(once).issued())
    again = api.send(once)
    again.advise(not again.has_token, "no token for an assertion that was used before")

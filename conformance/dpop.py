"""Tokens that are bound to a key of their client's, and the proofs that come with them (RFC 9449).

Each proof is made as its request leaves, right but for what a rule alters of it: signed by the right key and about
something else, or about the right thing and by another key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import (
    CONSUME,
    ISSUE,
    MAY,
    MUST,
    Answer,
    Api,
    Draft,
    Forgery,
    GrantType,
    Inconclusive,
    OutOfReach,
    Parts,
    Profile,
    Zone,
    rule,
)

from .parts import issued_token_zones, refresh, unattended_grants

LOOK = (
    "The check of the proof: one per request, its signature by the key it shows, then htm, htu, iat, jti,"
    " ath, and last the thumbprint in the token's cnf (RFC 9449 4.3)."
)

DAY: Final = 86_400
OTHER: Final = "other"
"""A key that no token is bound to."""
ELSEWHERE: Final = "https://apiauth.example/items"
UNSIGNED: Final = (
    Forgery(header=(("alg", "none"),), signature="empty"),
    Forgery(header=(("alg", "None"),), signature="empty"),
)
MISSIGNED: Final = tuple(Forgery(signature=how) for how in ("empty", "zeros", "reversed", "first bit", "half"))


def _bound(profile: Profile) -> dict[str, Zone]:
    return dict(issued_token_zones.find(profile)) if profile.token.bound == "dpop" else {}


def _binding(profile: Profile) -> dict[str, GrantType]:
    return dict(unattended_grants.find(profile)) if profile.token.bound == "dpop" else {}


def _public_refresh(profile: Profile) -> dict[str, GrantType]:
    is_bound = profile.token.bound == "dpop" and profile.token.client_auth == "none"
    return dict(refresh.find(profile)) if is_bound else {}


bound_zones = Parts("no zone with a probe needs a token that is bound to a key", _bound)
binding_grants = Parts("no grant that works without a person gives a token that is bound to a key", _binding)
bound_refresh = Parts(
    "no refresh token of a client without a secret is documented as bound to a key",
    _public_refresh,
)


def proved(api: Api, zone: Zone) -> Iterator[Draft]:
    """Yield the valid requests into a zone that carry a token and the proof that goes with it."""
    for valid in api.requests(zone, "bearer"):
        if valid.proof is not None:
            yield valid


@rule(
    MUST,
    "RFC 9449 7.1",
    "RFC 9449 7.2",
    applies=bound_zones,
    catches=("dpop-proof-optional", "dpop-downgrade"),
    look="A token with cnf.jkt is taken with the scheme DPoP and a proof alone: the Bearer path has to"
    " refuse it (RFC 9449 7.2).",
)
def dpop_proof_needed(api: Api, zone: Zone) -> None:
    """A token that is bound to a key opens nothing without a proof, nor as a bearer token."""
    for valid in proved(api, zone):
        as_bearer = valid.dressed("bearer", ("Bearer ", valid.token))
        bare = [replace(valid, proof=None), replace(as_bearer, proof=None), as_bearer]
        api.each(bare, Answer.refused)


@rule(
    MUST,
    "RFC 9449 7.1",
    "RFC 9449 4.3",
    applies=bound_zones,
    catches="dpop-key-unbound",
    look="The thumbprint (RFC 7638) of the proof's jwk is compared with cnf.jkt of the token.",
)
def dpop_key(api: Api, zone: Zone) -> None:
    """A proof by another key than the one that the token is bound to proves nothing."""
    for valid in proved(api, zone):
        api.send(valid.proving(key=OTHER)).refused()


@rule(
    MUST,
    "RFC 9449 4.3",
    applies=bound_zones,
    catches=("dpop-any-method", "dpop-any-url", "dpop-claims-optional"),
    look="htm and htu of the proof are required, and compared with method and URL as the client sees it:"
    " behind a proxy, with the forwarded scheme and host.",
)
def dpop_request(api: Api, zone: Zone) -> None:
    """A proof is about the method and the URL of its request, and says both."""
    for valid in proved(api, zone):
        api.each(about_another(valid, "POST"), Answer.refused)


def about_another(valid: Draft, method: str) -> list[Draft]:
    """Return requests with proofs about another one, or about none."""
    beside = f"{valid.url.rstrip('/')}/apiauth"
    named = [valid.proving(method=method), valid.proving(url=ELSEWHERE), valid.proving(url=beside)]
    return named + [valid.proving(claims=((name, None),)) for name in ("htm", "htu")]


@rule(
    MUST,
    "RFC 9449 4.3",
    "RFC 9449 7",
    applies=bound_zones,
    catches="dpop-any-token",
    look="ath of the proof is required at a resource: base64url of the SHA-256 of the token (RFC 9449 4.3).",
)
def dpop_token(api: Api, zone: Zone) -> None:
    """A proof is about the token that comes with it, and says so."""
    for valid in proved(api, zone):
        api.each((valid.proving(token="apiauth"), valid.proving(claims=(("ath", None),))), Answer.refused)


@rule(
    MUST,
    "RFC 9449 4.3",
    "RFC 8725 3.1",
    applies=bound_zones,
    catches=(
        "dpop-unsigned", "dpop-signature-ignored", "dpop-public-key-as-secret", "dpop-private-key-shown",
        "dpop-type-ignored",
    ), look="The decode call of the proof: typ is dpop+jwt, asymmetric algorithms alone, the key from jwk"
" without a private part, the signature verified.",
)  # fmt: skip
def dpop_signed(api: Api, zone: Zone) -> None:
    """A proof is a JWT of its own type, signed by the private key whose public half it shows, and shows no more."""
    for valid in proved(api, zone):
        api.each(missigned(api, valid), Answer.refused)
        others = [("typ", "JWT"), ("typ", None), ("jwk", None), ("jwk", "apiauth")]
        api.each((valid.proving(header=(member,)) for member in others), Answer.refused)
        api.send(valid.proving(shows_private=True)).refused()


def missigned(api: Api, valid: Draft) -> list[Draft]:
    """Return requests with proofs that their key has not signed."""
    confused = Forgery(header=(("alg", "HS256"),), signature="forged", key=api.examination.bound_to)
    forged = [valid.proving(edit=edit) for edit in (*UNSIGNED, *MISSIGNED, confused)]
    return [*forged, valid.proving(key=OTHER, shown="")]


@rule(
    MUST,
    "RFC 9449 4.3",
    "RFC 9449 11.1",
    applies=bound_zones,
    catches=("dpop-outlived", "dpop-too-early"),
    look="iat of the proof is required, and compared with now in both directions, within seconds or a few minutes.",
)
def dpop_time(api: Api, zone: Zone) -> None:
    """A proof is good for a short time after it was made, and says when that was."""
    for valid in proved(api, zone):
        timed(api, valid.proving(age=DAY)).refused()
        timed(api, valid.proving(claims=(("iat", None),))).refused()
        ahead = timed(api, valid.proving(age=-DAY))
        ahead.advise(not ahead.is_admitted, "a refusal of a proof that was made tomorrow")


def timed(api: Api, draft: Draft) -> Answer:
    """Send a proof of another time. Raises OutOfReach if the server has told its own by a nonce, before or now."""
    answer = api.send(draft)
    if api.examination.has_nonce(draft):
        raise OutOfReach("the server tells by its nonce when a proof was made (RFC 9449 4.3)")
    return answer


@rule(
    MAY,
    "RFC 9449 11.1",
    "RFC 9449 4.3",
    applies=bound_zones,
    catches=("dpop-replayable", "dpop-first-of-several"),
    look="A store of jti by key as long as proofs are good, shared by all workers; and two DPoP headers are refused.",
)
def dpop_once(api: Api, zone: Zone) -> None:
    """A proof is good for one request, which has one."""
    for valid in proved(api, zone):
        once = api.examination.proved_once(valid)
        if not api.send(once).is_admitted:
            raise Inconclusive("a proof that was made a moment ago was refused when it came first")
        api.send(once.in_doubt()).refused()
        api.send(valid.proving(times=2)).refused()


@rule(
    MUST,
    "RFC 9449 5",
    "RFC 9449 4.3",
    applies=binding_grants,
    catches="dpop-token-request-unchecked",
    safety=ISSUE,
    look="The token endpoint checks a proof as a resource does, and issues nothing for a wrong one"
    " (invalid_dpop_proof).",
)
def dpop_token_request(api: Api, grant: GrantType) -> None:
    """A token is bound to no key whose proof is wrong."""
    valid = api.token_request(grant)
    wrong = [*about_another(valid, "GET"), *missigned(api, valid), valid.proving(shows_private=True)]
    api.each(wrong, Answer.no_token)


@rule(
    MUST,
    "RFC 9449 5",
    applies=bound_refresh,
    catches="dpop-refresh-unbound",
    safety=CONSUME,
    look="The refresh token of a public client is stored with the thumbprint of its key, and compared at"
    " each refresh (RFC 9449 5).",
)
def dpop_refresh(api: Api, grant: GrantType) -> None:
    """The refresh token of a client without a secret is good for nobody who has another key."""
    api.send(api.token_request(grant).proving(key=OTHER)).no_token()

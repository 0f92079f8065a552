"""Access tokens that are JWTs: whoever has seen one can write another, and nobody may believe it."""

from __future__ import annotations

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    Api,
    NotApplicable,
    Zone,
    fitting_keys,
    jwt_parts,
    public_spellings,
    rule,
)

from .forging import (
    AROUND,
    FAR,
    FORGERIES,
    PAST,
    SERIALIZED,
    STRAY,
    TWICE,
    alg_of,
    all_refused,
    by_own_key,
    by_public_key,
    drafts,
    tokens_of,
)
from .parts import token_zones
from .published import published_keys, published_zones

LOOK = (
    "The one call that verifies access tokens: the algorithm and the key come from the server's own"
    " configuration, never from the token, and nothing is read before the signature holds."
)

FEW = 6
"""Of how many rows one is tried where another request has stood for all of them."""


@rule(
    MUST,
    "RFC 7519 6",
    "RFC 8725 3.1",
    "RFC 8725 3.2",
    "RFC 8725 3.3",
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches=(
        "jwt-unsigned-accepted",
        "jwt-signature-ignored",
        "jwt-signature-half-compared",
        "jwt-empty-key",
        "jwt-kid-as-key",
        "jwt-key-from-token",
        "jwt-unknown-kid-unchecked",
    ),
    look="The decode call: the list of algorithms is fixed (PyJWT: algorithms=['RS256']), none is not in it,"
    " verify_signature is on, and an unknown kid is an error, not another way to verify.",
)
def res_jwt_forged(api: Api, zone: Zone) -> None:
    """A JWT counts by its signature alone: none at all, another one, or another content under it is refused."""
    for valid, is_first in tokens_of(api, zone):
        all_refused(api, drafts(api, valid, FORGERIES if is_first else FORGERIES[::FEW]))
        with api.row():
            stray = api.attempt(valid.editing(valid.token, STRAY))
            if stray is not None:
                stray.advise(not stray.is_admitted, "a refusal of a signature with a letter in it outside base64url")


@rule(
    MUST,
    "RFC 8725 3.10",
    "RFC 7515 10.1",
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches=(
        "jwt-public-key-from-token",
        "jwt-certificate-from-token",
        "jwt-key-set-from-token",
        "jwt-unknown-kid-own-algorithm",
    ),
    look="Where the key comes from: jwk, x5c, jku and x5u of a token's header are never followed; kid picks"
    " among the server's own keys only.",
)
def res_jwt_own_key(api: Api, zone: Zone) -> None:
    """A JWT that is signed by a key which it brings along, as a JWK, a certificate or a URL, is refused."""
    for valid, is_first in tokens_of(api, zone):
        rows = list(by_own_key(alg_of(api, valid)))
        all_refused(api, drafts(api, valid, rows if is_first else rows[::FEW]))


@rule(
    MUST,
    "RFC 8725 2.1",
    "RFC 8725 3.1",
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=published_zones,
    catches=("jwt-public-key-as-secret", "jwt-public-key-stripped", "jwt-public-jwk-as-secret"),
    look="The algorithm of the decode call: with HS256 beside RS256 in the list, the public key's text is an"
    " HMAC secret that everybody has; one key, one algorithm.",
)
def res_jwt_public_key(api: Api, zone: Zone) -> None:
    """A public key, which everybody has, is no secret to sign a JWT with, however it is spelt."""
    for valid, is_first in tokens_of(api, zone):
        header, _ = jwt_parts(api.examination.value(valid.token))
        if str(header["alg"]).startswith("HS"):
            raise NotApplicable("the access token is signed with a secret, so that no public key belongs to it")
        keys = fitting_keys(published_keys(api), header.get("kid"))
        rows = list(by_public_key(dict.fromkeys(each for key in keys for each in public_spellings(key).values())))
        all_refused(api, drafts(api, valid, rows if is_first else rows[::FEW]))


@rule(
    MUST,
    "RFC 7515 4",
    "RFC 7519 4",
    "RFC 7519 7.2",
    "RFC 6750 3.1",
    PROFILE,
    "RFC 9110 11.4",
    applies=token_zones,
    catches=("jwt-first-member-counts", "jwt-json-read-by-dots"),
    look="Whoever else reads the token: a gateway or a hand-written split that parses it again may see other"
    " claims than the library has verified; use the claims that verification returned.",
)
def res_jwt_read_twice(api: Api, zone: Zone) -> None:
    """A token that two parsers read differently is refused, or counts by what its signature is about."""
    for valid, _ in tokens_of(api, zone):
        all_refused(api, drafts(api, valid, TWICE))
        with api.row():
            answers = {exp: api.attempt(valid.editing(valid.token, row)) for exp, row in AROUND.items()}
            later, over = answers[FAR], answers[PAST]
            if later is not None and over is not None:
                # Who is let in by both has read the members, as a JWS in JSON is read; by one, what nobody has signed.
                if later.is_admitted and not over.is_admitted:
                    later.refused()
                later.advise(not later.is_admitted, "a refusal of a token in JSON: a JWT is in compact form")
        with api.row():
            answer = api.attempt(valid.editing(valid.token, SERIALIZED))
            if answer is not None:
                answer.advise(not answer.is_admitted, "a refusal of a token in JSON: a JWT is in compact form")

"""Access tokens that are JWTs: whoever has seen one can write another, and nobody may believe it."""

from __future__ import annotations

from typing import Final

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    Answer,
    Api,
    Forgery,
    Members,
    NotApplicable,
    Signature,
    Zone,
    is_jwt,
    rule,
)

from .parts import TOKENS, token_zones

FAR: Final = 4102444800
"""The year 2100, in seconds since the epoch."""
WELL_KNOWN_KEYS: Final = ("", "secret", "your-256-bit-secret")
"""No key at all, which a ``kid`` that leads nowhere can amount to, and those of every tutorial."""
OWN_KEY: Final = "apiauth-key-in-the-token-itself-0123456789"
OWN_JWK: Final = {"kty": "oct", "k": "YXBpYXV0aC1rZXktaW4tdGhlLXRva2VuLWl0c2VsZi0wMTIzNDU2Nzg5"}
"""The same key as a JWK, for a server that takes its key from the token (RFC 8725 3.10)."""


def signed(key: str, *header: tuple[str, object]) -> Forgery:
    """Return a forgery whose signature is good by a key of our own."""
    return Forgery((("alg", "HS256"), *header), (("apiauth", 1),), "forged", key)


UNSIGNED: Final[tuple[tuple[Members, Signature], ...]] = (((), "empty"), ((), "kept"), ((("apiauth", 1),), "empty"))
SPOILT: Final[tuple[Signature, ...]] = (
    "empty", "absent", "zeros", "reversed", "half", "longer", "first bit", "last bit",
)  # fmt: skip
FORGERIES: Final = (
    *(Forgery((("alg", name),), *row) for name in ("none", "None", "NONE", "nOnE") for row in UNSIGNED),
    Forgery((("alg", "none"),), (), "absent"),
    *(Forgery(signature=signature) for signature in SPOILT),
    *(Forgery(claims=(claim,)) for claim in (("apiauth", 1), ("exp", FAR), ("scope", "admin"), ("sub", "admin"))),
    *(Forgery((("alg", name),)) for name in ("HS256", "RS256", "ES256", "", None)),
    *(signed(key) for key in WELL_KNOWN_KEYS),
    signed("", ("kid", "../../../../../../dev/null")),
    signed(OWN_KEY, ("jwk", OWN_JWK)),
)
"""What is tried on every token that is a JWT."""
STRAY: Final = Forgery(signature="stray letter")
"""A good signature with a letter in it that is none of base64url; there are decoders that pass over such."""


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
        "jwt-key-from-token",
    ),
)
def res_jwt_forged(api: Api, zone: Zone) -> None:
    """A JWT counts by its signature alone: none at all, another one, or another content under it is refused."""
    for valid in api.requests(zone, *TOKENS):
        if not is_jwt(api.examination.value(valid.token)):
            raise NotApplicable("the access token is no signed JWT to look at")
        api.each((valid.editing(valid.token, forgery) for forgery in FORGERIES), Answer.refused)
        with api.row():
            stray = api.attempt(valid.editing(valid.token, STRAY))
            if stray is not None:
                stray.advise(not stray.is_admitted, "a refusal of a signature with a letter in it outside base64url")

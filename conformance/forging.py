"""What anybody can make of a JWT without its key, as tables that are complete in every run; no rule.

Each row is a `Forgery` of a token that is good. What a server may rightly take as equal is none: one ``=`` behind the
signature, another last letter with the same bits, a ``kid`` that is another one or gone under a good signature. With
``FORGED`` in its claims a token says something that the valid one does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Final

from pytest_apiauth.rules import (
    SELF_MADE,
    Answer,
    Api,
    Draft,
    Forgery,
    Members,
    NotApplicable,
    Place,
    Signature,
    Zone,
    is_jwt,
    jwt_parts,
    self_made_certificate,
    self_made_jwk,
    self_made_key_set,
)

from .parts import TOKENS

NO_KEY: Final = "the access tokens are JWTs, and the profile's [jwt] names no signing_key to make others with"
"""Why rules about claims are not examined, where a run has found out that it is so."""
FAR: Final = 4102444800
"""The year 2100, in seconds since the epoch."""
PAST: Final = 1
FORGED: Final[Members] = (("apiauth", 1),)
UNKNOWN_KID: Final = "apiauth-unknown"
KIDS: Final[tuple[Members, ...]] = ((), (("kid", None),), (("kid", UNKNOWN_KID),))
"""The name of the key: kept, removed, unknown."""
WELL_KNOWN_KEYS: Final = ("", "secret", "your-256-bit-secret")
"""No key at all, which a ``kid`` that leads nowhere can amount to, and those of every tutorial."""
TUTORIAL_KEYS: Final = (
    "shhhhh", "super-secret", "supersecret", "secretkey", "secret-key", "mysecret", "my-secret", "mysecretkey",
    "your_jwt_secret", "your-secret-key", "your_secret_key", "jwt_secret", "JWT_SECRET", "changeme", "SECRET_KEY",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)  # fmt: skip
"""Keys in the documentation of libraries, which stay in what is copied from there: node's jsonwebtoken, passport-jwt,
Flask-JWT-Extended; the last one is FastAPI's."""
HMACS: Final = ("HS256", "HS384", "HS512")
OWN_KEY: Final = "apiauth-key-in-the-token-itself-0123456789"
OWN_JWK: Final = {"kty": "oct", "k": "YXBpYXV0aC1rZXktaW4tdGhlLXRva2VuLWl0c2VsZi0wMTIzNDU2Nzg5"}
"""The same key as a JWK, for a server that takes its key from the token (RFC 8725 3.10)."""
NONES: Final = ("none", "None", "NONE", "nOnE", "none ", "")
UNSIGNED: Final[tuple[tuple[Members, Signature], ...]] = (((), "empty"), ((), "kept"), (FORGED, "empty"))
KEPT: Final[tuple[Signature, ...]] = ("kept", "empty")
ENDS: Final[tuple[Place, ...]] = ("first", "last")
SPOILT: Final[tuple[Signature, ...]] = (
    "empty", "absent", "zeros", "reversed", "half", "longer", "first bit", "last bit",
)  # fmt: skip
WIDER: Final = (*FORGED, ("exp", FAR), ("exp", None), ("scope", "admin"), ("sub", "admin"), ("aud", "admin"))
"""What a forger would claim."""
EACH: Final = 12
"""Forgeries after which the valid token is sent again."""


def signed(key: str, *header: tuple[str, object]) -> Forgery:
    """Return a forgery whose signature is good by a key of our own."""
    return Forgery((("alg", "HS256"), *header), FORGED, "forged", key)


FORGERIES: Final = (
    *(Forgery((("alg", name),), *row) for name in NONES for row in UNSIGNED),
    Forgery((("alg", "none"),), (), "absent"),
    *(Forgery((("alg", "none"), *kid), FORGED, "empty") for kid in KIDS[1:]),
    *(Forgery(kid, FORGED, signature) for kid in KIDS[1:] for signature in KEPT),
    *(Forgery(signature=signature) for signature in SPOILT),
    *(Forgery(claims=(claim,)) for claim in WIDER),
    *(Forgery((("alg", name),)) for name in (*HMACS, "RS256", "ES256", "PS256", "EdDSA", None)),
    *(signed(key, *kid) for key in WELL_KNOWN_KEYS for kid in KIDS),
    *(signed(key) for key in TUTORIAL_KEYS),
    *(signed("", ("kid", name)) for name in ("../../../../../../dev/null", "/dev/null", "' UNION SELECT '' -- ")),
    signed(UNKNOWN_KID, ("kid", UNKNOWN_KID)),
    signed(OWN_KEY, ("jwk", OWN_JWK)),
    Forgery((("b64", False), ("crit", ["b64"])), FORGED),
    Forgery((("crit", ["apiauth"]), ("apiauth", 1))),
    Forgery((("alg", "none"), ("cty", "JWT")), (), "empty", form="nested"),
    Forgery((("alg", "HS256"), ("cty", "JWT")), (), "forged", form="nested"),
)
"""What is tried on every token that is a JWT."""
STRAY: Final = Forgery(signature="stray letter")
"""A good signature with a letter in it that is none of base64url; there are decoders that pass over such."""
TWICE: Final = (
    *(Forgery((("alg", "none"),), claims, "empty", place=place) for claims, place in product(((), FORGED), ENDS)),
    *(Forgery((), (claim,), place=place) for claim, place in product((("sub", "admin"), ("exp", FAR)), ENDS)),
    *(Forgery((("alg", "HS256"),), FORGED, "forged", place=place) for place in ENDS),
)
"""Members that stand there twice, which two parsers read differently (RFC 7515 4, RFC 7519 4)."""
AROUND: Final = {exp: Forgery((), (("exp", exp), *FORGED), form="JSON around another") for exp in (FAR, PAST)}
"""A good token in JSON around a forged one, which is good for long, or long over."""
SERIALIZED: Final = Forgery(form="JSON")
"""A good token in JSON, which a JWT never is (RFC 7519 1)."""


def by_public_key(spellings: Iterable[bytes]) -> Iterator[Forgery]:
    """Yield the forgeries that a public key makes for who takes it as the secret of an HMAC."""
    for key in spellings:
        for alg, kid in [*product(HMACS, KIDS[:1]), *product(HMACS[:1], KIDS[1:])]:
            yield Forgery((("alg", alg), *kid), FORGED, "forged", key)


def by_own_key(alg: str) -> Iterator[Forgery]:
    """Yield the forgeries by a key of our own, which the token brings along in every place that there is for one."""
    for own in dict.fromkeys((alg if alg in SELF_MADE else "RS256", "RS256", "ES256")):
        places: tuple[tuple[str, object], ...] = (
            ("jwk", self_made_jwk(own)),
            ("x5c", [self_made_certificate(own)]),
            ("jku", self_made_key_set(own, UNKNOWN_KID)),
        )
        for place, kid in product(places, KIDS):
            yield Forgery((("alg", own), place, *kid), FORGED, "forged")
        for kid in KIDS:
            yield Forgery((("alg", own), *kid), FORGED, "forged")


def alg_of(api: Api, valid: Draft) -> str:
    """Return how the token of a request is signed. Raises NotApplicable if it is no JWT."""
    token = api.examination.value(valid.token)
    if not is_jwt(token):
        raise NotApplicable("the access token is no signed JWT to look at")
    api.found_out.add(NO_KEY)
    header, _ = jwt_parts(token)
    return str(header["alg"])


def drafts(api: Api, valid: Draft, forgeries: Iterable[Forgery]) -> list[Draft]:
    """Return a request for each forgery that makes another token than those before it."""
    token = api.examination.value(valid.token)
    made: dict[str, Forgery] = {}
    for forgery in forgeries:
        forged = forgery.apply(token)
        if forged is not None:
            made.setdefault(forged, forgery)
    return [valid.editing(valid.token, forgery) for forgery in made.values()]


def all_refused(api: Api, altered: Sequence[Draft]) -> None:
    """Send each as a row of its own: refused, all of them, and the valid request in between and at the end."""
    for number, draft in enumerate(altered, 1):
        api.each([draft], partial(Answer.refused, again=number % EACH == 0 or number == len(altered)))


def tokens_of(api: Api, zone: Zone) -> Iterator[tuple[Draft, bool]]:
    """Yield the valid requests of a zone that carry a JWT; the first stands for all, and has the whole of a table."""
    for number, valid in enumerate(api.requests(zone, *TOKENS)):
        alg_of(api, valid)
        yield valid, number == 0

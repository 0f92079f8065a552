"""Tokens that are signed here: those that say something else by the key that signs them, and clients' assertions.

What they say is for a server to tell by.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_apiauth.auth.forgeries import Members, jwt_parts
from pytest_apiauth.credentials import signing


@dataclass(frozen=True, slots=True)
class Minted:
    """A JWT made from another one, signed by its own key; a member whose value is None is left out.

    >>> token = Minted(claims=(("sub", "2"),)).made("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk", "made-up-key")
    >>> jwt_parts(token)
    ({'alg': 'HS256'}, {'sub': '2'})
    """

    header: Members = ()
    claims: Members = ()

    def made(self, token: str, key: str) -> str:
        """Return the other token. Raises CredentialError for a key that does not sign as the token is signed."""
        header, claims = (
            dict(part) | dict(new) for part, new in zip(jwt_parts(token), (self.header, self.claims), strict=True)
        )
        alg = str(header["alg"])
        return signing.jwt(_present(header), _present(claims), key, alg, "signing_key")

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in (*self.header, *self.claims)) or "as it is"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an assertion says beside whose it is (RFC 7523 3); members are set otherwise, or left out if None."""

    audience: str
    alg: str
    lifetime: int = 60
    age: int = 0
    header: Members = ()
    claims: Members = ()
    jti: str = ""


def asserted(parts: tuple[str, str, str], terms: Terms, now: float, name: str) -> str:
    """Return an assertion of a moment; ``parts`` are whose it is, the key, and the name of the key, which may be empty.

    Raises CredentialError, which calls the key by its ``name``, for one that signs nothing.

    >>> made = asserted(("lab", "made-up-secret", ""), Terms("https://id.example", "HS256", jti="1"), 1.7e9, "secret")
    >>> jwt_parts(made)[1]["sub"]
    'lab'
    """
    who, key, kid = parts
    at = int(now) - terms.age
    header = {"alg": terms.alg, "typ": "JWT", "kid": kid or None, **dict(terms.header)}
    claims = {
        "iss": who,
        "sub": who,
        "aud": terms.audience,
        "jti": terms.jti or str(uuid.uuid4()),
        "iat": at,
        "exp": at + terms.lifetime,
        **dict(terms.claims),
    }
    return signing.jwt(_present(header), _present(claims), key, terms.alg, name)


def _present(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}

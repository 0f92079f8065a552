"""Proofs of possession of the key that a token is bound to: one for each request, made as it leaves (RFC 9449 4).

Theory of operation. A proof is about a method and a URL, and about the token that comes with it. All of that is read
off the request once everything else is in it. So a request that was altered elsewhere is proved rightly; what a rule
alters of the proof is said here, by its fields.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.texts import Parameters, Unchanged
from pytest_apiauth.credentials import signing
from pytest_apiauth.credentials.binding import ALGORITHM, Binding
from pytest_apiauth.messages import Request

DPOP: Final = "DPoP"
WORDS: Final = ("dpop", "bearer")
"""Words that a token may stand behind, in small letters."""


@dataclass(frozen=True, slots=True)
class PossessionProof:
    """What is proved of a request, and in what the proof is another than the right one.

    ``key`` is the name of the key that signs, ``shown`` that of the one which the proof has in it, if another. What it
    is about, ``method``, ``url`` and ``token``, is the request's own unless it is named. ``age`` is how many seconds
    ago it was made, by what it says. ``header`` and ``claims`` are members that are set otherwise, or left out if the
    value is None. ``made`` is a proof that was made before, ``times`` how often it comes.
    """

    key: str = ""
    shown: str | None = None
    method: str = ""
    url: str = ""
    token: str = ""
    age: int = 0
    header: Parameters = ()
    claims: Parameters = ()
    shows_private: bool = False
    edit: Forgery | None = None
    made: str = ""
    times: int = 1

    def of(self, request: Request, binding: Binding, now: float) -> str:
        """Return the proof of a request at a moment.

        Raises Unchanged if the edit changes nothing, CredentialError where what signs is not installed.
        """
        if self.made:
            return self.made
        key, token = binding.key(self.key), self.token or token_of(request)
        jwk = binding.jwk(self.key if self.shown is None else self.shown)
        if self.shows_private:
            jwk = {**jwk, "d": signing.private_member(key, ALGORITHM, DPOP)}
        header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk, **dict(self.header)}
        claims = {
            "jti": str(uuid.uuid4()),
            "htm": self.method or request.method,
            "htu": (self.url or request.url).partition("#")[0].partition("?")[0],
            "iat": int(now) - self.age,
            "ath": hash_of(token) if token else None,
            "nonce": binding.nonce(request.url),
            **dict(self.claims),
        }
        proof = signing.jwt(_present(header), _present(claims), key, ALGORITHM, DPOP)
        edited = self.edit.apply(proof) if self.edit is not None else proof
        if edited is None:
            raise Unchanged(DPOP)
        return edited

    @property
    def placeholder(self) -> str:
        """What a reader knows it by, who has not the key.

        >>> PossessionProof().placeholder, PossessionProof(key="other", claims=(("ath", None),)).placeholder
        ('DPOP_PROOF', 'DPOP_PROOF_BY_ANOTHER_KEY_WITHOUT_ATH')
        """
        words = {
            "BY_ANOTHER_KEY": self.key,
            "OF_ANOTHER_METHOD": self.method,
            "OF_ANOTHER_URL": self.url,
            "OF_ANOTHER_TOKEN": self.token,
            f"OF_{abs(self.age)}_SECONDS_{'AGO' if self.age > 0 else 'LATER'}": self.age,
            "SHOWING_ANOTHER_KEY": self.shown,
            "SHOWING_THE_PRIVATE_KEY": self.shows_private,
            "FORGED": self.edit,
            "MADE_BEFORE": self.made,
        }
        for name, value in (*self.header, *self.claims):
            words[f"{'WITHOUT' if value is None else 'WITH_ANOTHER'}_{name.upper()}"] = True
        return "_".join(["DPOP_PROOF", *(word for word, holds in words.items() if holds)])


def token_of(request: Request) -> str:
    """Return the token that comes with a request; empty if none does.

    >>> token_of(Request("GET", "https://api.example/", (("Authorization", "DPoP Kz~8mXK1"),)))
    'Kz~8mXK1'
    """
    word, _, token = (request.header("authorization") or "").partition(" ")
    return token.strip() if word.lower() in WORDS else ""


def hash_of(token: str) -> str:
    """Return what a proof says of a token (RFC 9449 4.2).

    >>> len(hash_of("made-up-token"))
    43
    """
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("utf-8")).digest()).decode().rstrip("=")


def _present(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}

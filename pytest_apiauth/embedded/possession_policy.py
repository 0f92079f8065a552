"""The decisions on proofs of possession of the key that a token is bound to (RFC 9449 4.3).

Theory of operation. Like an assertion a proof is made by the caller's clock, so it is by the system's time that one is
too old. The key is taken from the proof, whoever made it: what counts is that the token is bound to that very key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.jws import Jws, encoded, taken_apart
from pytest_apiauth.embedded.keys import public_key_of, verifies
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.state import AccessToken, RefreshToken
from pytest_apiauth.messages import Origin, Request

ASYMMETRIC: Final = frozenset(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)) | {
    "EdDSA"
}
PROOF_ALGORITHMS: Final = "ES256 PS256 EdDSA"
"""Those of them that a challenge recommends."""
PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
"""Members of a JWK that are a private key's, or a secret's (RFC 7518 6)."""
OF_THUMBPRINTS: Final = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
"""Members that a key is known by (RFC 7638 3.2, RFC 8037 2)."""
WINDOW: Final = 60
"""Seconds that a proof may be old, or that its maker's clock may be ahead."""


class PossessionPolicy(MetadataPolicy):
    """Decisions about proofs; `Policy` adds those of resources."""

    def binds(self) -> bool:
        """Whether tokens are bound to keys here, which proofs are made with."""
        return self.profile.token.bound == "dpop"

    def proof_of(self, request: Request) -> Jws | None:
        """Return the one proof that a request has (RFC 9449 4.3, points 1 and 2)."""
        lines = request.header_lines("dpop")
        return taken_apart(lines[0]) if len(lines) == 1 else None

    def key_proved(self, request: Request, token: str = "") -> dict[str, Any] | None:
        """Return the key that a request proves to have, as a JWK; None if it proves none (RFC 9449 4.3)."""
        proof = self.proof_of(request)
        if proof is None or not self.is_proof(proof) or not self.is_proof_algorithm(proof):
            return None
        jwk = proof.header.get("jwk")
        if not isinstance(jwk, dict) or not self.is_public(jwk) or not self.is_proof_signed(proof, jwk):
            return None
        is_about_this = self.is_for_method(proof, request) and self.is_for_url(proof, request)
        if not is_about_this or not self.is_recent(proof) or not self.is_new_proof(proof):
            return None
        if token and not self.is_about_token(proof, token):
            return None
        return jwk

    def requested_key(self, request: Request) -> dict[str, Any] | None:
        """Return the key that a token is asked for with a proof of (RFC 9449 5)."""
        return self.key_proved(request)

    def is_proof(self, proof: Jws) -> bool:
        """Whether a JWT is said to be a proof (RFC 9449 4.3, point 4)."""
        return proof.header.get("typ") == "dpop+jwt"

    def is_proof_algorithm(self, proof: Jws) -> bool:
        """Whether a proof is signed in a way that takes a private key (RFC 9449 4.3, point 5)."""
        return proof.header.get("alg") in ASYMMETRIC

    def is_public(self, jwk: dict[str, Any]) -> bool:
        """Whether a key is shown without what is private of it (RFC 9449 4.3, point 7)."""
        return not PRIVATE & jwk.keys()

    def is_proof_signed(self, proof: Jws, jwk: dict[str, Any]) -> bool:
        """Whether a proof is signed by the key that it shows (RFC 9449 4.3, point 6)."""
        key = public_key_of(jwk)
        return key is not None and verifies(str(proof.header.get("alg")), key, proof.content, proof.signature)

    def is_for_method(self, proof: Jws, request: Request) -> bool:
        """Whether a proof is about the method of a request (RFC 9449 4.3, point 8)."""
        return proof.claims.get("htm") == request.method

    def is_for_url(self, proof: Jws, request: Request) -> bool:
        """Whether a proof is about the URL of a request, without query and fragment (RFC 9449 4.3, point 9).

        On a socket of this machine the request has come to another origin than the one that this server knows it by.
        """
        meant = proof.claims.get("htu")
        found, own = (_bare(meant) if isinstance(meant, str) else None), _bare(request.url)
        if found is None or own is None:
            return False
        return found == own or (found[0].is_loopback and found[1] == own[1])

    def is_recent(self, proof: Jws) -> bool:
        """Whether a proof was made a moment ago (RFC 9449 4.3, point 11)."""
        made = proof.claims.get("iat")
        return isinstance(made, int | float) and self.is_in_window(time.time() - made)

    def is_in_window(self, age: float) -> bool:
        """Whether a proof of so many seconds is taken (RFC 9449 11.1)."""
        return abs(age) <= WINDOW

    def is_new_proof(self, proof: Jws) -> bool:
        """Whether a proof did not come before (RFC 9449 11.1)."""
        return isinstance(proof.claims.get("jti"), str) and proof.claims["jti"] not in self.state.proofs

    def is_about_token(self, proof: Jws, token: str) -> bool:
        """Whether a proof is about a token (RFC 9449 4.3, point 12)."""
        digest = hashlib.sha256(token.encode("latin-1", "replace")).digest()
        return proof.claims.get("ath") == encoded(digest)

    def is_possessed(self, token: AccessToken, jwk: dict[str, Any]) -> bool:
        """Whether a token is bound to a key, or to none (RFC 9449 4.3, point 12)."""
        return token.thumbprint is None or token.thumbprint == thumbprint(jwk)

    def may_be_refreshed_by(self, token: RefreshToken, jwk: dict[str, Any]) -> bool:
        """Whether a refresh token is bound to a key, or to none (RFC 9449 5)."""
        return token.thumbprint is None or token.thumbprint == thumbprint(jwk)


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return what a key is known by (RFC 7638 3)."""
    members = {name: jwk.get(name) for name in OF_THUMBPRINTS.get(str(jwk.get("kty")), ())}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def _bare(url: str) -> tuple[Origin, str] | None:
    try:
        return Origin.of(url), urlsplit(url).path or "/"
    except ValueError:
        return None

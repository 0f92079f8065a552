"""Access tokens as JWTs, signed by one algorithm and judged by their signature (RFC 7515, RFC 7519, RFC 9068).

Theory of operation. A token names its record by ``jti``, and whoever presents a token with a good signature over
that gets the record, whatever the spelling: as in the usual libraries, the unused bits in the last letter of the
signature do not count. What a token says of itself counts too: its type, whose it is, for whom, from when and until
when. Lifetime and revocation are matters of the record all the same.

A profile's ``[jwt]`` says how tokens are signed; without it, that is HMAC with SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pytest_apiauth.embedded.jws import Jws, encoded, taken_apart
from pytest_apiauth.embedded.keys import HASHES, jwk_of, public_half, signature_by, verifies
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken, State, opaque
from pytest_apiauth.profile.model import Profile

TYPE: Final = "at+jwt"
KEY_ID: Final = "apiauth"
"""What the key is called in the header of a token."""
FAR: Final = 4102444800
"""The year 2100."""
LIFETIME: Final = 3600
UNFIT: Final[dict[str, tuple[dict[str, object], dict[str, object]]]] = {
    "audience": ({}, {"aud": "https://files.apiauth.example"}),
    "issuer": ({}, {"iss": "https://id.apiauth.example"}),
    "type": ({"typ": "JWT"}, {"nonce": "n-0S6_WzA2Mj"}),
}
"""What is other in header and claims of a token that is not for this API."""


def signed(alg: str, key: str, header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """Return a JWT."""
    whole = {"alg": alg, "typ": TYPE, "kid": KEY_ID, **header}
    content = ".".join(encoded(json.dumps(part).encode()) for part in (whole, claims))
    return f"{content}.{encoded(signature_by(alg, key, content.encode()))}"


def unfit_token(profile: Profile, key: str, reason: str) -> str:
    """Return a token that the key has signed for somebody else."""
    header, claims = UNFIT[reason]
    issuer = {"iss": profile.base_url, "aud": profile.base_url, "jti": f"unfit-{reason}", "exp": FAR}
    return signed(profile.jwt.alg if profile.jwt is not None else "HS256", key, header, {**issuer, **claims})


class JwtPolicy(Policy):
    """Issues JWTs and believes a signature, and what is said under it."""

    key_id = KEY_ID

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self.alg = profile.jwt.alg if profile.jwt is not None else "HS256"
        self._key = state.signing_key or opaque(state.seed, "jwt-key")
        self.public_key = None if self.alg in HASHES else public_half(self._key)
        """The key that everybody may check tokens with, in PEM; None if they are signed with a secret."""
        self._by_id: dict[str, str] = {}
        for reason, token in state.unfit.items():
            state.access[token] = state.anyones_token(token, None)
            self._by_id[f"unfit-{reason}"] = token
        self._own = set(self._by_id.values())

    def new_access_token(self) -> str:
        return self.state.mint("access_token", self._signed)

    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = self.record_of(presented)
        if found is not None:
            return known.get(found)
        # What it has signed is known by what that says, never by how it is written.
        return None if presented in self._own else super().match_token(presented, known)

    def find_introspected(self, value: str) -> IssuedToken | None:
        return super().find_introspected(self.record_of(value) or value)

    def key_set(self) -> dict[str, object]:
        return {"keys": [] if self.public_key is None else [jwk_of(self.alg, self.public_key, self.key_id)]}

    def signature_is_good(self, token: Jws) -> bool:
        """Whether a token is signed by this server, by the one algorithm that it signs with (RFC 8725 3.1)."""
        if token.header.get("alg") != self.alg:
            return False
        return verifies(self.alg, self.public_key or self._key, token.content, token.signature)

    def signature_of(self, token: Jws) -> bytes:
        """Return the signature that a token ought to have."""
        return signature_by(self.alg, self._key, token.content)

    def claims_are_good(self, token: Jws) -> bool:
        """Whether a token says that it is one for this API, and for now (RFC 9068 4)."""
        return (
            self.type_is_good(token)
            and self.issuer_is_good(token)
            and self.audience_is_good(token)
            and self.time_is_good(token)
            and "crit" not in token.header
        )

    def type_is_good(self, token: Jws) -> bool:
        """Whether a token is an access token, by its type (RFC 8725 3.11)."""
        return token.header.get("typ") == TYPE

    def issuer_is_good(self, token: Jws) -> bool:
        """Whether a token is this server's (RFC 7519 4.1.1)."""
        return token.claims.get("iss") == self.profile.base_url

    def audience_is_good(self, token: Jws) -> bool:
        """Whether a token is for this API, among others or alone (RFC 7519 4.1.3)."""
        named = token.claims.get("aud")
        return self.profile.base_url in (named if isinstance(named, list) else [named])

    def time_is_good(self, token: Jws) -> bool:
        """Whether a token is good now, by what it says (RFC 7519 4.1.4, 4.1.5)."""
        return self.has_begun(token) and not self.is_over(token)

    def has_begun(self, token: Jws) -> bool:
        """Whether a token's time has come, which it need not name."""
        begin = token.claims.get("nbf", 0)
        return isinstance(begin, int | float) and begin <= self.state.clock.now()

    def is_over(self, token: Jws) -> bool:
        """Whether a token's time is over, which it has to name (RFC 9068 2.2)."""
        end = token.claims.get("exp")
        return not isinstance(end, int | float) or end <= self.state.clock.now()

    def parties(self) -> dict[str, str]:
        """Return whose tokens these are, and for whom (RFC 7519 4.1.1, 4.1.3)."""
        return {"iss": self.profile.base_url, "aud": self.profile.base_url}

    def record_of(self, presented: str) -> str | None:
        """Return the token as it was issued, for one that is as good; None for a forgery."""
        token = taken_apart(presented)
        return self.known_by(token) if token is not None and self.signature_is_good(token) else None

    def known_by(self, token: Jws) -> str | None:
        """Return the token as it was issued that another one names, if it says what it has to."""
        name = token.claims.get("jti")
        return self._by_id.get(name) if isinstance(name, str) and self.claims_are_good(token) else None

    def _signed(self, value: str) -> str:
        name, now = value[:22], int(self.state.clock.now())
        lasting = max((self.lifetime(grant) for grant in self.profile.grants), default=LIFETIME)
        token = signed(self.alg, self._key, {}, {**self.parties(), "jti": name, "iat": now, "exp": now + lasting})
        self._by_id[name] = token
        self._own.add(token)
        return token

"""Access tokens as JWTs, signed with HMAC and SHA-256 and judged by their signature (RFC 7515, RFC 7519).

Theory of operation. A token names its record by ``jti``, and whoever presents a token with a good signature over
that gets the record, whatever the spelling: as in the usual libraries, the unused bits in the last letter of the
signature do not count. Lifetime and revocation stay matters of the record.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from pytest_apiauth.embedded.jws import Jws, encoded, hs256, taken_apart
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken, State, opaque
from pytest_apiauth.profile.model import Profile


class JwtPolicy(Policy):
    """Issues JWTs and believes a signature, and nothing else."""

    key_id = "apiauth"
    """What its key is called in the header of a token."""
    alg = "HS256"

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self._key = opaque(state.seed, "jwt-key").encode()
        self._by_id: dict[str, str] = {}

    def new_access_token(self) -> str:
        return self.state.mint("access_token", self._signed)

    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = self.record_of(presented)
        return super().match_token(presented if found is None else found, known)

    def find_introspected(self, value: str) -> IssuedToken | None:
        return super().find_introspected(self.record_of(value) or value)

    def signature_is_good(self, token: Jws) -> bool:
        """Whether a token is signed by this server, by the one algorithm that it signs with (RFC 8725 3.1)."""
        if token.header.get("alg") != self.alg:
            return False
        return hmac.compare_digest(token.signature, self.signature_of(token))

    def signature_of(self, token: Jws) -> bytes:
        """Return the signature that a token ought to have."""
        return hs256(self._key, token.content)

    def record_of(self, presented: str) -> str | None:
        """Return the token as it was issued, for one that is as good; None for a forgery."""
        token = taken_apart(presented)
        return self.known_by(token) if token is not None and self.signature_is_good(token) else None

    def known_by(self, token: Jws) -> str | None:
        """Return the token as it was issued that another one names."""
        name = token.claims.get("jti")
        return self._by_id.get(name) if isinstance(name, str) else None

    def _signed(self, value: str) -> str:
        name = value[:22]
        claims = {"iss": self.profile.base_url, "jti": name, "iat": int(self.state.clock.now())}
        header = {"alg": self.alg, "typ": "at+jwt", "kid": self.key_id}
        content = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        token = f"{content}.{encoded(hs256(self._key, content.encode()))}"
        self._by_id[name] = token
        return token

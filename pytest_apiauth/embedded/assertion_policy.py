"""The decisions on assertions by which clients prove themselves (RFC 7523 3, RFC 7521 4.2, OpenID Connect Core 9).

Theory of operation. An assertion is made by the caller's clock and not by this server's, which stands still and is
moved by tests: so it is by the system's time that one is too old. What is signed is judged by the one way that the
profile documents, with the client's own key, and nothing that the assertion says of either counts.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.jws import Jws
from pytest_apiauth.embedded.keys import verifies
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.state import ClientRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Origin

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LEEWAY: Final = 30
"""Seconds by which clocks of clients may differ."""


class AssertionPolicy(MetadataPolicy):
    """Decisions about assertions; `Policy` adds those of resources."""

    def asserts(self) -> bool:
        """Whether clients prove themselves by assertions here."""
        return self.profile.token.signs_with is not None

    def knows_assertion_type(self, name: str | None) -> bool:
        """Whether an assertion is said to be a JWT (RFC 7523 2.2)."""
        return name == ASSERTION_TYPE

    def asserted_client(self, token: Jws) -> ClientRecord | None:
        """Return the client that an assertion is of: it is issuer and subject (RFC 7523 3, points 1 and 2)."""
        issuer, subject = token.claims.get("iss"), token.claims.get("sub")
        return self.find_client(subject) if isinstance(subject, str) and issuer == subject else None

    def names_same_client(self, client: ClientRecord, parameters: Parameters) -> bool:
        """Whether a request names no other client beside the assertion (RFC 7521 4.2)."""
        return parameters.get("client_id") in (None, client.client_id)

    def is_signed_as_documented(self, token: Jws) -> bool:
        """Whether an assertion is said to be signed in the documented way (RFC 8725 3.1)."""
        return token.header.get("alg") == self.profile.token.signs_with

    def is_signed_by(self, token: Jws, client: ClientRecord) -> bool:
        """Whether an assertion has a good signature of the client (RFC 7523 3, point 9)."""
        return verifies(str(self.profile.token.signs_with), self.key_of(client), token.content, token.signature)

    def key_of(self, client: ClientRecord) -> str:
        """Return what a client's signatures are judged by: its public key, or the secret that it shares."""
        by_key = self.profile.token.client_auth == "private_key_jwt"
        return (client.public_key if by_key else client.secret) or ""

    def is_meant_for_us(self, token: Jws) -> bool:
        """Whether an assertion has this server for its audience, or among several (RFC 7523 3, point 3)."""
        found = token.claims.get("aud")
        named = found if isinstance(found, list) else [found]
        return any(isinstance(each, str) and self.is_our_name(each) for each in named)

    def is_our_name(self, audience: str) -> bool:
        """Whether an audience is this server: its token endpoint, here or on a socket, its issuer, or as documented."""
        names = {self.profile.token_endpoint, self.issuer(), self.profile.token.assertion.audience}
        if audience in names:
            return True
        parts, own = urlsplit(audience), urlsplit(self.profile.token_endpoint)
        is_here = parts.scheme in ("http", "https") and bool(parts.hostname) and Origin.of(audience).is_loopback
        return is_here and parts.path == own.path

    def has_ended(self, token: Jws) -> bool:
        """Whether an assertion's time is over, or nothing says when that is (RFC 7523 3, point 4)."""
        ends = _moment(token, "exp")
        return ends is None or time.time() >= ends + LEEWAY

    def has_begun(self, token: Jws) -> bool:
        """Whether an assertion may be used yet (RFC 7523 3, points 5 and 6)."""
        latest = time.time() + LEEWAY
        return all((_moment(token, name) or 0) <= latest for name in ("nbf", "iat"))

    def is_new(self, client: ClientRecord, token: Jws) -> bool:
        """Whether an assertion did not come before: it has a ``jti`` of its own (OpenID Connect Core 9)."""
        return isinstance(token.claims.get("jti"), str) and self.mark_of(client, token) not in self.state.assertions

    def mark_of(self, client: ClientRecord, token: Jws) -> tuple[str, str]:
        """Return what an assertion is known again by."""
        return client.client_id, str(token.claims.get("jti"))


def _moment(token: Jws, name: str) -> float | None:
    found = token.claims.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None

"""Faults in the checking of signed tokens; a server with one of them issues JWTs."""

from __future__ import annotations

from pytest_apiauth.embedded.jws import Jws, decoded, hs256
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.registry import fault


@fault("jwt-unsigned-accepted", "issues JWTs, and takes one that says alg none and has no signature for a good one")
class JwtUnsignedAccepted(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        is_unsigned = str(token.header.get("alg")).lower() == "none" and not token.signature
        return is_unsigned or super().signature_is_good(token)


@fault("jwt-signature-ignored", "issues JWTs, and reads what one claims without a look at its signature")
class JwtSignatureIgnored(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        return bool(token.signature) and token.header.get("alg") == "HS256"


@fault("jwt-signature-half-compared", "issues JWTs, and compares as much of the signature as the token has")
class JwtSignatureHalfCompared(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        is_start = bool(token.signature) and self.signature_of(token).startswith(token.signature)
        return is_start or super().signature_is_good(token)


@fault("jwt-empty-key", "issues JWTs, and knows an empty key under a kid that it cannot find")
class JwtEmptyKey(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        is_lost = "kid" in token.header and token.signature == hs256(b"", token.content)
        return is_lost or super().signature_is_good(token)


@fault("jwt-key-from-token", "issues JWTs, and takes the key to check one with from the token itself")
class JwtKeyFromToken(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        key = token.header.get("jwk")
        if isinstance(key, dict) and isinstance(key.get("k"), str):
            return token.signature == hs256(decoded(key["k"]), token.content)
        return super().signature_is_good(token)

"""Faults in the checking of signed tokens; a server with one of them issues JWTs."""

from __future__ import annotations

import base64
import json

from pytest_apiauth.embedded.jws import Jws, decoded, hs256, taken_apart
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.keys import certified_key, public_key_of, verifies
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


@fault("jwt-unknown-kid-unchecked", "issues JWTs, and believes one whose kid it does not know")
class JwtUnknownKidUnchecked(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        return token.header.get("kid", "") not in ("", self.key_id) or super().signature_is_good(token)


@fault("jwt-public-key-from-token", "issues JWTs, and takes the public key to check one with from the token itself")
class JwtPublicKeyFromToken(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        key = public_key_of(token.header.get("jwk"))
        return _verifies(token, key) or super().signature_is_good(token)


@fault("jwt-certificate-from-token", "issues JWTs, and trusts the certificate that one brings along")
class JwtCertificateFromToken(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        chain = token.header.get("x5c")
        key = certified_key(chain[0]) if isinstance(chain, list) and chain else None
        return _verifies(token, key) or super().signature_is_good(token)


@fault("jwt-key-set-from-token", "issues JWTs, and fetches the key to check one with from where the token says")
class JwtKeySetFromToken(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        _, mark, content = str(token.header.get("jku")).partition(";base64,")
        keys = json.loads(base64.b64decode(content))["keys"] if mark else []
        key = next((public_key_of(each) for each in keys if each["kid"] == token.header.get("kid")), None)
        return _verifies(token, key) or super().signature_is_good(token)


@fault("jwt-unknown-kid-own-algorithm", "issues JWTs, and lets one pass whose algorithm it has no key for")
class JwtUnknownKidOwnAlgorithm(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        is_other = str(token.header.get("alg"))[:2] in ("RS", "ES") and token.header["alg"] != self.alg
        return (is_other and len(token.signature) in (64, 256)) or super().signature_is_good(token)


@fault("jwt-first-member-counts", "issues JWTs, and looks at the first of two members to see if one is signed")
class JwtFirstMemberCounts(JwtPolicy):
    def record_of(self, presented: str) -> str | None:
        token = taken_apart(presented)
        if token is not None and not token.signature:
            header = dict(reversed(json.loads(decoded(presented.partition(".")[0]), object_pairs_hook=list)))
            if header["alg"] == "none" and token.header["alg"] != "none":
                return self.known_by(token)
        return super().record_of(presented)


@fault("jwt-json-read-by-dots", "issues JWTs, checks the members of one in JSON, and reads what is between the dots")
class JwtJsonReadByDots(JwtPolicy):
    def well_formed_token(self, token: str) -> bool:
        return token.startswith("{") or super().well_formed_token(token)

    def record_of(self, presented: str) -> str | None:
        if not presented.startswith("{"):
            return super().record_of(presented)
        members = json.loads(presented)
        signed = taken_apart(".".join(members.get(name, "") for name in ("protected", "payload", "signature")))
        read = taken_apart(".".join((*next(iter(members)).split(".")[:2], "")))
        if signed is None or read is None or not self.signature_is_good(signed):
            return None
        return self.known_by(read) if read.claims.get("exp", 0) > self.state.clock.now() else None


def _verifies(token: Jws, key: str | None) -> bool:
    return key is not None and verifies(str(token.header.get("alg")), key, token.content, token.signature)

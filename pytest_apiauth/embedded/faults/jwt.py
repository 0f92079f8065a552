"""Faults in the checking of signed tokens; a server with one of them issues JWTs."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from pytest_apiauth.embedded.jws import Jws, decoded, hs256, taken_apart
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.keys import certified_key, public_key_of, verifies
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.messages import Request, Response


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


@fault("jwt-kid-as-key", "issues JWTs, and takes the name of a key that it does not know for the key")
class JwtKidAsKey(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        kid = str(token.header.get("kid", "")).encode()
        return token.signature == hs256(kid, token.content) or super().signature_is_good(token)


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


@fault("jwt-public-key-as-secret", "issues JWTs, and checks one of HS256 with the public key in the place of a secret")
class JwtPublicKeyAsSecret(JwtPolicy):
    def signature_is_good(self, token: Jws) -> bool:
        is_confused = token.header.get("alg") == "HS256" and token.signature == hs256(self.shared(), token.content)
        return is_confused or super().signature_is_good(token)

    def shared(self) -> bytes:
        """Return the public key as the server has it."""
        return (self.public_key or "").encode()


@fault(
    "jwt-public-key-stripped", "issues JWTs, and takes the public key for a secret, without the line break behind it"
)
class JwtPublicKeyStripped(JwtPublicKeyAsSecret):
    def shared(self) -> bytes:
        return super().shared().strip()


@fault("jwt-public-jwk-as-secret", "issues JWTs, and takes the public key for a secret, as its key set has it")
class JwtPublicJwkAsSecret(JwtPublicKeyAsSecret):
    def shared(self) -> bytes:
        found = self.key_set()["keys"]
        return json.dumps(found[0], separators=(",", ":")).encode() if isinstance(found, list) and found else b""


@fault("jwt-first-member-counts", "issues JWTs, and looks at the first of two members to see if one is signed")
class JwtFirstMemberCounts(JwtPolicy):
    def record_of(self, presented: str) -> str | None:
        token = taken_apart(presented)
        if token is not None and not token.signature:
            header = dict(reversed(_pairs(decoded(presented.partition(".")[0]))))
            if header.get("alg") == "none" and token.header.get("alg") != "none":
                return self.known_by(token)
        return super().record_of(presented)


@fault("jwt-json-read-by-dots", "issues JWTs, checks the members of one in JSON, and reads what is between the dots")
class JwtJsonReadByDots(JwtPolicy):
    def well_formed_token(self, token: str) -> bool:
        return token.startswith("{") or super().well_formed_token(token)

    def record_of(self, presented: str) -> str | None:
        if not presented.startswith("{"):
            return super().record_of(presented)
        members = dict(_pairs(presented.encode()))
        signed = taken_apart(".".join(str(members.get(name, "")) for name in ("protected", "payload", "signature")))
        read = taken_apart(".".join((*next(iter(members), "").strip().split(".")[:2], "")))
        if signed is None or read is None or not self.signature_is_good(signed):
            return None
        return self.known_by(read) if read.claims.get("exp", 0) > self.state.clock.now() else None


@fault("jwt-audience-ignored", "issues JWTs, and takes one that is for another API")
class JwtAudienceIgnored(JwtPolicy):
    def audience_is_good(self, token: Jws) -> bool:
        return True


@fault("jwt-audience-prefix", "issues JWTs, and takes one for an API whose name begins like its own")
class JwtAudiencePrefix(JwtPolicy):
    def audience_is_good(self, token: Jws) -> bool:
        return str(token.claims.get("aud")).startswith(self.profile.base_url) or super().audience_is_good(token)


@fault("jwt-audience-ending", "issues JWTs, and takes one for an API whose name ends like its own")
class JwtAudienceEnding(JwtPolicy):
    def audience_is_good(self, token: Jws) -> bool:
        return str(token.claims.get("aud")).endswith(self.profile.base_url) or super().audience_is_good(token)


@fault("jwt-issuer-ignored", "issues JWTs, and takes one that another issuer says it has issued")
class JwtIssuerIgnored(JwtPolicy):
    def issuer_is_good(self, token: Jws) -> bool:
        return True


@fault("jwt-issuer-among-others", "issues JWTs, and takes one whose issuers are several, of which it is one")
class JwtIssuerAmongOthers(JwtPolicy):
    def issuer_is_good(self, token: Jws) -> bool:
        named = token.claims.get("iss")
        return self.profile.base_url in (named if isinstance(named, list) else [named])


@fault("jwt-issuer-ending", "issues JWTs, and takes one of an issuer whose name ends like its own")
class JwtIssuerEnding(JwtPolicy):
    def issuer_is_good(self, token: Jws) -> bool:
        return str(token.claims.get("iss")).endswith(self.profile.base_url)


@fault("jwt-expiry-ignored", "issues JWTs, and takes one whose time is over by what it says")
class JwtExpiryIgnored(JwtPolicy):
    def is_over(self, token: Jws) -> bool:
        return False


@fault("jwt-not-before-ignored", "issues JWTs, and takes one whose time has not come")
class JwtNotBeforeIgnored(JwtPolicy):
    def has_begun(self, token: Jws) -> bool:
        return True


@fault("jwt-hours-of-leeway", "issues JWTs, and takes one from hours before it begins until hours after its end")
class JwtHoursOfLeeway(JwtPolicy):
    leeway = 12 * 3600

    def has_begun(self, token: Jws) -> bool:
        return bool(token.claims.get("nbf", 0) <= self.state.clock.now() + self.leeway)

    def is_over(self, token: Jws) -> bool:
        return bool(token.claims.get("exp", 0) <= self.state.clock.now() - self.leeway)


@fault("jwt-type-ignored", "issues JWTs, and takes any of them for an access token")
class JwtTypeIgnored(JwtPolicy):
    def type_is_good(self, token: Jws) -> bool:
        return True


@fault("jwt-key-told", "issues JWTs, and says in a refusal which key they are checked with")
class JwtKeyTold(JwtPolicy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 401 or request.header("authorization") is None:
            return answer
        return replace(answer, body=json.dumps({"error": "invalid_token", "expected_key": self._key}).encode())


@fault("jwt-iterations-unbounded", "issues JWTs, and hashes a password as often as a token says")
class JwtIterationsUnbounded(JwtPolicy):
    def revise(self, request: Request, response: Response) -> Response:
        text = (request.header("authorization") or "").split(" ")[-1]
        found = super().revise(request, response)
        return replace(found, delay=float(dict(_header_of_jwe(text)).get("p2c", 0)))


def _header_of_jwe(text: str) -> list[tuple[str, Any]]:
    """Return the members of the header of an encrypted token in compact form (RFC 7516 3.1); none of anything else."""
    first, *others = text.split(".")
    try:
        return _pairs(decoded(first)) if len(others) == 4 else []
    except ValueError:
        return []


def _pairs(text: bytes) -> list[tuple[str, Any]]:
    """Return the members of a JSON object in their order, repeated ones too; none of what is no object."""
    try:
        found = json.loads(text, object_pairs_hook=list)
    except ValueError:
        return []
    return found if isinstance(found, list) and all(isinstance(each, tuple) for each in found) else []


def _verifies(token: Jws, key: str | None) -> bool:
    return key is not None and verifies(str(token.header.get("alg")), key, token.content, token.signature)

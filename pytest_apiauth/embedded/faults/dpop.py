"""Faults in the checking of proofs of possession (RFC 9449)."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.embedded.jws import Jws, taken_apart
from pytest_apiauth.embedded.keys import public_key_of, verifies
from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, RefreshToken
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind


@fault("dpop-proof-optional", "takes a token that is bound to a key without a proof too")
class DpopProofOptional(Policy):
    def is_proved(self, token: AccessToken, presented: Presented) -> bool:
        request = presented.request
        return (request is not None and not request.header_lines("dpop")) or super().is_proved(token, presented)


@fault("dpop-downgrade", "takes a token that is bound to a key for a bearer token, behind that word")
class DpopDowngrade(Policy):
    def shows(self, presented: Presented, kind: Kind) -> bool:
        return super().shows(presented, kind) or (kind == "bearer" and _is_bearer(presented))

    def is_proved(self, token: AccessToken, presented: Presented) -> bool:
        return _is_bearer(presented) or super().is_proved(token, presented)


@fault("dpop-key-unbound", "takes a proof by any key, whatever key the token is bound to")
class DpopKeyUnbound(Policy):
    def is_possessed(self, token: AccessToken, jwk: dict[str, Any]) -> bool:
        return True


@fault("dpop-any-method", "does not look at the method that a proof is about")
class DpopAnyMethod(Policy):
    def is_for_method(self, proof: Jws, request: Request) -> bool:
        return "htm" in proof.claims


@fault("dpop-any-url", "does not look at the URL that a proof is about")
class DpopAnyUrl(Policy):
    def is_for_url(self, proof: Jws, request: Request) -> bool:
        return "htu" in proof.claims


@fault("dpop-any-token", "does not look at the token that a proof is about")
class DpopAnyToken(Policy):
    def is_about_token(self, proof: Jws, token: str) -> bool:
        return True


@fault("dpop-claims-optional", "looks at what a proof says, and misses nothing that it does not say")
class DpopClaimsOptional(Policy):
    def is_for_method(self, proof: Jws, request: Request) -> bool:
        return "htm" not in proof.claims or super().is_for_method(proof, request)

    def is_for_url(self, proof: Jws, request: Request) -> bool:
        return "htu" not in proof.claims or super().is_for_url(proof, request)


@fault("dpop-unsigned", "takes a proof that says alg none and has no signature")
class DpopUnsigned(Policy):
    def is_proof_algorithm(self, proof: Jws) -> bool:
        return _says_none(proof) or super().is_proof_algorithm(proof)

    def is_proof_signed(self, proof: Jws, jwk: dict[str, Any]) -> bool:
        return (_says_none(proof) and not proof.signature) or super().is_proof_signed(proof, jwk)


@fault("dpop-signature-ignored", "does not check the signature of a proof")
class DpopSignatureIgnored(Policy):
    def is_proof_signed(self, proof: Jws, jwk: dict[str, Any]) -> bool:
        return bool(proof.signature)


@fault("dpop-public-key-as-secret", "checks a proof as it asks for, by HMAC with the public key too")
class DpopPublicKeyAsSecret(Policy):
    def is_proof_algorithm(self, proof: Jws) -> bool:
        return proof.header.get("alg") == "HS256" or super().is_proof_algorithm(proof)

    def is_proof_signed(self, proof: Jws, jwk: dict[str, Any]) -> bool:
        if proof.header.get("alg") != "HS256":
            return super().is_proof_signed(proof, jwk)
        return verifies("HS256", public_key_of(jwk) or "", proof.content, proof.signature)


@fault("dpop-private-key-shown", "takes a proof that shows the private key")
class DpopPrivateKeyShown(Policy):
    def is_public(self, jwk: dict[str, Any]) -> bool:
        return True

    def is_proof_signed(self, proof: Jws, jwk: dict[str, Any]) -> bool:
        return super().is_proof_signed(proof, {name: value for name, value in jwk.items() if name != "d"})


@fault("dpop-type-ignored", "takes any JWT of the right key for a proof")
class DpopTypeIgnored(Policy):
    def is_proof(self, proof: Jws) -> bool:
        return True


@fault("dpop-outlived", "takes a proof however long ago it was made")
class DpopOutlived(Policy):
    def is_in_window(self, age: float) -> bool:
        return age > 0 or super().is_in_window(age)


@fault("dpop-too-early", "takes a proof that is made in the future")
class DpopTooEarly(Policy):
    def is_in_window(self, age: float) -> bool:
        return age < 0 or super().is_in_window(age)


@fault("dpop-first-of-several", "looks at the first proof of several")
class DpopFirstOfSeveral(Policy):
    def proof_of(self, request: Request) -> Jws | None:
        lines = request.header_lines("dpop")
        return taken_apart(lines[0]) if lines else None


@fault("dpop-replayable", "takes a proof any number of times")
class DpopReplayable(Policy):
    def is_new_proof(self, proof: Jws) -> bool:
        return True


@fault("dpop-token-request-unchecked", "binds a token to the key of a proof that it does not check")
class DpopTokenRequestUnchecked(Policy):
    def requested_key(self, request: Request) -> dict[str, Any] | None:
        proof = self.proof_of(request)
        jwk = proof.header.get("jwk") if proof is not None else None
        return jwk if isinstance(jwk, dict) else None


@fault("dpop-refresh-unbound", "refreshes the token of a public client by a proof of any key")
class DpopRefreshUnbound(Policy):
    def may_be_refreshed_by(self, token: RefreshToken, jwk: dict[str, Any]) -> bool:
        return True


def _is_bearer(presented: Presented) -> bool:
    shown = presented.shown.get("bearer")
    return shown is not None and shown.word.lower() == "bearer"


def _says_none(proof: Jws) -> bool:
    return str(proof.header.get("alg")).lower() == "none"

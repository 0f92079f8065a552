"""What else a server wants to see in a proof of possession."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_apiauth.embedded.jws import Jws
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.state import opaque
from pytest_apiauth.messages import Request, Response

LIFETIME = 300


@variant("dpop-nonce", "a proof has a nonce that the server gives, and tells its time by that (RFC 9449 8, 9)")
class DpopNonce(Policy):
    def key_proved(self, request: Request, token: str = "") -> dict[str, Any] | None:
        proof = self.proof_of(request)
        if proof is not None and proof.claims.get("nonce") != self._nonce():
            told = Challenge("DPoP", {"realm": self.realm, "error": "use_dpop_nonce"})
            raise Refusal(self.refusal_status(401 if token else 400), "use_dpop_nonce", challenges=[told])
        return super().key_proved(request, token)

    def is_recent(self, proof: Jws) -> bool:
        return True

    def revise(self, request: Request, response: Response) -> Response:
        response = super().revise(request, response)
        if not self.binds():
            return response
        return replace(response, headers=(*response.headers, ("DPoP-Nonce", self._nonce())))

    def _nonce(self) -> str:
        return opaque(self.profile.name, "nonce", int(self.state.clock.now() // LIFETIME))

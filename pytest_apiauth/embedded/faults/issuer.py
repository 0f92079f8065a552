"""Faults of the issuer that answers of the authorization endpoint name (RFC 9207)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.token_policy import Parameters


@fault("issuer-dropped", "authorization responses lack the iss that the profile promises")
class IssuerDropped(Policy):
    def answered_issuer(self, parameters: Parameters, is_error: bool) -> str | None:
        return super().answered_issuer(parameters, is_error) if is_error else None


@fault("issuer-dropped-on-error", "authorization errors lack the iss that the profile promises")
class IssuerDroppedOnError(Policy):
    def answered_issuer(self, parameters: Parameters, is_error: bool) -> str | None:
        return None if is_error else super().answered_issuer(parameters, is_error)


@fault("issuer-echoed", "sends the iss of an authorization request back in the place of its own")
class IssuerEchoed(Policy):
    def answered_issuer(self, parameters: Parameters, is_error: bool) -> str | None:
        return parameters.get("iss") or super().answered_issuer(parameters, is_error)


@fault("issuer-not-its-own", "authorization responses name an issuer that is not the profile's")
class IssuerNotItsOwn(Policy):
    def answered_issuer(self, parameters: Parameters, is_error: bool) -> str | None:
        issuer = super().answered_issuer(parameters, is_error)
        return issuer if issuer is None else f"{issuer}/other"

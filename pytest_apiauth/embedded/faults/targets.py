"""Faults of resource indicators (RFC 8707)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken


@fault("target-unknown-taken", "gives a token for a resource that it has never heard of")
class TargetUnknownTaken(Policy):
    def knows_target(self, resource: str) -> bool:
        return True


@fault("target-fragment-dropped", "takes a resource with a fragment for the one without")
class TargetFragmentDropped(Policy):
    def is_well_formed_target(self, resource: str) -> bool:
        return super().is_well_formed_target(resource.partition("#")[0])

    def knows_target(self, resource: str) -> bool:
        return super().knows_target(resource.partition("#")[0])


@fault("target-any-api", "lets a token in that was issued for another resource")
class TargetAnyApi(Policy):
    def is_for_this_api(self, token: AccessToken) -> bool:
        return True


@fault("target-grant-exceeded", "gives a token for any resource that it knows, whatever a code or refresh token is for")
class TargetGrantExceeded(Policy):
    def awarded_target(self, granted: str | None, requested: str | None) -> str | None:
        return requested or granted

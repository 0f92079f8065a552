"""Faults with the scope that a token needs at a resource (RFC 6749 3.3, RFC 6750 3.1)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.profile.model import Zone


@fault("scope-ignored", "admits any good token, whatever its scope")
class ScopeIgnored(Policy):
    def has_scope(self, token: AccessToken, zone: Zone) -> bool:
        return True


@fault("scope-any-word", "admits a token that has one of the scopes that a resource needs")
class ScopeAnyWord(Policy):
    def has_scope(self, token: AccessToken, zone: Zone) -> bool:
        needed = set((zone.scope or "").split())
        return not needed or bool(needed & set(token.scope.split()))


@fault("scope-refused-as-invalid", "says of a good token whose scope does not suffice that it is invalid")
class ScopeRefusedAsInvalid(Policy):
    def scope_refusal(self, zone: Zone) -> Refusal:
        challenges = [Challenge("Bearer", {"realm": self.realm, "error": "invalid_token"})]
        return Refusal(self.refusal_status(401), "invalid_token", challenges=challenges)

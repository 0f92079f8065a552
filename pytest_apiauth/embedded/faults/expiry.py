"""Faults in the lifetimes of tokens and codes (RFC 6749 4.1.2, 5.1)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, Code
from pytest_apiauth.embedded.variants import SameToken


@fault("token-never-expires", "takes an access token after its lifetime")
class TokenNeverExpires(Policy):
    def token_is_good(self, token: AccessToken) -> bool:
        return not token.dead


@fault("token-expires-early", "takes an access token for three quarters of its lifetime")
class TokenExpiresEarly(Policy):
    def token_is_good(self, token: AccessToken) -> bool:
        lifetime = min(self.lifetime(grant) for grant in self.profile.grants)
        return super().token_is_good(token) and token.expires_at - self.state.clock.now() >= lifetime / 4


@fault("token-revives", "takes an expired access token again once its user has a newer one")
class TokenRevives(Policy):
    def token_is_good(self, token: AccessToken) -> bool:
        if super().token_is_good(token) or token.dead:
            return not token.dead
        owner = (token.client, token.user)
        latest = next(other for other in reversed(self.state.access.values()) if (other.client, other.user) == owner)
        return latest is not token and super().token_is_good(latest)


@fault("countdown-frozen", "gives a client's living token again, and the full lifetime with it")
class CountdownFrozen(SameToken):
    pass


@fault("code-never-expires", "takes an authorization code at any time")
class CodeNeverExpires(Policy):
    def code_has_expired(self, code: Code) -> bool:
        return False

"""Faults in logins that are not OAuth's."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import GrantType


@fault("login-without-password", "lets a user in who gives no password")
class LoginWithoutPassword(Policy):
    def parameters(self, request: Request) -> Parameters:
        found = super().parameters(request)
        user = self.find_user(found.get("username", ""))
        if self.login_table(request) is self.profile.login_request and user is not None:
            found.setdefault("password", user.password)
        return found


@fault("login-lifetime-text", "answers a login with the lifetime as a text")
class LoginLifetimeText(Policy):
    def expires_in(self, grant: GrantType) -> object:
        found = super().expires_in(grant)
        return found if self.profile.is_oauth else str(found)


@fault("logout-without-effect", "says that the tokens have ended at a log-out, and takes them as before")
class LogoutWithoutEffect(Policy):
    def logout_ends(self, token: AccessToken | RefreshToken) -> bool:
        return False


@fault("logout-spares-refresh-token", "renews a token that has ended at a log-out")
class LogoutSparesRefreshToken(Policy):
    def logout_ends(self, token: AccessToken | RefreshToken) -> bool:
        return isinstance(token, AccessToken) and super().logout_ends(token)

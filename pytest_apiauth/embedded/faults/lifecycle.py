"""Faults that show only after a sequence of requests, each of which is answered rightly by itself."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, RefreshToken


@fault("refresh-revives-other-login", "a refresh makes used refresh tokens of the user's other logins good again")
class RefreshRevivesOtherLogin(Policy):
    def after_refresh(self, token: RefreshToken) -> None:
        super().after_refresh(token)
        for other in self.state.refresh.values():
            if other.user == token.user and other.family != token.family:
                other.dead = False


@fault("refresh-prolongs-expired", "a refresh makes the expired access tokens of its family good again")
class RefreshProlongsExpired(Policy):
    def after_refresh(self, token: RefreshToken) -> None:
        super().after_refresh(token)
        for access in self.state.access.values():
            if access.family == token.family:
                access.expires_at = self.state.clock.now() + self.lifetime("refresh_token")


@fault("refresh-gives-latest-user", "a refresh gives a token of the user who was served last")
class RefreshGivesLatestUser(Policy):
    def refreshed_user(self, token: RefreshToken) -> str | None:
        return next(reversed(self.state.access.values())).user


@fault("reuse-ends-other-users", "ends the logins of the client's other users when a used refresh token comes again")
class ReuseEndsOtherUsers(Policy):
    def reuse_ends(self, token: RefreshToken) -> Iterable[int]:
        others = {other.family for other in self.state.refresh.values() if other.user != token.user}
        return {*super().reuse_ends(token), *others}


@fault("refresh-ends-other-users", "a refresh ends the access tokens of every other user")
class RefreshEndsOtherUsers(Policy):
    def after_refresh(self, token: RefreshToken) -> None:
        super().after_refresh(token)
        for access in self.state.access.values():
            access.dead = access.dead or self.is_foreign(access, token)

    def is_foreign(self, access: AccessToken, token: RefreshToken) -> bool:
        return access.user != token.user

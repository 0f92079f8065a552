"""What becomes of tokens and codes when they are refreshed, refused or replayed (RFC 6749 4.1.2, 6, RFC 9700 4.14)."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.state import ClientRecord, Code, RefreshToken


@variant("no-rotation", "a refresh answers no refresh token, unless one is promised")
class NoRotation(Policy):
    def rotates(self) -> bool:
        return self.profile.rotation is not None and super().rotates()

    def repeats_refresh_token(self) -> bool:
        return self.profile.rotation is not None and super().repeats_refresh_token()


@variant("rotation", "a refresh answers a new refresh token, unless the profile says that it stays")
class Rotation(Policy):
    def rotates(self) -> bool:
        return self.profile.rotation != "none"


@variant("old-refresh-token-dies", "a new refresh token ends the one before, unless the profile says otherwise")
class OldRefreshTokenDies(Policy):
    def kills_old_refresh_token(self) -> bool:
        return True


@variant("old-access-token-dies", "a refresh ends the access tokens before it")
class OldAccessTokenDies(Policy):
    def after_refresh(self, token: RefreshToken) -> None:
        super().after_refresh(token)
        for access in self.state.access.values():
            access.dead = access.dead or access.family == token.family


@variant("foreign-refresh-ends-token", "a refresh token that another client presents is taken as stolen, and ends")
class ForeignRefreshEndsToken(Policy):
    def belongs_to(self, token: RefreshToken, client: ClientRecord | None) -> bool:
        belongs = super().belongs_to(token, client)
        token.dead = token.dead or not belongs
        return belongs


@variant("reuse-spares-family", "a spent refresh token is refused and nothing more (RFC 9700 4.14.2 describes more)")
class ReuseSparesFamily(Policy):
    def reuse_ends(self, token: RefreshToken) -> Iterable[int]:
        return ()


@variant("replay-spares-tokens", "a code that comes again is refused and nothing more (RFC 6749 4.1.2: SHOULD)")
class ReplaySparesTokens(Policy):
    def replay_ends(self, code: Code) -> Iterable[int]:
        return ()

"""Faults in refreshing (RFC 6749 6, 10.4)."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.profile import DEFAULT

NOBODYS_FAMILY = -1


@fault("refreshed-token-unusable", "a refresh gives an access token that is good for nothing")
class RefreshedTokenUnusable(Policy):
    def refreshed_token_works(self) -> bool:
        return False


@fault("refresh-token-as-bearer", "takes a refresh token for an access token")
class RefreshTokenAsBearer(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        found = super().match_token(presented, known)
        refresh = self.state.refresh.get(presented)
        if found is not None or refresh is None:
            return found
        return AccessToken(
            presented, refresh.client, refresh.user, refresh.scope, refresh.expires_at, refresh.family, refresh.dead
        )


@fault("access-token-as-refresh-token", "takes an access token for a refresh token")
class AccessTokenAsRefreshToken(Policy):
    def find_refresh_token(self, value: str) -> RefreshToken | None:
        found = super().find_refresh_token(value)
        access = self.state.access.get(value)
        if found is not None or access is None:
            return found
        return RefreshToken(
            value, access.client, access.user, access.scope, access.expires_at, access.family, access.dead
        )


@fault("refresh-without-client", "asks for no client authentication when a token is refreshed")
class RefreshWithoutClient(Policy):
    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        if parameters.get("grant_type") == "refresh_token":
            return client
        return super().unproven_client(client, parameters)

    def belongs_to(self, token: RefreshToken, client: ClientRecord | None) -> bool:
        return client is None or super().belongs_to(token, client)


@fault("refresh-any-client", "refreshes the token of one client for another")
class RefreshAnyClient(Policy):
    def belongs_to(self, token: RefreshToken, client: ClientRecord | None) -> bool:
        return True


@fault("refresh-token-kept", "promises a new refresh token and answers the old one")
class RefreshTokenKept(Policy):
    def rotates(self) -> bool:
        return False

    def repeats_refresh_token(self) -> bool:
        return super().rotates() or super().repeats_refresh_token()


@fault("refresh-scope-widens", "grants a scope at refresh that the first grant did not have")
class RefreshScopeWidens(Policy):
    def refreshed_scope(self, original: str, requested: str | None) -> str:
        return original if requested is None else " ".join(self.scope_words(requested))


@fault("refresh-token-case-folded", "compares refresh tokens without regard to case")
class RefreshTokenCaseFolded(Policy):
    def find_refresh_token(self, value: str) -> RefreshToken | None:
        near = (token for known, token in self.state.refresh.items() if known.lower() == value.lower())
        return super().find_refresh_token(value) or next(near, None)


@fault("refresh-any-token", "takes any unknown refresh token for a valid one")
class RefreshAnyToken(Policy):
    def find_refresh_token(self, value: str) -> RefreshToken | None:
        found = super().find_refresh_token(value)
        if found is not None or self.state.knows(value):
            return found
        scope = self.profile.token.answer.scope or self.profile.token.scope or ""
        return RefreshToken(value, None, DEFAULT, scope, float("inf"), NOBODYS_FAMILY)

    def belongs_to(self, token: RefreshToken, client: ClientRecord | None) -> bool:
        return token.family == NOBODYS_FAMILY or super().belongs_to(token, client)

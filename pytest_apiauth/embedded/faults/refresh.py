"""Faults in refreshing (RFC 6749 6, 10.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Headers
from pytest_apiauth.profile.model import DEFAULT, GrantType

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


@fault("refresh-answer-cacheable", "the answer to a refresh has no Cache-Control")
class RefreshAnswerCacheable(Policy):
    def answer_headers(self, grant: GrantType | None = None) -> Headers:
        lines = super().answer_headers(grant)
        return tuple(line for line in lines if grant != "refresh_token" or line[0] != "Cache-Control")


@fault("refresh-expires-in-text", "expires_in is a string in the answer to a refresh")
class RefreshExpiresInText(Policy):
    def expires_in(self, grant: GrantType) -> object:
        lifetime = super().expires_in(grant)
        return str(lifetime) if grant == "refresh_token" else lifetime


@fault("refresh-token-type-missing", "the answer to a refresh has no token_type")
class RefreshTokenTypeMissing(Policy):
    def token_type(self, grant: GrantType) -> str | None:
        return None if grant == "refresh_token" else super().token_type(grant)


@fault("refresh-scope-widens", "grants a scope at refresh that the first grant did not have")
class RefreshScopeWidens(Policy):
    def refreshed_scope(self, original: str, requested: str | None) -> str:
        return original if requested is None else " ".join(self.scope_words(requested))


@fault("refresh-scope-known", "grants any scope at refresh that it knows, whatever the first grant had")
class RefreshScopeKnown(Policy):
    def refreshed_scope(self, original: str, requested: str | None) -> str:
        words = self.scope_words(requested or "")
        return (
            " ".join(words)
            if set(words) <= self.known_scopes and words
            else super().refreshed_scope(original, requested)
        )


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


@fault("refresh-scope-kept-wide", "grants the whole scope to a refresh that asks for a part of it")
class RefreshScopeKeptWide(Policy):
    def refreshed_scope(self, original: str, requested: str | None) -> str:
        super().refreshed_scope(original, requested)
        return original


@fault("refresh-old-lives", "promises that a refresh ends the old refresh token, and lets it live")
class RefreshOldLives(Policy):
    def kills_old_refresh_token(self) -> bool:
        return False


@fault("refresh-ancestor-revives", "forgets that a refresh token was used once it is two generations old")
class RefreshAncestorRevives(Policy):
    def is_spent(self, token: RefreshToken) -> bool:
        family = [other for other in self.state.refresh.values() if other.family == token.family]
        return super().is_spent(token) and token in family[-2:]


@fault("reuse-spares-family", "refuses a used refresh token and leaves the rest of its family alone")
class ReuseSparesFamily(Policy):
    def reuse_ends(self, token: RefreshToken) -> Iterable[int]:
        return ()


@fault("family-kill-hits-others", "ends every login of a user when a used refresh token comes again")
class FamilyKillHitsOthers(Policy):
    def reuse_ends(self, token: RefreshToken) -> Iterable[int]:
        return {other.family for other in self.state.refresh.values() if other.user == token.user}


@fault("refresh-never-expires", "takes a refresh token after its documented lifetime")
class RefreshNeverExpires(Policy):
    def refresh_token_has_expired(self, token: RefreshToken) -> bool:
        return False


@fault("refresh-expires-early", "takes a refresh token for half of its documented lifetime")
class RefreshExpiresEarly(Policy):
    def refresh_token_has_expired(self, token: RefreshToken) -> bool:
        return self.state.clock.now() >= token.expires_at - self.refresh_lifetime() / 2

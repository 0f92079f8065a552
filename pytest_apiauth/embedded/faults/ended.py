"""Faults in what becomes of credentials that were good once: each of them is taken as before."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken, KeyRecord, RefreshToken, UserRecord
from pytest_apiauth.profile.model import DEFAULT


@fault("ended-key-accepted", "admits an API key that was revoked, or whose time is over")
class EndedKeyAccepted(Policy):
    def match_key(self, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        found = super().match_key(presented, known)
        kinds = [kind for kind in self.keys if self.state.keys_of(kind) is known]
        is_ended = any(presented in self.state.ended.get(kind, ()) for kind in kinds)
        return KeyRecord("ended", presented) if found is None and is_ended else found


@fault("ended-token-accepted", "admits a token that was revoked, or whose time is over")
class EndedTokenAccepted(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        kind = "access_token" if known is self.state.access else "personal_access_token"
        found = super().match_token(presented, known)
        if found is None and presented in self.state.ended.get(kind, ()):
            return AccessToken(presented, DEFAULT, DEFAULT, "", float("inf"), -1)
        return found


@fault("ended-secret-accepted", "takes a client's secret that was changed, or whose time is over")
class EndedSecretAccepted(Policy):
    def same_secret(self, presented: str, known: str) -> bool:
        return presented in self.state.ended.get("client_secret", ()) or super().same_secret(presented, known)


@fault("ended-password-accepted", "takes a user's password that was changed, or whose time is over")
class EndedPasswordAccepted(Policy):
    def same_password(self, presented: str, known: str) -> bool:
        return presented in self.state.ended.get("password", ()) or super().same_password(presented, known)

    def same_basic_password(self, presented: str, known: str) -> bool:
        return presented in self.state.ended.get("password", ()) or super().same_basic_password(presented, known)


@fault("ended-user-accepted", "lets a user log in who was deactivated")
class EndedUserAccepted(Policy):
    def find_user(self, username: str) -> UserRecord | None:
        return super().find_user(username) or self.state.ended_users.get(username)

    def basic_user(self, name: str, password: str) -> UserRecord | None:
        return super().basic_user(name, password) or self.state.ended_users.get(name)


@fault("introspection-ended-active", "says that a token that was revoked, or whose time is over, is active")
class IntrospectionEndedActive(Policy):
    def find_introspected(self, value: str) -> IssuedToken | None:
        found = super().find_introspected(value)
        kinds = ("access_token", "refresh_token", "personal_access_token")
        if found is None and any(value in self.state.ended.get(kind, ()) for kind in kinds):
            return AccessToken(value, DEFAULT, DEFAULT, "", float("inf"), -1)
        return found


@fault("ended-refresh-token-accepted", "takes a refresh token that was revoked, or whose time is over")
class EndedRefreshTokenAccepted(Policy):
    def find_refresh_token(self, value: str) -> RefreshToken | None:
        found = super().find_refresh_token(value)
        if found is None and value in self.state.ended.get("refresh_token", ()):
            scope = self.profile.token.scope or ""
            client = self.profile.client_of("refresh_token")
            return RefreshToken(value, client, DEFAULT, scope, float("inf"), -1)
        return found

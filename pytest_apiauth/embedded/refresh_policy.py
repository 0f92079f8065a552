"""The decisions on refresh tokens: whose one is, when it has ended, what it gives (RFC 6749 6)."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import TokenPolicy


class RefreshPolicy(TokenPolicy):
    """Decisions about refresh tokens; `Policy` adds those of resources."""

    def find_refresh_token(self, value: str) -> RefreshToken | None:
        """Find a refresh token: every character counts."""
        return self.state.refresh.get(value)

    def belongs_to(self, token: RefreshToken, client: ClientRecord | None) -> bool:
        """Whether a refresh token was issued to this client."""
        return token.client == (client.name if client else None)

    def refreshed_scope(self, original: str, requested: str | None) -> str:
        """Return the scope of a refreshed token: the original one, or less."""
        if requested is None:
            return original
        words = self.scope_words(requested)
        if not set(words) <= set(original.split()):
            raise Refusal(400, "invalid_scope", "The scope exceeds the one granted.")
        return " ".join(words)

    def rotates(self) -> bool:
        """Whether a refresh gives a new refresh token."""
        return self.profile.rotation in ("new-token", "old-dies")

    def kills_old_refresh_token(self) -> bool:
        """Whether a new refresh token ends the one before."""
        return self.profile.rotation == "old-dies"

    def is_spent(self, token: RefreshToken) -> bool:
        """Whether a refresh token was revoked or has been used up."""
        return token.dead

    def refresh_token_has_expired(self, token: RefreshToken) -> bool:
        """Whether a refresh token's time is over."""
        return self.state.clock.now() >= token.expires_at

    def reuse_ends(self, token: RefreshToken) -> Iterable[int]:
        """Return the families that end with the reuse of a spent token: its own (RFC 9700 4.14.2)."""
        return (token.family,)

    def refreshed_user(self, token: RefreshToken) -> str | None:
        """Return the user of a refreshed token: whoever the refresh token was issued for."""
        return token.user

    def after_refresh(self, token: RefreshToken) -> None:
        """Take note that a refresh token was used; nothing else changes by it."""

    def refreshed_token_works(self) -> bool:
        """Whether the access token of a refresh is good for anything."""
        return True

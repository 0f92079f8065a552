"""The decisions about revoking tokens (RFC 7009) and about telling whether one lives (RFC 7662)."""

from __future__ import annotations

from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.embedded.token_policy import Parameters, TokenPolicy
from pytest_apiauth.messages import Request

IssuedToken = AccessToken | RefreshToken


class RevocationPolicy(TokenPolicy):
    """Decisions of the revocation and the introspection endpoint; `Policy` adds those of resources."""

    # Revocation.

    def revoking_client_is_checked(self) -> bool:
        """Whether a client must prove itself before it may revoke (RFC 7009 2.1)."""
        return True

    def find_revocable(self, value: str, hint: str | None) -> IssuedToken | None:
        """Find a token, whatever type the client thinks it has (RFC 7009 2.1)."""
        return self.state.access.get(value) or self.state.refresh.get(value)

    def may_revoke(self, token: IssuedToken, client: ClientRecord | None) -> bool:
        """Whether a token was issued to the client that wants to revoke it (RFC 7009 2.1)."""
        return token.client == (client.name if client else None)

    def unknown_token_to_revoke(self) -> None:
        """Decide on a token that nobody knows: that is no error, since it is as dead as can be (RFC 7009 2.2)."""

    def revocation_ends(self, token: IssuedToken) -> bool:
        """Whether a revoked token is dead."""
        return True

    def revocation_ends_the_family(self, token: IssuedToken) -> bool:
        """Whether all that stems from the same authorization dies too: with a refresh token (RFC 7009 2.1)."""
        return isinstance(token, RefreshToken)

    # Introspection.

    def introspecting_client_is_checked(self, request: Request) -> bool:
        """Whether whoever asks about a token must prove who they are (RFC 7662 2.1)."""
        return True

    def find_introspected(self, value: str) -> IssuedToken | None:
        """Find the token that is asked about: every character counts."""
        return self.state.access.get(value) or self.state.refresh.get(value) or self.state.personal.get(value)

    def is_active(self, token: IssuedToken) -> bool:
        """Whether a token is neither revoked nor expired (RFC 7662 2.2)."""
        return not token.dead and self.state.clock.now() < token.expires_at

    def unknown_token_to_introspect(self) -> None:
        """Decide on a token that nobody knows: it is not active, and that is no error (RFC 7662 2.2)."""

    def inactive_members(self, token: IssuedToken | None) -> dict[str, object]:
        """Return what is told of a token that is not active, besides that: nothing (RFC 7662 2.2)."""
        return {}

    # Both.

    def token_asked_about(self, parameters: Parameters) -> str:
        """Read the one parameter that neither endpoint can do without (RFC 7009 2.1, RFC 7662 2.1)."""
        if "token" not in parameters:
            raise Refusal(400, "invalid_request", "token is missing.")
        return parameters["token"]

"""The decisions on tokens that are exchanged for others (RFC 8693)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.embedded.token_policy import TokenPolicy

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"


class ExchangePolicy(TokenPolicy):
    """Decisions about token exchange; `Policy` adds those of resources."""

    def extensions(self) -> Mapping[str, str]:
        return {**super().extensions(), "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange"}

    def extension_members(self) -> frozenset[str]:
        subject, actor = {"subject_token", "subject_token_type"}, {"actor_token", "actor_token_type"}
        return super().extension_members() | subject | actor | {"audience", "resource", "requested_token_type"}

    def knows_token_type(self, name: str) -> bool:
        """Whether a token type is that of the tokens that are taken here: access tokens (RFC 8693 3)."""
        return name == ACCESS_TOKEN

    def find_subject(self, value: str) -> AccessToken | None:
        """Find the token that says on whose behalf a client asks: every character counts."""
        return self.state.access.get(value)

    def subject_has_ended(self, token: AccessToken) -> bool:
        """Whether a subject token is expired or revoked."""
        return token.dead or self.state.clock.now() >= token.expires_at

    def exchanged_user(self, subject: AccessToken) -> str | None:
        """Return the user of a token that was got by exchange: whoever the subject token stands for."""
        return subject.user

    def issued_token_type(self) -> str | None:
        """Return what the answer says of the token's type (RFC 8693 2.2.1)."""
        return ACCESS_TOKEN

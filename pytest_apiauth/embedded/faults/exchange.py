"""Faults of token exchange (RFC 8693)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import AccessToken, ClientRecord
from pytest_apiauth.embedded.token_policy import Parameters


@fault("exchange-type-unsaid", "does not say of which type the token is that an exchange gives")
class ExchangeTypeUnsaid(Policy):
    def issued_token_type(self) -> str | None:
        return None


@fault("exchange-subject-case-folded", "compares subject tokens without regard to case")
class ExchangeSubjectCaseFolded(Policy):
    def find_subject(self, value: str) -> AccessToken | None:
        near = (token for known, token in self.state.access.items() if known.lower() == value.lower())
        return super().find_subject(value) or next(near, None)


@fault("exchange-subject-unneeded", "gives a token by exchange for no token at all")
class ExchangeSubjectUnneeded(Policy):
    def find_subject(self, value: str) -> AccessToken | None:
        alive = (token for token in reversed(self.state.access.values()) if not self.subject_has_ended(token))
        return super().find_subject(value) or (next(alive, None) if not value else None)


@fault("exchange-subject-outlived", "exchanges a token whose time is over")
class ExchangeSubjectOutlived(Policy):
    def subject_has_ended(self, token: AccessToken) -> bool:
        return token.dead


@fault("exchange-subject-revoked", "exchanges a token that was revoked")
class ExchangeSubjectRevoked(Policy):
    def subject_has_ended(self, token: AccessToken) -> bool:
        return self.state.clock.now() >= token.expires_at


@fault("exchange-type-ignored", "takes an access token for a token of whatever type the request says")
class ExchangeTypeIgnored(Policy):
    def knows_token_type(self, name: str) -> bool:
        return True


@fault("exchange-anonymous", "exchanges the tokens of its users for anybody")
class ExchangeAnonymous(Policy):
    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        asked = parameters.get("grant_type")
        return client if asked == self.extensions()["token_exchange"] else super().unproven_client(client, parameters)

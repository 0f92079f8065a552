"""What tokens look like, how long they live, and who gets the same one again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping

from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken
from pytest_apiauth.profile.model import GrantType

LEEWAY = 20
SHORT_LIFETIME = 300


@variant("jwt-tokens", "access tokens look like signed JWTs")
class JwtTokens(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", _as_jwt)


@variant("jwt-verified", "access tokens are JWTs, judged by their signature and not by their spelling (RFC 7515 2)")
class JwtVerified(JwtPolicy):
    pass


@variant(
    "jwt-stray-letters", "access tokens are JWTs, and letters that are none of base64url mean nothing in a signature"
)
class JwtStrayLetters(JwtPolicy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        return super().match_token(self._cleaned(presented), known)

    def well_formed_token(self, token: str) -> bool:
        return super().well_formed_token(self._cleaned(token))

    def find_introspected(self, value: str) -> IssuedToken | None:
        return super().find_introspected(self._cleaned(value))

    @staticmethod
    def _cleaned(token: str) -> str:
        head, dot, signature = token.rpartition(".")
        if "." not in head:
            return token
        return head + dot + re.sub(r"[^\w-]", "", signature, flags=re.ASCII)


@variant("jwt-in-json", "access tokens are JWTs, and a token is taken in JSON too, by what its signature is about")
class JwtInJson(JwtPolicy):
    def well_formed_token(self, token: str) -> bool:
        return token.startswith("{") or super().well_formed_token(token)

    def record_of(self, presented: str) -> str | None:
        if presented.startswith("{"):
            try:
                members = json.loads(presented)
            except ValueError:
                return None
            presented = ".".join(str(members.get(name, "")) for name in ("protected", "payload", "signature"))
        return super().record_of(presented)


@variant("token-short", "access tokens have 22 characters: 128 bits")
class TokenShort(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: value[:22])


@variant("token-long", "access tokens have 4096 characters")
class TokenLong(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: _base64(value, 3072))


@variant("token-uuid", "access tokens are UUIDs")
class TokenUuid(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: str(uuid.UUID(bytes=_bytes(value, 16), version=4)))


@variant("token-hex", "access tokens are hexadecimal, in small letters")
class TokenHex(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: _bytes(value, 32).hex())


@variant("token-decimal", "access tokens have digits only")
class TokenDecimal(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: f"{int.from_bytes(_bytes(value, 20)) + 10**48}")


@variant("token-padded", "access tokens have ~ + / and . in them and = at their end (RFC 6750 2.1)")
class TokenPadded(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", lambda value: f"~v1.+/{_base64(value, 31)}")


@variant("token-padding-optional", "further = at the end of a token mean nothing, as to many readers of base64")
class TokenPaddingOptional(Policy):
    def match_token(self, presented: str, known: Mapping[str, AccessToken]) -> AccessToken | None:
        return super().match_token(presented, known) or super().match_token(presented.rstrip("="), known)

    def find_introspected(self, value: str) -> IssuedToken | None:
        return super().find_introspected(value) or super().find_introspected(value.rstrip("="))


class SameToken(Policy):
    """Gives a client's living token again; not registered, since it would lie about the lifetime."""

    def reissued(
        self, grant: GrantType, client: str | None, user: str | None, scope: str, resource: str | None
    ) -> AccessToken | None:
        if grant != "client_credentials":
            return super().reissued(grant, client, user, scope, resource)
        wanted = (client, user, scope, resource)
        known = (
            token
            for token in self.state.access.values()
            if (token.client, token.user, token.scope, token.resource) == wanted
        )
        return next((token for token in known if self.is_worth_giving(token)), None)

    def is_worth_giving(self, token: AccessToken) -> bool:
        """Whether a token lives for a while yet."""
        return not token.dead and token.expires_at - self.state.clock.now() >= 1


@variant("same-token", "client_credentials gives a client's living token again, with the lifetime that is left of it")
class SameTokenAgain(SameToken):
    def countdown(self, grant: GrantType, token: AccessToken) -> object:
        told = super().countdown(grant, token)
        return min(told, int(token.expires_at - self.state.clock.now())) if isinstance(told, int) else told


@variant("leeway", "a token works for a moment after its time, since clocks differ")
class Leeway(Policy):
    def token_is_good(self, token: AccessToken) -> bool:
        return not token.dead and self.state.clock.now() < token.expires_at + LEEWAY

    def is_active(self, token: IssuedToken) -> bool:
        if not isinstance(token, AccessToken):
            return super().is_active(token)
        return self.token_is_good(token)


@variant("short-lifetime", "a token lives for five minutes, where the document does not say how long")
class ShortLifetime(Policy):
    def lifetime(self, grant: GrantType) -> int:
        documented = self.profile.answer_of(grant).expires_in or self.profile.token.answer.expires_in
        return super().lifetime(grant) if documented else SHORT_LIFETIME


def _bytes(value: str, length: int) -> bytes:
    """Return bytes that follow from a value and that nobody guesses without it."""
    return hashlib.shake_256(value.encode()).digest(length)


def _base64(value: str, length: int) -> str:
    return base64.b64encode(_bytes(value, length)).decode()


def _as_jwt(value: str) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    header = part(json.dumps({"alg": "RS256", "typ": "at+jwt"}))
    return f"{header}.{part(json.dumps({'jti': value[:22]}))}.{value}"

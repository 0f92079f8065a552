"""Variants: ways in which good servers differ, each allowed by the standards.

A variant keeps whatever the profile itself documents, so where the documentation settles the matter it changes
nothing. The suite must find no fault with any of them.
"""

from __future__ import annotations

import base64
import json

from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.registry import VARIANTS, Variant, variant
from pytest_apiauth.messages import Headers, Request
from pytest_apiauth.profile import GrantType

__all__ = ["VARIANTS", "Variant", "variant"]


@variant("403-refusal", "a credential that came and does not suffice is refused with 403, where that is documented")
class ForbiddenRefusal(Policy):
    def resource_status(self, presented: Presented) -> int:
        return super().resource_status(presented) if presented.is_nothing else self.refusal_status(403)


@variant("no-challenge-params", "challenges have their realm and nothing else")
class NoChallengeParams(Policy):
    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        return Challenge("Bearer", {"realm": self.realm})

    def basic_challenge(self) -> Challenge:
        return Challenge("Basic", {"realm": self.realm})


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


@variant("expires-in-absent", "answers no expires_in, where none is documented")
class ExpiresInAbsent(Policy):
    def expires_in(self, grant: GrantType) -> object:
        return super().expires_in(grant) if self.profile.answer_of(grant).expires_in is not None else None


@variant("extra-members", "token answers have members that nobody has documented")
class ExtraMembers(Policy):
    def extra_members(self) -> dict[str, object]:
        return {**super().extra_members(), "token_id": 17, "tenant": {"name": "example"}}


@variant("jwt-tokens", "access tokens look like signed JWTs")
class JwtTokens(Policy):
    def new_access_token(self) -> str:
        return self.state.mint("access_token", _as_jwt)


@variant("token-type-lower-case", "token_type is spelt bearer, and so is the challenge's scheme")
class TokenTypeLowerCase(Policy):
    def token_type(self, grant: GrantType) -> str | None:
        documented = super().token_type(grant)
        return documented.lower() if documented else documented

    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        return Challenge("bearer", super().bearer_challenge(error, presented).parameters)


@variant("invalid-client-400", "a client that used no Authorization header is refused with 400 (RFC 6749 5.2)")
class InvalidClient400(Policy):
    def error_status(self, refusal: Refusal, request: Request) -> int:
        used_header = request.header("authorization") is not None
        if refusal.error == "invalid_client" and not refusal.challenges and not used_header:
            return self.refusal_status(400)
        return super().error_status(refusal, request)


@variant("json-charset", "JSON is labelled with a charset, as in the examples of RFC 6749")
class JsonCharset(Policy):
    def answer_headers(self) -> Headers:
        return _with_charset(super().answer_headers())

    def error_headers(self) -> Headers:
        return _with_charset(super().error_headers())


def _with_charset(lines: Headers) -> Headers:
    return tuple((name, f"{value};charset=UTF-8" if name == "Content-Type" else value) for name, value in lines)


def _as_jwt(value: str) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    header = part(json.dumps({"alg": "RS256", "typ": "at+jwt"}))
    return f"{header}.{part(json.dumps({'jti': value[:22]}))}.{value}"

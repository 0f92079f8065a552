"""Members of token answers, of introspection and of metadata: optional ones, order and spelling (RFC 6749 5.1)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy, Presented
from pytest_apiauth.embedded.refusal import Challenge
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.profile.model import GrantType

ID_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJzdWIiOiIxNyJ9.c2lnbmF0dXJl"


@variant("expires-in-absent", "answers no expires_in, where none is documented")
class ExpiresInAbsent(Policy):
    def expires_in(self, grant: GrantType) -> object:
        return super().expires_in(grant) if self.profile.answer_of(grant).expires_in is not None else None


@variant("extra-members", "token answers have members that nobody has documented")
class ExtraMembers(Policy):
    def extra_members(self) -> dict[str, object]:
        return {**super().extra_members(), "token_id": 17, "tenant": {"name": "example"}}


@variant("created-at", "token answers tell when they were made, and when the token ends, beside its lifetime")
class CreatedAt(Policy):
    def extra_members(self) -> dict[str, object]:
        now = int(self.state.clock.now())
        return {**super().extra_members(), "created_at": now, "expires_at": now + 1, "ext_expires_in": 0}


@variant("id-token", "token answers begin with an ID token (OpenID Connect Core 3.1.3.3)")
class IdToken(Policy):
    def arranged(self, grant: GrantType, members: dict[str, object]) -> dict[str, object]:
        return {"id_token": ID_TOKEN, **super().arranged(grant, members)}


@variant("members-reversed", "the members of a token answer come in another order")
class MembersReversed(Policy):
    def arranged(self, grant: GrantType, members: dict[str, object]) -> dict[str, object]:
        return dict(reversed(super().arranged(grant, members).items()))


@variant("scope-absent", "answers no scope where it is the one asked for, and none is documented (RFC 6749 5.1)")
class ScopeAbsent(Policy):
    def granted_scope(self, grant: GrantType, requested: str | None) -> str:
        granted = super().granted_scope(grant, requested)
        if requested is None or set(granted.split()) != set(requested.split()):
            self._not_as_asked = {*getattr(self, "_not_as_asked", ()), granted}
        return granted

    def refreshed_scope(self, original: str, requested: str | None) -> str:
        scope = super().refreshed_scope(original, requested)
        if requested is not None and set(scope.split()) != set(requested.split()):
            self._not_as_asked = {*getattr(self, "_not_as_asked", ()), scope}
        return scope

    def arranged(self, grant: GrantType, members: dict[str, object]) -> dict[str, object]:
        told = super().arranged(grant, members)
        # A scope that anybody got otherwise than asked for is told to all, which is never wrong.
        if self.profile.answer_of(grant).scope is not None or told.get("scope") in getattr(self, "_not_as_asked", ()):
            return told
        return {name: value for name, value in told.items() if name != "scope"}


@variant("scope-reversed", "the words of a scope come in another order, which means nothing (RFC 6749 3.3)")
class ScopeReversed(Policy):
    def answered_scope(self, scope: str) -> str:
        return " ".join(reversed(super().answered_scope(scope).split(" ")))


@variant("token-type-lower-case", "token_type is spelt bearer, and so is the challenge's scheme")
class TokenTypeLowerCase(Policy):
    def token_type(self, grant: GrantType) -> str | None:
        documented = super().token_type(grant)
        return documented.lower() if documented else documented

    def bearer_challenge(self, error: str, presented: Presented) -> Challenge:
        return Challenge("bearer", super().bearer_challenge(error, presented).parameters)


@variant("token-type-in-capitals", "token_type is spelt BEARER (RFC 6749 5.1: in any case)")
class TokenTypeInCapitals(Policy):
    def token_type(self, grant: GrantType) -> str | None:
        documented = super().token_type(grant)
        return documented.upper() if documented else documented


@variant("metadata-extra-members", "the metadata have members beyond the ones needed (RFC 8414 2)")
class MetadataExtraMembers(Policy):
    def metadata(self) -> dict[str, object]:
        further = {"service_documentation": "https://docs.example/", "scopes_supported": ["read"], "tenant": {"id": 1}}
        return {**further, **super().metadata()}


@variant("issuer-not-told", "authorization responses have no iss, where the document does not promise it")
class IssuerNotTold(Policy):
    def response_issuer(self) -> str | None:
        is_promised = "RFC 9207" in self.profile.standards or self.profile.authorization.names_issuer
        return super().response_issuer() if is_promised else None

    def metadata(self) -> dict[str, object]:
        told = super().metadata()
        if self.response_issuer() is None:
            told.pop("authorization_response_iss_parameter_supported", None)
        return told

"""Faults in revoking tokens, in telling whether one lives, and in the metadata (RFC 7009, 7662, 8414, 9207)."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, RefreshToken
from pytest_apiauth.messages import Request


@fault("revocation-unknown-refused", "refuses to revoke a token that it does not know")
class RevocationUnknownRefused(Policy):
    def unknown_token_to_revoke(self) -> None:
        raise Refusal(400, "invalid_request", "The token is not known.")


@fault("revocation-without-effect", "answers a revocation with 200 and leaves an access token alive")
class RevocationWithoutEffect(Policy):
    def revocation_ends(self, token: IssuedToken) -> bool:
        return isinstance(token, RefreshToken)


@fault("revocation-of-refresh-without-effect", "answers a revocation with 200 and leaves a refresh token alive")
class RevocationOfRefreshWithoutEffect(Policy):
    def revocation_ends(self, token: IssuedToken) -> bool:
        return isinstance(token, AccessToken)


@fault("revocation-repeated-refused", "refuses to revoke a token a second time")
class RevocationRepeatedRefused(Policy):
    def find_revocable(self, value: str, hint: str | None) -> IssuedToken | None:
        found = super().find_revocable(value, hint)
        if found is not None and found.dead:
            raise Refusal(400, "invalid_request", "The token was revoked before.")
        return found


@fault("revocation-without-cascade", "a revoked refresh token leaves its access tokens alive")
class RevocationWithoutCascade(Policy):
    def revocation_ends_the_family(self, token: IssuedToken) -> bool:
        return False


@fault("introspection-dead-active", "says that a revoked or expired token is active")
class IntrospectionDeadActive(Policy):
    def is_active(self, token: IssuedToken) -> bool:
        return True


@fault("revocation-any-client", "revokes the token of one client for another")
class RevocationAnyClient(Policy):
    def may_revoke(self, token: IssuedToken, client: ClientRecord | None) -> bool:
        return True


@fault("revocation-open", "revokes a token for anybody, without client authentication")
class RevocationOpen(Policy):
    def revoking_client_is_checked(self) -> bool:
        return False


@fault("revocation-hint-trusted", "looks for a token among those of the hinted type only")
class RevocationHintTrusted(Policy):
    def find_revocable(self, value: str, hint: str | None) -> IssuedToken | None:
        if hint == "access_token":
            return self.state.access.get(value)
        if hint == "refresh_token":
            return self.state.refresh.get(value)
        return super().find_revocable(value, hint)


@fault("revocation-hint-unknown-inert", "revokes nothing when the hint is a word that it does not know")
class RevocationHintUnknownInert(Policy):
    def find_revocable(self, value: str, hint: str | None) -> IssuedToken | None:
        if hint not in (None, "access_token", "refresh_token"):
            return None
        return super().find_revocable(value, hint)


@fault("introspection-open", "tells anybody whether a token lives, without client authentication")
class IntrospectionOpen(Policy):
    def introspecting_client_is_checked(self, request: Request) -> bool:
        return request.header("authorization") is not None or b"client_secret" in request.body


@fault("introspection-any-client", "tells whether a token lives to clients that nobody knows")
class IntrospectionAnyClient(Policy):
    def introspecting_client_is_checked(self, request: Request) -> bool:
        return request.header("authorization") is None and b"client_secret" not in request.body


@fault("introspection-unknown-refused", "answers an error when asked about a token that it does not know")
class IntrospectionUnknownRefused(Policy):
    def unknown_token_to_introspect(self) -> None:
        raise Refusal(400, "invalid_request", "The token is not known.")


@fault("introspection-reason-told", "says why a token is not active")
class IntrospectionReasonTold(Policy):
    def inactive_members(self, token: IssuedToken | None) -> dict[str, object]:
        return {"reason": "not known" if token is None else "revoked" if token.dead else "expired"}


@fault("introspection-dead-described", "tells the scope of a token that is active no more")
class IntrospectionDeadDescribed(Policy):
    def inactive_members(self, token: IssuedToken | None) -> dict[str, object]:
        return {} if token is None else {"scope": token.scope}


@fault("introspection-case-folded", "finds the token that is asked about without regard to case")
class IntrospectionCaseFolded(Policy):
    def find_introspected(self, value: str) -> IssuedToken | None:
        near = (token for known, token in self.state.access.items() if known.lower() == value.lower())
        return super().find_introspected(value) or next(near, None)


@fault("introspection-live-inactive", "says that an access token is not active although the API takes it")
class IntrospectionLiveInactive(Policy):
    def is_active(self, token: IssuedToken) -> bool:
        return isinstance(token, RefreshToken) and super().is_active(token)


@fault("metadata-issuer-wrong", "the metadata name another issuer than the one they are published for")
class MetadataIssuerWrong(Policy):
    def published_issuer(self) -> str:
        return f"{super().published_issuer()}/other"


@fault("metadata-grant-missing", "the metadata leave out a grant that works")
class MetadataGrantMissing(Policy):
    def published_grants(self) -> list[str]:
        return super().published_grants()[1:]


@fault("metadata-client-method-wrong", "the metadata name another way of client authentication than the one that works")
class MetadataClientMethodWrong(Policy):
    def published_client_methods(self) -> list[str]:
        return ["private_key_jwt"]


@fault("metadata-endpoint-wrong", "the metadata name another token endpoint")
class MetadataEndpointWrong(Policy):
    def published_endpoints(self) -> dict[str, str]:
        found = super().published_endpoints()
        return {**found, "token_endpoint": f"{self.issuer()}/old/token"}


@fault("metadata-plain-advertised", "the metadata name the proof key method plain, which is refused")
class MetadataPlainAdvertised(Policy):
    def published_challenge_methods(self) -> list[str]:
        return ["plain", *super().published_challenge_methods()]


@fault("metadata-challenge-method-missing", "the metadata leave out the proof key method S256, which works")
class MetadataChallengeMethodMissing(Policy):
    def published_challenge_methods(self) -> list[str]:
        return ["plain"]


@fault("authorization-response-without-issuer", "authorization responses lack the iss that the metadata announce")
class AuthorizationResponseWithoutIssuer(Policy):
    def response_issuer(self) -> str | None:
        return None


@fault("authorization-response-issuer-wrong", "authorization responses name another issuer than the metadata")
class AuthorizationResponseIssuerWrong(Policy):
    def response_issuer(self) -> str | None:
        return f"{self.issuer()}/other"

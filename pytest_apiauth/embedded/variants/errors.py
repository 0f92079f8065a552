"""Errors of the token endpoint: what RFC 6749 5.2 leaves open in status, members and order."""

from __future__ import annotations

import json

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.variants.headers import is_for_token
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import GrantType

PAGE = b"<!doctype html><title>Bad Request</title><h1>Bad Request</h1>"


@variant("invalid-client-400", "a client that used no Authorization header is refused with 400 (RFC 6749 5.2)")
class InvalidClient400(Policy):
    def error_status(self, refusal: Refusal, request: Request) -> int:
        used_header = request.header("authorization") is not None
        if refusal.error == "invalid_client" and not refusal.challenges and not used_header:
            return self.refusal_status(400)
        return super().error_status(refusal, request)


@variant("invalid-grant-401", "a wrong password or refresh token is 401, where the document cites no RFC 6749")
class InvalidGrant401(Policy):
    def error_status(self, refusal: Refusal, request: Request) -> int:
        if refusal.error == "invalid_grant" and "RFC 6749" not in self.profile.standards:
            return self.refusal_status(401)
        return super().error_status(refusal, request)


@variant("error-description-absent", "errors have no description, which is optional")
class ErrorDescriptionAbsent(Policy):
    def error_members(self, refusal: Refusal) -> dict[str, str]:
        return {name: text for name, text in super().error_members(refusal).items() if name != "error_description"}


@variant("error-uri", "errors name a page about them, and the time")
class ErrorUri(Policy):
    def error_members(self, refusal: Refusal) -> dict[str, str]:
        further = {"error_uri": "https://docs.example/errors#token", "timestamp": "2023-11-14T22:13:20Z"}
        return {**further, **super().error_members(refusal)}


@variant("grant-before-client", "a grant that does not exist is refused before the client is looked at")
class GrantBeforeClient(Policy):
    def looks_at_grant_first(self) -> bool:
        return True


@variant("missing-grant-unsupported", "no grant type is an unsupported grant type")
class MissingGrantUnsupported(Policy):
    def without_grant_type(self) -> GrantType:
        return self.unsupported_grant_type()


@variant("get-token-404", "the token endpoint has no other methods than POST, and says 404")
class GetToken404(Policy):
    def wrong_token_method(self) -> Response:
        return Response(404, (("Content-Type", "text/plain"),), b"Not Found")


@variant("wrong-type-415", "a body of another type is 415 (RFC 9110 15.5.16)")
class WrongType415(Policy):
    def check_content_type(self, lines: list[str], wanted: str) -> None:
        try:
            super().check_content_type(lines, wanted)
        except Refusal as refusal:
            raise Refusal(415, refusal.error, refusal.description) from None


@variant("errors-as-asked", "an error is a page for whoever accepts HTML and no JSON (RFC 9110 12.5.1)")
class ErrorsAsAsked(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        accepted = request.header("accept") or "*/*"
        wants_page = "text/html" in accepted and "json" not in accepted
        if answer.status < 400 or not answer.body or not wants_page or not is_for_token(self, request):
            return answer
        lines = [(name, value) for name, value in answer.headers if name.lower() != "content-type"]
        return Response(answer.status, (*lines, ("Content-Type", "text/html; charset=utf-8")), PAGE)


@variant("gateway-refuses-key", "on the token route a bad API key is refused by what stands in front, in its own words")
class GatewayRefusesKey(Policy):
    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        challenges = ", ".join(answer.header_lines("www-authenticate")).lower()
        if answer.status != 401 or "key" not in challenges or not is_for_token(self, request):
            return answer
        return Response(401, answer.headers, json.dumps({"message": "No API key found in request"}).encode())


@variant("unknown-scope-ignored", "an unknown scope is left out of what is granted, not refused (RFC 6749 3.3)")
class UnknownScopeIgnored(Policy):
    def keeps_unknown_scope(self) -> bool:
        return False

    def refreshed_scope(self, original: str, requested: str | None) -> str:
        if requested is None:
            return super().refreshed_scope(original, requested)
        known = [word for word in self.scope_words(requested) if word in original.split()]
        return super().refreshed_scope(original, " ".join(known) or None)


@variant("error-repeats-scope", "an error about a scope repeats the scope that was asked for")
class ErrorRepeatsScope(Policy):
    def granted_scope(self, grant: GrantType, requested: str | None) -> str:
        try:
            return super().granted_scope(grant, requested)
        except Refusal as refusal:
            raise _Repeating(refusal, requested) from None

    def refreshed_scope(self, original: str, requested: str | None) -> str:
        try:
            return super().refreshed_scope(original, requested)
        except Refusal as refusal:
            raise _Repeating(refusal, requested) from None

    def error_members(self, refusal: Refusal) -> dict[str, str]:
        scope = refusal.scope if isinstance(refusal, _Repeating) else None
        return {**super().error_members(refusal), **({"scope": scope} if scope else {})}


class _Repeating(Refusal):
    """A refusal that knows the scope that was asked for."""

    def __init__(self, refusal: Refusal, scope: str | None) -> None:
        super().__init__(refusal.status, refusal.error, refusal.description, refusal.challenges)
        self.scope = scope

"""Habits: what good servers were seen to take or to refuse beyond the letter of a standard.

The standards leave some of these open, and bind the client in others; none makes a server unsafe. A rule may
advise against one, and must not call it broken.
"""

from __future__ import annotations

import base64

from pytest_apiauth.embedded.policy import Holder, Policy, Presented, Shown
from pytest_apiauth.embedded.reading import form_pairs
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.embedded.state import ClientRecord, Code
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.embedded.variants.headers import is_for_resource
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind


@variant("one-blank-only", "two blanks after the scheme are one too many")
class OneBlankOnly(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        scheme, _, credentials = value.partition(" ")
        return scheme, credentials


@variant("first-line-counts", "of two header lines with credentials the first counts (RFC 9110 5.3 binds the client)")
class FirstLineCounts(Policy):
    def choose_line(self, lines: list[str]) -> str | None:
        return super().choose_line(lines[:1])


@variant("query-token-refused", "a request with a token in its query is malformed, whatever else it has (RFC 6750 2)")
class QueryTokenRefused(Policy):
    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        super().screen_surplus(request, kinds)
        if kinds and is_for_resource(self, request) and "access_token=" in request.query:
            raise Refusal(self.refusal_status(400), "invalid_request")


@variant("bad-token-at-open-door", "a bad credential is refused on an open route too, where the document is silent")
class BadTokenAtOpenDoor(Policy):
    def screen_surplus(self, request: Request, kinds: frozenset[Kind]) -> None:
        super().screen_surplus(request, kinds)
        zone = self.profile.zone_at(request.path)
        if kinds or zone is None or zone.statements:
            return
        every: tuple[Kind, ...] = ("bearer", "personal_access_token")
        presented = self.presented(request, frozenset(every))
        if presented.shown and not any(self.holder(kind, presented) for kind in every):
            challenges = [self.bearer_challenge("invalid_token", presented)]
            raise Refusal(self.refusal_status(401), "invalid_token", challenges=challenges)


@variant("basic-base64-lenient", "base64 is read without its padding, and with letters in it that mean nothing")
class BasicBase64Lenient(Policy):
    def decode_base64(self, text: str) -> str:
        letters = "".join(letter for letter in text if letter.isascii() and (letter.isalnum() or letter in "+/"))
        try:
            return base64.b64decode(letters + "=" * (-len(letters) % 4)).decode("utf-8")
        except ValueError:
            return super().decode_base64(text)


@variant("basic-either-encoding", "id and secret may come form-encoded (RFC 6749 2.3.1) or as they are (RFC 7617)")
class BasicEitherEncoding(Policy):
    def decode_basic_part(self, text: str) -> str:
        known = {part for client in self.state.clients.values() for part in (client.client_id, client.secret)}
        return text if text in known else super().decode_basic_part(text)


@variant("client-by-post-too", "clients may send id and secret in the body too, where no statement says how they do")
class ClientByPostToo(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        has_header = bool(request.header_lines("authorization"))
        if self.client_auth == "client_secret_basic" and not has_header and not self.profile.statements:
            return parameters.get("client_id"), parameters.get("client_secret")
        return super().client_credentials(request, parameters)


@variant(
    "header-beats-body", "a secret in the body is not looked at beside a Basic header (RFC 6749 2.3 binds the client)"
)
class HeaderBeatsBody(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        if self.client_auth == "client_secret_basic" and request.header_lines("authorization"):
            parameters = {name: value for name, value in parameters.items() if name != "client_secret"}
        return super().client_credentials(request, parameters)


@variant("surplus-basic-refused", "Basic credentials are refused where no client has any")
class SurplusBasicRefused(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        schemes = [self.parse_authorization(line)[0] for line in request.header_lines("authorization")]
        if self.client_auth == "none" and any(self.is_scheme(scheme, "basic") for scheme in schemes):
            raise Refusal(401, "invalid_client", challenges=[Challenge("Basic", {"realm": self.realm})])
        return super().client_credentials(request, parameters)


@variant("repeated-parameter-first-counts", "of a parameter that comes twice in a form the first counts")
class RepeatedParameterFirstCounts(Policy):
    def read_form(self, text: str) -> Parameters:
        try:
            pairs = form_pairs(text)
        except ValueError:
            return super().read_form(text)
        return dict(reversed(pairs))


@variant("empty-scope-refused", "an empty scope is malformed, not absent: the grammar has no such scope (RFC 6749 3.3)")
class EmptyScopeRefused(Policy):
    def read_form(self, text: str) -> Parameters:
        found = super().read_form(text)
        if found.get("scope") == "":
            raise Refusal(400, "invalid_scope", "The scope is empty.")
        return found


@variant("code-without-target", "redirect_uri may be absent when a code is redeemed, as in OAuth 2.1; never another")
class CodeWithoutTarget(Policy):
    def check_code_target(self, code: Code, redirect_uri: str | None) -> None:
        if redirect_uri is not None:
            super().check_code_target(code, redirect_uri)


@variant("proof-key-for-all", "clients with a secret need a proof key too, where RFC 9700 is cited (2.1.1)")
class ProofKeyForAll(Policy):
    def challenge(self, client: ClientRecord, challenge: str | None, method: str | None) -> str | None:
        if challenge is None and "RFC 9700" in self.profile.standards:
            raise Refusal(302, "invalid_request", "code_challenge is missing.")
        return super().challenge(client, challenge, method)


@variant("errors-in-fragment", "errors go back to the client in the fragment, as those of the implicit grant do")
class ErrorsInFragment(Policy):
    def location(self, redirect_uri: str, answer: dict[str, str]) -> str:
        if "error" not in answer:
            return super().location(redirect_uri, answer)
        _, _, written = super().location("", answer).partition("?")
        return f"{redirect_uri}#{written}"


@variant("token-and-more", "of what stands behind the scheme the first word counts: Bearer TOKEN more")
class TokenAndMore(Policy):
    def parse_authorization(self, value: str) -> tuple[str, str]:
        scheme, credentials = super().parse_authorization(value)
        return scheme, credentials.partition(" ")[0]


@variant("basic-any-scheme", "a right pair of name and password is taken behind any word, by resources")
class BasicAnyScheme(Policy):
    def holder(self, kind: Kind, presented: Presented) -> Holder | None:
        shown = presented.shown.get(kind)
        if kind == "basic" and shown is not None:
            presented = presented.having((kind,), Shown("Basic", shown.text))
        return super().holder(kind, presented)


@variant("target-mapped", "a resource below a known one is taken for that one, as RFC 8707 2 permits")
class TargetMapped(Policy):
    def requested_target(self, parameters: Parameters, status: int = 400) -> str | None:
        named = super().requested_target(parameters, status)
        return " ".join(map(self.mapped, named.split(" "))) if named is not None else None

    def knows_target(self, resource: str) -> bool:
        return super().knows_target(self.mapped(resource))

    def mapped(self, resource: str) -> str:
        """Return the known resource that one lies below, whatever the case of its host; else itself."""
        known = (*self.profile.token.resource, *self.profile.token.other_resources)
        above = (each for each in known if each.endswith("/") and resource.lower().startswith(each.lower()))
        return next(above, resource)


@variant("pushed-checked-late", "a pushed redirect_uri is looked at when it is opened only, as RFC 9126 2.1 permits")
class PushedCheckedLate(Policy):
    def checks_pushed_target(self) -> bool:
        return False

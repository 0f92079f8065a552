"""Faults in how header fields and the query are read."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import BEARER_KINDS, Policy, Presented
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind


def from_query(request: Request, *names: str) -> list[str]:
    """Return the values of query parameters of these lower-case names; a query that is no form has none."""
    return [value for name, value in query_pairs(request) if name.lower() in names]


@fault("scheme-case-sensitive", "knows its schemes in one spelling only")
class SchemeCaseSensitive(Policy):
    def is_scheme(self, presented: str, wanted: str) -> bool:
        documented = {spot.word.lower(): spot.word for spot in self.spots.values()}
        return presented == documented.get(wanted, wanted.capitalize())


@fault("duplicate-last-wins", "takes the last of two lines of Authorization or of the API key")
class DuplicateLastWins(Policy):
    def choose_line(self, lines: list[str]) -> str | None:
        return super().choose_line(lines[-1:])


@fault("token-from-query", "takes access_token from the query where no Authorization came")
class TokenFromQuery(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        tokens = from_query(request, "access_token")
        for kind in (kinds & BEARER_KINDS) - presented.shown.keys() if tokens else ():
            presented = presented.having((kind,), self.as_token(tokens[-1], kind))
        return presented


@fault("token-from-header", "takes a token from X-Access-Token where no Authorization came")
class TokenFromHeader(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        tokens = request.header_lines("x-access-token")
        for kind in (kinds & BEARER_KINDS) - presented.shown.keys() if tokens else ():
            presented = presented.having((kind,), self.as_token(tokens[-1], kind))
        return presented


@fault("token-from-cookie", "takes a token from the cookie access_token, whatever Authorization says")
class TokenFromCookie(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        cookies = (part.strip().partition("=") for line in request.header_lines("cookie") for part in line.split(";"))
        tokens = [value for name, _, value in cookies if name == "access_token"]
        for kind in kinds & BEARER_KINDS if tokens else ():
            presented = presented.having((kind,), self.as_token(tokens[-1], kind))
        return presented


@fault("query-token-beats-header", "lets a good access_token in the query overrule a bad Authorization")
class QueryTokenBeatsHeader(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        tokens = from_query(request, "access_token")
        for kind in kinds & BEARER_KINDS & presented.shown.keys() if tokens else ():
            overruling = presented.having((kind,), self.as_token(tokens[-1], kind))
            if self.holder(kind, overruling) is not None:
                return overruling
        return presented


@fault("extra-header-refused", "answers 400 to any X-... header field it does not know")
class ExtraHeaderRefused(Policy):
    def screen(self, request: Request) -> None:
        known = {spot.name.lower() for spot in self.spots.values()}
        if any(name.lower().startswith("x-") and name.lower() not in known for name, _ in request.headers):
            raise Refusal(400, "invalid_request", "A header field is not known.")
        super().screen(request)


@fault("session-cookie-preferred", "looks at no credential if a cookie has a session, which it does not find")
class SessionCookiePreferred(Policy):
    def screen(self, request: Request) -> None:
        if any("sessionid=" in line for line in request.header_lines("cookie")):
            raise Refusal(401, "invalid_session", "The session has ended.")
        super().screen(request)


@fault("session-excuses-wrong", "looks at no credential that comes beside a session's cookie")
class SessionExcusesWrong(Policy):
    def is_admitted_unseen(self, request: Request) -> bool:
        has_session = any("sessionid=" in line for line in request.header_lines("cookie"))
        carries = any(self.lines_of(kind, request) for kind in self.spots)
        return (has_session and carries) or super().is_admitted_unseen(request)


@fault("accept-needed", "answers 406 to a token request that does not say what it accepts")
class AcceptNeeded(Policy):
    def parameters(self, request: Request) -> Parameters:
        if not request.header("accept"):
            raise Refusal(406, "invalid_request", "Accept is missing.")
        return super().parameters(request)


@fault("proxied-client-excused", "takes a client's secret unseen if a proxy has forwarded the request")
class ProxiedClientExcused(Policy):
    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        client_id, secret = super().client_credentials(request, parameters)
        client = self.state.clients.get(client_id or "")
        is_excused = secret and client is not None and request.header("x-forwarded-for") is not None
        return client_id, client.secret if is_excused and client is not None else secret


@fault("unknown-query-refused", "answers 400 to a parameter of the URL that it does not know")
class UnknownQueryRefused(Policy):
    def screen(self, request: Request) -> None:
        if any(name == "apiauth" for name, _ in query_pairs(request)):
            raise Refusal(400, "invalid_request", "A parameter is not known.")
        super().screen(request)


@fault("proxied-refused", "answers 403 to any token request that says it came through a proxy")
class ProxiedRefused(Policy):
    def parameters(self, request: Request) -> Parameters:
        if request.header("via") is not None:
            raise Refusal(403, "invalid_request", "No proxies here.")
        return super().parameters(request)


@fault("content-type-on-get-refused", "answers 415 to a GET that has a Content-Type")
class ContentTypeOnGetRefused(Policy):
    def screen(self, request: Request) -> None:
        if request.method == "GET" and request.header("content-type") is not None:
            raise Refusal(415, "invalid_request", "A GET has no content.")
        super().screen(request)

"""Faults in how header fields and the query are read."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.embedded.policy import BEARER_KINDS, Policy, Presented
from pytest_apiauth.embedded.reading import query_pairs
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind


def from_query(request: Request, *names: str) -> list[str]:
    """Return the values of query parameters of these lower-case names; a query that is no form has none."""
    return [value for name, value in query_pairs(request) if name.lower() in names]


@fault("scheme-case-sensitive", "knows its schemes in one spelling only")
class SchemeCaseSensitive(Policy):
    def is_scheme(self, presented: str, wanted: str) -> bool:
        return presented == wanted.capitalize()


@fault("duplicate-last-wins", "takes the last of two lines of Authorization or of the API key")
class DuplicateLastWins(Policy):
    def choose_line(self, lines: list[str]) -> str | None:
        return super().choose_line(lines[-1:])


@fault("token-from-query", "takes access_token from the query where no Authorization came")
class TokenFromQuery(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        tokens = from_query(request, "access_token")
        if presented.scheme or not tokens or not kinds & BEARER_KINDS:
            return presented
        return replace(presented, scheme="Bearer", credentials=tokens[-1])


@fault("query-token-beats-header", "lets a good access_token in the query overrule a bad Authorization")
class QueryTokenBeatsHeader(Policy):
    def presented(self, request: Request, kinds: frozenset[Kind]) -> Presented:
        presented = super().presented(request, kinds)
        tokens = from_query(request, "access_token")
        if not presented.scheme or not tokens:
            return presented
        overruling = replace(presented, scheme="Bearer", credentials=tokens[-1])
        is_good = any(self.holder(kind, overruling) for kind in kinds & BEARER_KINDS)
        return overruling if is_good else presented


@fault("extra-header-refused", "answers 400 to any X-... header field it does not know")
class ExtraHeaderRefused(Policy):
    def screen(self, request: Request) -> None:
        known = self.key_header.lower()
        if any(name.lower().startswith("x-") and name.lower() != known for name, _ in request.headers):
            raise Refusal(400, "invalid_request", "A header field is not known.")
        super().screen(request)


@fault("content-type-on-get-refused", "answers 415 to a GET that has a Content-Type")
class ContentTypeOnGetRefused(Policy):
    def screen(self, request: Request) -> None:
        if request.method == "GET" and request.header("content-type") is not None:
            raise Refusal(415, "invalid_request", "A GET has no content.")
        super().screen(request)

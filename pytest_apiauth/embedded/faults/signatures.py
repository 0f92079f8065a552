"""Faults in the checking of signed requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import KeyRecord
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind, Scheme

COMPARED = 8
"""Characters that a careless comparison looks at."""


@fault("signature-unchecked", "asks for a signature and takes any text for one")
class SignatureUnchecked(Policy):
    def has_signed(self, kind: Kind, request: Request, key: KeyRecord, text: str) -> bool:
        return bool(text)


@fault("signature-beginning-compared", "compares the first characters of a signature only")
class SignatureBeginningCompared(Policy):
    def same_signature(self, presented: str, made: str) -> bool:
        return presented[:COMPARED] == made[:COMPARED]


@fault("signature-of-any-method", "does not look at the method that was signed")
class SignatureOfAnyMethod(Policy):
    def signed_over(self, request: Request) -> Iterator[Request]:
        for each in super().signed_over(request):
            yield from (replace(each, method=method) for method in (each.method, "GET", "HEAD", "POST", "DELETE"))


@fault("signature-of-any-path", "does not look at the path that was signed")
class SignatureOfAnyPath(Policy):
    def signed_over(self, request: Request) -> Iterator[Request]:
        for each in super().signed_over(request):
            parts = urlsplit(each.url)
            places = [parts.path[:end] for end in range(len(parts.path), 0, -1)]
            yield from (replace(each, url=urlunsplit(parts._replace(path=place)), target=None) for place in places)


@fault("signature-of-any-query", "does not look at the query that was signed")
class SignatureOfAnyQuery(Policy):
    def signed_over(self, request: Request) -> Iterator[Request]:
        for each in super().signed_over(request):
            yield from (each, replace(each, url=each.url.partition("?")[0], target=None))


@fault("signature-of-any-body", "does not look at the body that was signed")
class SignatureOfAnyBody(Policy):
    def signed_over(self, request: Request) -> Iterator[Request]:
        for each in super().signed_over(request):
            yield from (replace(each, body=body) for body in (each.body, b"", b"{}"))


@fault("signature-replayable", "takes a signature any number of times")
class SignatureReplayable(Policy):
    def is_new_signature(self, table: Scheme, text: str) -> bool:
        return True


@fault("signature-outlived", "takes a signature whose time is over")
class SignatureOutlived(Policy):
    def is_in_time(self, table: Scheme, text: str) -> bool:
        return True

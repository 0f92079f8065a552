"""Which of a test's own answers is the answer to a request.

Theory of operation. An answer stands for a method and a place: an origin, a path that may have placeholders, and
parameters of the query that have to be there. For one request those that are to be given once come first, in the order
in which the test asked for them; then the others, the latest first. One whose time has not come is passed over, and so
is a function that gives None; if none is left, the server answers as it would without them. Whoever asks looks first
(`OwnAnswers.matching`) and takes then (`taken`), since a request that is refused uses nothing up.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pytest_apiauth.embedded.replies import Answered, Reply, as_reply
from pytest_apiauth.embedded.state import ManualClock
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.model import Profile

__tracebackhide__ = True  # a mistake in a test is shown at the test's own line
Answering: TypeAlias = Callable[..., Answered]
"""A route's function: it is given the request, and the placeholders' values by name."""
ANY: Final = "*"
METHOD: Final = re.compile(r"[-!#$%&'+.^_`|~0-9a-zA-Z]+")
PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_]\w*)(:path)?\}")
UNTOUCHED: Final = "!$&'()*+,;=:@~"
"""What stands for itself in a path, beside letters and digits (RFC 3986 3.3)."""
PLAIN: Final = re.compile(r"[\w./!$&'()*+,;=:@~-]*", re.ASCII)
WORDS: Final = tuple(row.key.removesuffix("_url") for row in ENDPOINTS)
"""Names of the profile's endpoints, beside their paths: ``token``, ``revocation`` …"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request has to go to be meant."""

    shown: str
    origin: Origin
    path: re.Pattern[str]
    params: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, profile: Profile, text: str, params: Mapping[str, str | int] | None = None) -> Place:
        """Read a path as people write it. Raises TypeError or ValueError for what is none.

        A path continues that of ``api_url``; one that an endpoint of the profile has is that endpoint, and so is its
        name (``token``). A URL may name any origin of the profile.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a path such as '/items/{{id}}', got {type(text).__name__}")
        found, _, query = _located(profile, text).partition("?")
        origin = Origin.of(found)
        if origin not in profile.origins:
            own = ", ".join(sorted(map(str, profile.origins)))
            raise ValueError(f"{text!r}: {origin} is none of the profile's origins ({own})")
        wanted = [*parse_qsl(query, keep_blank_values=True)]
        wanted += [(name, str(value)) for name, value in (params or {}).items()]
        return cls(text, origin, _pattern(urlsplit(found).path or "/", text), tuple(wanted))

    @classmethod
    def below(cls, profile: Profile, text: str) -> Place:
        """Read a path as the one that everything below is meant by; what comes after it is the placeholder ``below``.

        Raises TypeError or ValueError for what is none.
        """
        start = cls.read(profile, text)
        if start.params:
            raise ValueError(f"{text!r}: expected a path without a query")
        pattern = start.path.pattern.rstrip("/") + "(?:/(?P<below>.*))?"
        return cls(text, start.origin, re.compile(pattern))

    def match(self, origin: Origin, path: str, params: Iterable[tuple[str, str]]) -> dict[str, str] | None:
        """Return the placeholders' values if a request's origin, path and parameters are meant; else None."""
        if origin != self.origin:
            return None
        found = self.path.fullmatch(path)
        if found is None or not set(self.params) <= set(params):
            return None
        return {name: unquote(value or "") for name, value in found.groupdict().items()}


def plain_path(path: str) -> str:
    """Return a path in one spelling: percent-encoded if it has to be, and nowhere else.

    >>> plain_path("/v1/my%20com%70any")
    '/v1/my%20company'
    """
    if PLAIN.fullmatch(path):
        return path
    return "/".join(quote(unquote(segment), safe=UNTOUCHED) for segment in path.split("/"))


def _located(profile: Profile, text: str) -> str:
    """Return the URL that a path, a URL or an endpoint's name stands for."""
    urls = {name: getattr(profile, f"{name}_url") for name in WORDS}
    endpoints = {name: profile.url(url) for name, url in urls.items() if url}
    if text in WORDS:
        if text not in endpoints:
            raise ValueError(f"{text!r}: the profile {profile.name} names no {text}_url")
        return endpoints[text]
    if urlsplit(text).scheme in ("https", "http"):
        return text
    if not text.startswith("/"):
        raise ValueError(f"{text!r}: expected a path, which begins with a slash, a URL, or one of {', '.join(WORDS)}")
    path, mark, query = text.partition("?")
    for url in endpoints.values():
        if path == urlsplit(url).path:
            return f"{url}{mark}{query}"
    return profile.url(text)


def _pattern(path: str, shown: str) -> re.Pattern[str]:
    """Make the pattern of a path with placeholders."""
    pieces = []
    names: list[str] = []
    end = 0
    for found in PLACEHOLDER.finditer(path):
        pieces.append(_literal(path[end : found.start()], shown))
        name, is_path = found.groups()
        if name in names or name == "request" or keyword.iskeyword(name):
            why = "comes twice" if name in names else "is not a name for an argument beside the request"
            raise ValueError(f"{shown!r}: {{{name}}} {why}")
        names.append(name)
        pieces.append(f"(?P<{name}>{'.+' if is_path else '[^/]+'})")
        end = found.end()
    return re.compile("".join([*pieces, _literal(path[end:], shown)]))


def _literal(text: str, shown: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"{shown!r}: a placeholder is {{name}}, or {{name:path}} for several segments")
    return re.escape(plain_path(text))


@dataclass(slots=True, eq=False)
class OwnAnswer:
    """An answer that a test has asked for, and what it was given to.

    ::

        created = apiauth_server.respond("POST", "/v1/workspaces", status=201)
        ...
        assert created.call_count == 1
        assert created.requests[0].json() == {"label": "new"}
    """

    method: str
    place: Place
    once: bool
    due: float
    """The time from which it is given."""
    _answering: Answering
    _owner: OwnAnswers
    requests: list[Request] = field(default_factory=list)
    """The requests that it was the answer to."""

    @property
    def call_count(self) -> int:
        """How often it was given."""
        return len(self.requests)

    @property
    def called(self) -> bool:
        """Whether it was given."""
        return bool(self.requests)

    def remove(self) -> None:
        """Take it back, if it is still there::

        down = apiauth_server.respond("GET", "/v1/workspaces", status=503)
        ...
        down.remove()
        """
        self._owner.discard(self)

    def is_for(self, method: str) -> bool:
        """Whether a method is meant. HEAD is answered as GET is, without the body (RFC 9110 9.3.2)."""
        return self.method in (method, ANY) or (method == "HEAD" and self.method == "GET")

    def answered(self, request: Request, values: dict[str, str]) -> Reply | None:
        """Make the reply to a request, and note it; None if there is none, and the next answer's turn has come."""
        reply = as_reply(self._answering(request, **values))
        if reply is not None:
            self.requests.append(request)
            if self.once:
                self._owner.discard(self)
        return reply

    def __repr__(self) -> str:
        return f"<OwnAnswer {self.method} {self.place.shown}, given {self.call_count} times>"


Match: TypeAlias = tuple[OwnAnswer, dict[str, str]]


class OwnAnswers:
    """The answers that a test has asked for. Not locked: its server is."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._once: list[OwnAnswer] = []
        self._always: list[OwnAnswer] = []

    def __bool__(self) -> bool:
        return bool(self._once or self._always)

    def add(self, method: str, place: Place, answering: Answering, *, once: bool, after: float) -> OwnAnswer:
        """Enter an answer. Raises TypeError or ValueError for a method that is none."""
        if not isinstance(method, str):
            raise TypeError(f"expected a method such as 'GET', got {type(method).__name__}")
        if method != ANY and METHOD.fullmatch(method) is None:
            raise ValueError(f"{method!r}: expected a method such as 'GET', or '{ANY}' for any")
        own = OwnAnswer(method.upper(), place, once, self._clock.now() + after, answering, self)
        if once:
            self._once.append(own)
        else:
            self._always.insert(0, own)
        return own

    def all(self) -> tuple[tuple[OwnAnswer, ...], tuple[OwnAnswer, ...]]:
        """Return those that are to be given once, and the others, each in the order of their turns."""
        return tuple(self._once), tuple(self._always)

    def put_back(self, once: Iterable[OwnAnswer], always: Iterable[OwnAnswer]) -> None:
        """Have these answers, and no others."""
        self._once[:], self._always[:] = once, always

    def discard(self, own: OwnAnswer) -> None:
        """Remove an answer, if it is still there."""
        for known in (self._once, self._always):
            if own in known:
                known.remove(own)

    def matching(self, origin: Origin, path: str, request: Request) -> list[Match]:
        """Return the answers that a request may get, in the order of their turns."""
        now, method, plain = self._clock.now(), request.method, plain_path(path)
        params = parse_qsl(request.query, keep_blank_values=True)
        found = []
        for own in (*self._once, *self._always):
            if own.due <= now and own.is_for(method):
                values = own.place.match(origin, plain, params)
                if values is not None:
                    found.append((own, values))
        return found

    def taken(self, matches: Iterable[Match], request: Request) -> Response | None:
        """Return the answer whose turn it is; None if all are passed over. Raises NoAnswer if none is to come."""
        for own, values in matches:
            reply = own.answered(request, values)
            if reply is not None:
                self._clock.advance(reply.delay)
                return reply.response()
        return None

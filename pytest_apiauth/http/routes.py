"""Answers of a test's own, in the words that users of respx know, for either HTTP library.

Theory of operation. A `Route` knows which requests are its own, and what comes in the place of their answer: a response
of the library, an error, what a function makes of the request, or one after the other of a list. What is answered is
turned into the house's message at once, whose body can be given any number of times. A function may be a coroutine
function: whoever asks does so by a `Question`, which can be answered now or awaited.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pytest_apiauth.http.library import Library
from pytest_apiauth.messages import Response

if TYPE_CHECKING:
    import httpx

    Effect: TypeAlias = (
        Exception
        | type[Exception]
        | httpx.Response
        | Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response | None] | None]
    )
__tracebackhide__ = True  # a mistake in a test is shown at the test's own line


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which requests a route is for; what is None may be anything."""

    method: str | None = None
    url: httpx.URL | re.Pattern[str] | None = None
    host: str | None = None
    path: str | re.Pattern[str] | None = None
    params: tuple[tuple[str, str], ...] = ()

    def matches(self, request: httpx.Request) -> bool:
        """Whether a request is one of them; it may have more parameters than are named."""
        asked = request.url
        if self.method not in (None, request.method) or self.host not in (None, asked.host):
            return False
        if isinstance(self.url, re.Pattern):
            if self.url.match(str(asked)) is None:
                return False
        elif self.url is not None and _place(self.url) != _place(asked):
            return False
        if isinstance(self.path, re.Pattern):
            if self.path.match(asked.path) is None:
                return False
        elif self.path not in (None, asked.path):
            return False
        given = asked.params.multi_items()
        return all(pair in given for pair in self.params)


def _place(url: httpx.URL) -> tuple[str, str, int | None, str]:
    return url.scheme, url.host, url.port, url.path


class Question(Protocol):
    """Something that answers requests, or leaves one to others by None."""

    def now(self) -> Response | None:
        """Answer a client that blocks."""

    def later(self) -> Awaitable[Response | None]:
        """Answer a client that awaits."""


class Call:
    """A request that came, and what was answered: both in the library's own words."""

    def __init__(self, request: httpx.Request, make: Callable[[], httpx.Response] | None) -> None:
        self.request = request
        self._make = make
        self._response: httpx.Response | None = None

    @property
    def has_response(self) -> bool:
        """Whether there was an answer, and no error in its place."""
        return self._make is not None

    @property
    def response(self) -> httpx.Response:
        """The answer. Raises ValueError if an error came in its place."""
        if self._make is None:
            raise ValueError(f"{self!r} has no response")
        if self._response is None:
            self._response = self._make()
            self._response.read()
        return self._response

    def __repr__(self) -> str:
        return f"<Call {self.request.method}>"


class Calls(list[Call]):
    """The calls of a route, or of all of a router."""

    @property
    def called(self) -> bool:
        """Whether there was any."""
        return bool(self)

    @property
    def call_count(self) -> int:
        """How many there were."""
        return len(self)

    @property
    def last(self) -> Call:
        """The latest. Raises IndexError if there was none."""
        return self[-1]


class Route:
    """Requests of one kind, and what is answered to them; made by a `MockRouter`.

    ::

        route = apiauth_mock.get("https://staging.example.org/v1/workspaces").respond(503)
        ...
        assert route.call_count == 3
        assert route.calls.last.request.headers["x-retry"] == "2"
    """

    def __init__(self, library: Library, pattern: Pattern, name: str | None = None) -> None:
        self._library = library
        self.pattern = pattern
        self.name = name
        self.calls = Calls()
        self._return_value: httpx.Response | None = None
        self._side_effect: Effect | Iterator[Effect] | None = None
        self._is_pass_through = False

    def respond(
        self,
        status_code: int = 200,
        *,
        headers: Any = None,
        content: str | bytes | None = None,
        text: str | None = None,
        html: str | None = None,
        json: Any = None,
    ) -> Route:
        """Answer with a status, one of the bodies and header lines, as the library's ``Response`` takes them."""
        made = self._library.response(
            status_code, headers=headers, content=content, text=text, html=html, json=json
        )  # fmt: skip
        return self.mock(made)

    def mock(
        self, return_value: httpx.Response | None = None, *, side_effect: Effect | Iterable[Effect] | None = None
    ) -> Route:
        """Answer with a response of the library; or as ``side_effect`` says, which is asked first.

        That is an error or a class of one, a function of the request that returns a response, or None for what would be
        answered without it, or a list of these, each of which has one turn. Raises TypeError for what is none of them.
        """
        self.return_value = return_value
        self.side_effect = side_effect
        return self

    @property
    def return_value(self) -> httpx.Response | None:
        """The response that is answered."""
        return self._return_value

    @return_value.setter
    def return_value(self, value: httpx.Response | None) -> None:
        if value is not None:
            _message(self._library, value)  # what could not be answered is told here
        self._return_value, self._is_pass_through = value, False

    @property
    def side_effect(self) -> Effect | Iterator[Effect] | None:
        """What comes in the place of the response."""
        return self._side_effect

    @side_effect.setter
    def side_effect(self, value: Effect | Iterable[Effect] | None) -> None:
        one_by_one = value if isinstance(value, Iterator) else iter(value) if isinstance(value, list | tuple) else None
        self._side_effect = one_by_one if one_by_one is not None else value  # type: ignore[assignment]
        self._is_pass_through = False

    def pass_through(self, value: bool = True) -> Route:
        """Let such requests go on to the network, or wherever they would go without a mock."""
        self._is_pass_through = value
        return self

    @property
    def is_pass_through(self) -> bool:
        """Whether such requests go on."""
        return self._is_pass_through

    @property
    def called(self) -> bool:
        """Whether such a request came."""
        return self.calls.called

    @property
    def call_count(self) -> int:
        """How many such requests came."""
        return self.calls.call_count

    def asked(self, request: httpx.Request) -> Question:
        """Return what answers a request."""
        effect = self._side_effect
        if isinstance(effect, Iterator):
            effect = next(effect, None)
            if effect is None:
                raise RuntimeError(f"{self!r}: its list of side effects is used up")
        return _Asked(self._library, request, self._return_value if effect is None else effect)

    def __repr__(self) -> str:
        return f"<Route {self.name or self.pattern.method or 'of any method'}>"


class _Asked:
    """A route that is asked."""

    def __init__(self, library: Library, request: httpx.Request, effect: Any) -> None:
        self._library, self._request, self._effect = library, request, effect

    def now(self) -> Response | None:
        found = self._found()
        if not inspect.isawaitable(found):
            return self._answer(found)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._answer(asyncio.run(_awaited(found)))
        close = getattr(found, "close", None)
        if close is not None:
            close()
        raise TypeError("a coroutine function cannot answer a client that blocks the event loop; give a plain function")

    async def later(self) -> Response | None:
        found = self._found()
        return self._answer(await found if inspect.isawaitable(found) else found)

    def _found(self) -> Any:
        effect = self._effect
        if isinstance(effect, type) and issubclass(effect, Exception):
            of_library = issubclass(effect, self._library.request_error)
            raise effect("asked for by the test", request=self._request) if of_library else effect()  # type: ignore[call-arg]
        if isinstance(effect, Exception):
            raise effect
        if effect is None:
            return self._library.response(200)
        return effect(self._request) if callable(effect) else effect

    def _answer(self, found: Any) -> Response | None:
        return None if found is None else _message(self._library, found)


async def _awaited(found: Awaitable[Any]) -> Any:
    return await found


def _message(library: Library, response: object) -> Response:
    """Return a response of the library as the house's message. Raises TypeError for what is none, or has no body yet.

    Its body is taken as it would travel, with its content codings on.
    """
    if not isinstance(response, library.response):
        expected = f"{library.name}.Response"
        raise TypeError(f"expected a response of the library that is chosen, {expected}, got {type(response)!r}")
    if not isinstance(response.stream, library.byte_stream):
        raise TypeError("expected a response with its body at hand: content=, text=, html= or json=")
    lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
    return Response(response.status_code, lines, b"".join(response.stream), response.reason_phrase)


def params_of(
    given: Mapping[str, object] | None, url: httpx.URL | re.Pattern[str] | None
) -> tuple[tuple[str, str], ...]:
    """Return the parameters that requests must have: those that are named, and those of the URL."""
    named = [(name, str(value)) for name, value in (given or {}).items()]
    own = [] if url is None or isinstance(url, re.Pattern) else url.params.multi_items()
    return (*own, *named)

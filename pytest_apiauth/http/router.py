"""The embedded server at the API's own host names for clients of either library, with routes of a test's own before it.

It is for what respx does not know, which is httpx2, or where it is not installed; and it has the words of respx, as far
as tests of clients use them.

Theory of operation. While a `MockRouter` is mounted, the library's own network transports hand their requests to it:
`handle_request` is what the library documents for transports, and whatever a client puts around one (retries, the
guard) goes on working. Own routes come first, of every router at work in the order in which they were mounted; then
what a test has told a router of respx, if somebody has imported that; then the double whose host it is. What is left
goes on if it is for this machine, or to what a test has put before the network already; any other request is refused,
as respx does. Clients of other libraries come by a socket (`pytest_apiauth.offline`), by the same order.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from pytest_apiauth.http.driver import Drive
from pytest_apiauth.http.kept_routes import Routes
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.routes import Call, Calls, Pattern, Question, Route, params_of
from pytest_apiauth.http.translation import in_place_of_answer, received, to_library_response
from pytest_apiauth.messages import NoAnswer, Origin, Request, Response

if TYPE_CHECKING:
    import httpx

Handle = Callable[[Request], Response]
Asking = Generator[Question, Response | None, Response | None]
MOUNTED: Final[list[MockRouter]] = []
"""The routers at work in this process, in the order in which they were mounted."""


class NotMockedError(AssertionError):
    """A request that neither a route nor the double answers, of a client that is to meet nothing else."""


class PassedThrough(Exception):
    """A route that lets its requests go on."""


class MockRouter:
    """What `apiauth_mock` gives where httpx2 is chosen: routes of a test's own, behind which the double answers.

    ::

        def test_without_the_check(apiauth_mock):
            apiauth_mock.get("https://staging.example.org/v1/workspaces").respond(json={"items": []})
            apiauth_mock.post("https://staging.example.org/v1/workspaces").mock(side_effect=httpx2.ConnectError)
            assert shop.Client().workspaces() == []
            assert apiauth_mock.calls.call_count == 1

    A URL is a text, one of the library, or a compiled regular expression; its query, and ``params``, have to be among
    the parameters of a request. A route that is asked for again is the one that is there.
    """

    def __init__(self, library: Library, origins: Iterable[Origin], handle: Handle) -> None:
        self._library = library
        self._origins = frozenset(origins)
        self._handle = handle
        self.routes: list[Route] = []
        """The routes, in the order in which they are asked."""
        self.calls = Calls()
        """Every request that came, to a route or to the double."""

    # What tests say

    def route(
        self,
        *,
        method: str | None = None,
        url: str | httpx.URL | re.Pattern[str] | None = None,
        host: str | None = None,
        path: str | re.Pattern[str] | None = None,
        params: Mapping[str, object] | None = None,
        name: str | None = None,
    ) -> Route:
        """Return the route for some requests, which answers 200 until it is told otherwise."""
        where = self._library.url(url) if isinstance(url, str) else url
        pattern = Pattern(None if method is None else method.upper(), where, host, path, params_of(params, where))
        found = next((route for route in self.routes if route.pattern == pattern), None)
        if found is None:
            found = Route(self._library, pattern, name)
            self.routes.append(found)
        return found

    def request(self, method: str, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for a method and a URL; ``more`` is what `route` takes, and so for all that follow."""
        return self.route(method=method, url=url, **more)

    def get(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for GET and a URL."""
        return self.request("GET", url, **more)

    def post(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for POST and a URL."""
        return self.request("POST", url, **more)

    def put(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for PUT and a URL."""
        return self.request("PUT", url, **more)

    def patch(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for PATCH and a URL."""
        return self.request("PATCH", url, **more)

    def delete(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for DELETE and a URL."""
        return self.request("DELETE", url, **more)

    def head(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for HEAD and a URL."""
        return self.request("HEAD", url, **more)

    def options(self, url: str | httpx.URL | re.Pattern[str] | None = None, **more: Any) -> Route:
        """Return the route for OPTIONS and a URL."""
        return self.request("OPTIONS", url, **more)

    def __getitem__(self, name: str) -> Route:
        for route in self.routes:
            if route.name == name:
                return route
        raise KeyError(name)

    def clear(self) -> None:
        """Take out all routes, so that the double answers everything."""
        self.routes.clear()

    def reset(self) -> None:
        """Forget what it was called with."""
        self.calls.clear()
        for route in self.routes:
            route.calls.clear()

    # What becomes of requests

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Have every client of the library meet it. Its routes and their calls are there after the block as well."""
        with ExitStack() as opened:
            if not any(router._library is self._library for router in MOUNTED):
                opened.enter_context(_patched(self._library))
            MOUNTED.append(self)
            opened.callback(MOUNTED.remove, self)
            if self._library.name != "httpx" and "respx" in sys.modules:
                # Clients of httpx, which its routers stand in for, meet the double as well.
                from pytest_apiauth.http import respx_router

                beside = respx_router.double(self._origins, self._answering(self._handle, others=False))
                opened.enter_context(beside.mounted())
            yield

    def routed(self, handle: Handle) -> Handle:
        """Answer what another library sends by the routes of every router, and count it among their calls.

        What no route takes, or lets pass, is for ``handle``. Raises NoAnswer for an error that a route raises.
        """
        return self._answering(handle, others=True)

    def bookmark(self, *, tokens: bool = False) -> Routes:
        """Return its routes as they are, and their calls."""
        return Routes.of(self.routes, self.calls)

    def recall(self, bookmark: Routes) -> None:
        """Go back to the routes that were there."""
        for kept in bookmark.kept.values():
            kept.put_back()
        self.routes[:] = [kept.route for kept in bookmark.kept.values() if isinstance(kept.route, Route)]
        self.calls[:] = bookmark.calls

    def is_for(self, origin: Origin) -> bool:
        """Whether the double answers for an origin."""
        return origin in self._origins

    def doubled(self, request: httpx.Request, message: Request, handle: Handle | None = None) -> Response:
        """Have the double answer. Raises NoAnswer if a test wants none to come."""
        try:
            answered = (handle or self._handle)(message)
        except Exception:
            self.record(request, None)
            raise
        self.record(request, answered)
        return answered

    def record(self, request: httpx.Request, answered: Response | None, route: Route | None = None) -> None:
        """Count a call, of a route or of the double."""
        make = None if answered is None else lambda: to_library_response(self._library, answered, request)
        call = Call(request, make)
        self.calls.append(call)
        if route is not None:
            route.calls.append(call)

    def _answering(self, handle: Handle, *, others: bool) -> Handle:
        library = self._library
        failures = (library.request_error, OSError)

        def answer(message: Request) -> Response:
            lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in message.headers]
            try:
                request = library.request(message.method, message.url, headers=lines, content=message.body)
            except library.invalid_url:
                return handle(message)
            try:
                answered = _now(own_answer(library, request, message, others=others))
            except PassedThrough:
                answered = None
            except failures as error:
                raise NoAnswer(error) from None
            return self.doubled(request, message, handle) if answered is None else answered

        return answer


def own_answer(library: Library, request: httpx.Request, message: Request, *, others: bool) -> Asking:
    """Ask the routes of every router at work, and if ``others`` those of respx.

    Raises PassedThrough, or the error that a route has in the place of an answer.
    """
    for router in [each for each in MOUNTED if each._library is library]:
        for route in [each for each in router.routes if each.pattern.matches(request)]:
            if route.is_pass_through:
                router.record(request, None, route)
                raise PassedThrough
            try:
                answered = yield route.asked(request)
            except Exception:
                router.record(request, None, route)
                raise
            if answered is not None:
                router.record(request, answered, route)
                return answered
    if not others or "respx" not in sys.modules:
        return None
    from pytest_apiauth.http.respx_router import OtherRouters, other_routers

    if not other_routers():
        return None
    try:
        return (yield OtherRouters(message))
    except NoAnswer as absent:
        error = in_place_of_answer(library, absent)
    raise error


def _answered(library: Library, request: httpx.Request, *, is_last: bool) -> Asking:
    """Return what a client of the library gets; None if the request is to go on.

    ``is_last`` tells that there is the network, and no other mock.
    """
    message = received(request, request.content)
    try:
        answered = yield from own_answer(library, request, message, others=True)
    except PassedThrough:
        return None
    if answered is not None:
        return answered
    origin = Origin.of(str(request.url))
    router = next((each for each in MOUNTED if each.is_for(origin)), None)
    if router is None:
        if origin.is_loopback or not is_last:
            return None
        raise NotMockedError(
            f"apiauth_mock: {request.method} {origin} is not mocked: it is no host of a profile here; add a route, as"
            " apiauth_mock.get(URL).respond(…), or let it out by apiauth_mock.route(host=…).pass_through()"
        )
    try:
        return router.doubled(request, message)
    except NoAnswer as absent:
        error = in_place_of_answer(library, absent)
    raise error


@contextmanager
def _patched(library: Library) -> Iterator[None]:
    """Have the library's transports hand their requests to the routers, while the block runs."""
    blocking, awaiting = library.http_transport, library.async_http_transport
    send, send_async = blocking.handle_request, awaiting.handle_async_request
    is_last = send.__module__.partition(".")[0] == library.name

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        request.read()
        answered = _now(_answered(library, request, is_last=is_last))
        return send(self, request) if answered is None else to_library_response(library, answered, request)

    async def handle_async_request(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answered = await _later(_answered(library, request, is_last=is_last))
        return await send_async(self, request) if answered is None else to_library_response(library, answered, request)

    blocking.handle_request = handle_request  # type: ignore[method-assign]
    awaiting.handle_async_request = handle_async_request  # type: ignore[method-assign]
    try:
        yield
    finally:
        blocking.handle_request = send  # type: ignore[method-assign]
        awaiting.handle_async_request = send_async  # type: ignore[method-assign]


def _now(asking: Asking) -> Response | None:
    with Drive(asking) as drive:
        for question in drive:
            try:
                drive.outcome = question.now()
            except Exception as error:
                drive.outcome = error
    return drive.result


async def _later(asking: Asking) -> Response | None:
    with Drive(asking) as drive:
        for question in drive:
            try:
                drive.outcome = await question.later()
            except Exception as error:
                drive.outcome = error
    return drive.result

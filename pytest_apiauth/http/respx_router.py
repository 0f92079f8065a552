"""The embedded server mounted with respx, so that any httpx client meets it at the API's host names.

Theory of operation. respx asks its routers in the order in which they were started, and each its routes in the order in
which they were added; the first that knows a request answers it. The double knows every request to its hosts, so it has
to come last, whenever it was started: it answers what neither a route of its own router does, nor a router before it
(which was asked already), nor one after it (which it asks itself).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import respx
from respx.mocks import Mocker
from respx.models import AllMockedAssertionError, PassThrough, Route, RouteList
from respx.router import Router

from pytest_apiauth.http.kept_routes import Routes
from pytest_apiauth.http.library import library
from pytest_apiauth.http.translation import in_place_of_answer, received, to_library_response
from pytest_apiauth.messages import NoAnswer, Origin, Request, Response

Answer = Callable[[httpx.Request], httpx.Response]


class Double(respx.MockRouter):
    """A router for a test's own routes, behind which the double answers."""

    origins: frozenset[Origin] = frozenset()
    answer: Answer | None = None

    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer a request by the first route that knows it, or else by the double (the library's interface)."""
        for ask in (super().handler, *(router.handler for router in self._later())):
            try:
                return ask(request)
            except AllMockedAssertionError as error:
                unknown = error
        return self._doubled(request, unknown)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an asynchronous client (the library's interface)."""
        for ask in (super().async_handler, *(router.async_handler for router in self._later())):
            try:
                return await ask(request)
            except AllMockedAssertionError as error:
                unknown = error
        return self._doubled(request, unknown)

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Have every client of httpx meet the double. Its routes and their calls are there after the block as well."""
        self.start()
        try:
            yield
        finally:
            self.stop(clear=False, reset=False)

    def routed(self, handle: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Answer what another library sends by the routes of every router, as httpx is, and count it among their calls.

        What no route takes, or lets pass, is for ``handle``. Raises NoAnswer for an error of httpx that a route raises.
        """
        every_router = self.Mocker or self

        def answer(request: Request) -> Response:
            try:
                found = asyncio.run(every_router.async_handler(_arrived(request)))
            except (AllMockedAssertionError, PassThrough, httpx.InvalidURL):
                return handle(request)
            except httpx.TransportError as error:
                raise NoAnswer(error) from None
            answered: Response | None = found.extensions.get(ANSWERED)
            return _read(found) if answered is None else answered

        return answer

    def bookmark(self, *, tokens: bool = False) -> Routes:
        """Return its routes as they are, and their calls."""
        return Routes.of(self.routes, self.calls)

    def recall(self, bookmark: Routes) -> None:
        """Go back to the routes that were there."""
        found = RouteList()
        for kept in bookmark.kept.values():
            assert isinstance(kept.route, Route)
            found.add(kept.route, name=kept.name)
            kept.put_back()
        self.routes[:] = found
        self.calls[:] = bookmark.calls

    def _later(self) -> list[Router]:
        routers = self.Mocker.routers if self.Mocker is not None else []
        return routers[routers.index(self) + 1 :] if self in routers else []

    def _doubled(self, request: httpx.Request, unknown: AllMockedAssertionError) -> httpx.Response:
        if self.answer is None or Origin.of(str(request.url)) not in self.origins:
            raise unknown
        try:
            response = self.answer(request)
        except Exception:
            self.record(request, response=None)
            raise
        if isinstance(response.stream, httpx.ByteStream):
            response.read()
        self.record(request, response=response)
        return response


ARRIVED: Final = "apiauth_arrived"
"""The extension of a request of httpx that another library has sent: as it arrived."""
ANSWERED: Final = "apiauth_answered"
"""The extension of a response to such a request: what goes back."""


def double(origins: Iterable[Origin], handle: Callable[[Request], Response]) -> Double:
    """Answer every request to one of the origins; any other host is refused, as respx does by default.

    Routes that are added to the router that it gives, or to another one, come first.
    """
    bound = library("httpx")

    def answer(request: httpx.Request) -> httpx.Response:
        arrived = request.extensions.get(ARRIVED)
        if arrived is not None:
            # What the test wants in the place of an answer is for the socket to do.
            answered = handle(arrived)
            extensions = {ANSWERED: answered}
            lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answered.headers]
            stream = bound.byte_stream(answered.body)
            return bound.response(answered.status, headers=lines, stream=stream, extensions=extensions)
        try:
            answered = handle(received(request, request.content))
        except NoAnswer as absent:
            error = in_place_of_answer(bound, absent)
        else:
            return to_library_response(bound, answered, request)
        raise error

    router = Double(assert_all_called=False, assert_all_mocked=True)
    router.origins, router.answer = frozenset(origins), answer
    return router


class OtherRouters:
    """What a test has told routers of respx that are none of ours, asked by the client of another library.

    What no route takes, or lets pass, is None. Raises NoAnswer for an error of httpx that a route raises.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    def now(self) -> Response | None:
        """Answer a client that blocks."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.later())
        return self._answered([router.handler for router in other_routers()])

    async def later(self) -> Response | None:
        """Answer a client that awaits."""
        for router in other_routers():
            try:
                return _read(await router.async_handler(_arrived(self._request)))
            except (AllMockedAssertionError, PassThrough, httpx.InvalidURL):
                continue
            except httpx.TransportError as error:
                raise NoAnswer(error) from None
        return None

    def _answered(self, handlers: list[Answer]) -> Response | None:
        for handler in handlers:
            try:
                return _read(handler(_arrived(self._request)))
            except (AllMockedAssertionError, PassThrough, httpx.InvalidURL):
                continue
            except httpx.TransportError as error:
                raise NoAnswer(error) from None
        return None


def other_routers() -> list[Router]:
    """Return the routers that are at work and none of ours: of httpx, and of whatever else stands on respx."""
    every = [router for mocker in Mocker.registry.values() for router in mocker.routers]
    return [router for router in every if not isinstance(router, Double)]


def _arrived(request: Request) -> httpx.Request:
    """Return what another library has sent as a request of httpx. Raises httpx.InvalidURL."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    return httpx.Request(
        request.method, request.url, headers=lines, content=request.body, extensions={ARRIVED: request}
    )


def _read(found: httpx.Response) -> Response:
    assert isinstance(found.stream, httpx.SyncByteStream)
    return Response(found.status_code, _lines(found), b"".join(found.stream), found.reason_phrase)


def _lines(answer: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)

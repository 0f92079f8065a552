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
from dataclasses import dataclass, field, replace
from typing import Final

import httpx
import respx
from respx.models import AllMockedAssertionError, Call, PassThrough, Route, RouteList
from respx.router import Router

from pytest_apiauth.http.library import library
from pytest_apiauth.http.translation import in_place_of_answer, received, to_library_response
from pytest_apiauth.messages import NoAnswer, Origin, Request, Response

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """A route at one moment: adding one with its pattern changes it."""

    route: Route = field(compare=False)
    name: str | None
    return_value: httpx.Response | None
    side_effect: object
    is_pass_through: bool
    calls: tuple[Call, ...] = field(compare=False)

    @classmethod
    def of(cls, route: Route) -> KeptRoute:
        """Take it as it is."""
        return cls(
            route, route.name, route.return_value, route.side_effect, route.is_pass_through, tuple(route.calls)
        )  # fmt: skip

    def put_back(self) -> None:
        """Have it as it was."""
        self.route.return_value, self.route.side_effect = self.return_value, self.side_effect  # type: ignore[assignment]
        self.route.pass_through(self.is_pass_through)
        self.route.calls[:] = self.calls


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of a router at one moment, and what it was called with."""

    kept: dict[int, KeptRoute]
    calls: tuple[Call, ...]

    def plus(self, before: Routes, after: Routes) -> Routes:
        """Add the routes that came between two moments, or changed."""
        new = {place: replace(kept, calls=()) for place, kept in after.kept.items() if before.kept.get(place) != kept}
        return Routes({**self.kept, **new}, self.calls)

    def minus(self, before: Routes, after: Routes) -> Routes:
        """Take out the routes that came between two moments."""
        new = after.kept.keys() - before.kept.keys()
        return Routes({place: kept for place, kept in self.kept.items() if place not in new}, self.calls)


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

    def bookmark(self, *, tokens: bool = False) -> Routes:
        """Return its routes as they are, and their calls."""
        return Routes({id(route): KeptRoute.of(route) for route in self.routes}, tuple(self.calls))

    def recall(self, bookmark: Routes) -> None:
        """Go back to the routes that were there."""
        found = RouteList()
        for kept in bookmark.kept.values():
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


@contextmanager
def mounted(router: Double) -> Iterator[Double]:
    """Have every client of httpx meet a double. Its routes and their calls are there after the block as well."""
    router.start()
    try:
        yield router
    finally:
        router.stop(clear=False, reset=False)


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


def routed(router: respx.MockRouter, handle: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer what another library sends by the routes of every router, as httpx is, and count it among their calls.

    What no route takes, or lets pass, is for ``handle``. Raises NoAnswer for an error of httpx that a route raises.
    """
    bound = library("httpx")
    every_router = router.Mocker or router

    def answer(request: Request) -> Response:
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        try:
            asked = bound.request(
                request.method, request.url, headers=lines, content=request.body, extensions={ARRIVED: request}
            )
            found = asyncio.run(every_router.async_handler(asked))
        except (AllMockedAssertionError, PassThrough, bound.invalid_url):
            return handle(request)
        except httpx.TransportError as error:
            raise NoAnswer(error) from None
        answered: Response | None = found.extensions.get(ANSWERED)
        if answered is not None:
            return answered
        assert isinstance(found.stream, httpx.SyncByteStream)
        return Response(found.status_code, _lines(found), b"".join(found.stream), found.reason_phrase)

    return answer


def _lines(answer: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)

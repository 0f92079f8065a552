"""The embedded server mounted with respx, so that any httpx client meets it at the API's host names.

Theory of operation. respx asks its routers in the order in which they were started, and each its routes in the order in
which they were added; the first that knows a request answers it. The double knows every request to its hosts, so it has
to come last, whenever it was started: it answers what neither a route of its own router does, nor a router before it
(which was asked already), nor one after it (which it asks itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx
import respx
from respx.models import AllMockedAssertionError
from respx.router import Router

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


@contextmanager
def mounted(origins: Iterable[Origin], handle: Callable[[Request], Response]) -> Iterator[respx.MockRouter]:
    """Answer every request to one of the origins; any other host is refused, as respx does by default.

    Routes that are added to the router that it gives, or to another one, come first.
    """
    bound = library("httpx")

    def answer(request: httpx.Request) -> httpx.Response:
        try:
            answered = handle(received(request, request.content))
        except NoAnswer as absent:
            error = in_place_of_answer(bound, absent)
        else:
            return to_library_response(bound, answered, request)
        raise error

    router = Double(assert_all_called=False, assert_all_mocked=True)
    router.origins, router.answer = frozenset(origins), answer
    with router:
        yield router

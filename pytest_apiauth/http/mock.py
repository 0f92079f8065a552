"""The embedded server mounted with respx, so that any httpx client meets it at the API's host names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx
import respx

from pytest_apiauth.http.library import library
from pytest_apiauth.http.translation import received, to_library_response
from pytest_apiauth.messages import Origin, Request, Response


@contextmanager
def mounted(origins: Iterable[Origin], handle: Callable[[Request], Response]) -> Iterator[respx.MockRouter]:
    """Answer every request to one of the origins; any other host is refused, as respx does by default."""
    bound = library("httpx")

    def answer(request: httpx.Request) -> httpx.Response:
        return to_library_response(bound, handle(received(request, request.content)), request.method)

    with respx.mock(assert_all_called=False, assert_all_mocked=True) as router:
        for origin in origins:
            router.route(scheme=origin.scheme, host=origin.host, port=origin.port).mock(side_effect=answer)
        yield router

"""The embedded server at the API's own host names, in this process: by which means, depends on the library.

Clients of httpx meet it by respx, whose router tests of theirs know. For httpx2, and where respx is not installed, it
is a router of our own: respx knows nothing of httpx2, pytest-httpx2 needs httpx beside it, and httpx2-pytest takes all
requests of a test, in other words than respx has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from pytest_apiauth import installed
from pytest_apiauth.http.kept_routes import Routes
from pytest_apiauth.http.library import library
from pytest_apiauth.messages import Origin, Request, Response

Handle = Callable[[Request], Response]


class Double(Protocol):
    """A router for a test's own routes, behind which the double answers."""

    def mounted(self) -> AbstractContextManager[None]:
        """Have every client of the library meet it. Its routes and their calls are there after the block as well."""

    def routed(self, handle: Handle) -> Handle:
        """Answer what another library sends by the routes of every router, and count it among their calls.

        What no route takes, or lets pass, is for ``handle``. Raises NoAnswer for an error that a route raises.
        """

    def bookmark(self, *, tokens: bool = False) -> Routes:
        """Return its routes as they are, and their calls."""

    def recall(self, bookmark: Routes) -> None:
        """Go back to the routes that were there."""


def double(http: str, origins: Iterable[Origin], handle: Handle) -> Double:
    """Return a router for clients of a library, whose double answers every request to one of the origins.

    Routes that are added to it, or to a router of respx, come first. Raises LibraryError for a library that is not
    installed.
    """
    bound = library(http)
    if http == "httpx" and installed.has("respx"):
        from pytest_apiauth.http import respx_router

        return respx_router.double(origins, handle)
    from pytest_apiauth.http.router import MockRouter

    return MockRouter(bound, origins, handle)

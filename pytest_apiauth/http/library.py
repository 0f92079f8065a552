"""httpx or httpx2, chosen by name and imported on use.

The two have the same shape but different classes: each refuses the other's ``Auth``. So the classes of this
package are written once, without a base, and `Library.bind` puts them on the base of the library at hand.
Types are written in httpx's words for both.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pytest_apiauth import installed
from pytest_apiauth.errors import ApiAuthError

if TYPE_CHECKING:
    import httpx

Part = TypeVar("Part")
KEPT_URLS: Final = 256


class LibraryError(ApiAuthError):
    """The HTTP library that was asked for is unknown or not installed."""


class Library:
    """One HTTP library: the classes of it that this package uses. Get it with `library`."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.name: str = module.__name__
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self.request: type[httpx.Request] = module.Request
        self.response: type[httpx.Response] = module.Response
        self.url: type[httpx.URL] = module.URL
        self.limits: type[httpx.Limits] = module.Limits
        self.byte_stream: type[httpx.ByteStream] = module.ByteStream
        self.http_transport: type[httpx.HTTPTransport] = module.HTTPTransport
        self.async_http_transport: type[httpx.AsyncHTTPTransport] = module.AsyncHTTPTransport
        self.request_error: type[httpx.RequestError] = module.RequestError
        self.decoding_error: type[httpx.DecodingError] = module.DecodingError
        self.local_protocol_error: type[httpx.LocalProtocolError] = module.LocalProtocolError
        self.dropped: tuple[type[Exception], ...] = (module.ReadError, module.WriteError, module.RemoteProtocolError)
        self.invalid_url: type[httpx.InvalidURL] = module.InvalidURL
        self._bound: dict[type, Any] = {}
        self.parsed: Callable[[str], httpx.URL] = lru_cache(KEPT_URLS)(module.URL)
        """Return a URL without secrets, parsed once: that takes a fifth of the time of a whole request in process."""

    def bind(self, part: type[Part], *bases: str) -> type[Part]:
        """Return a class of ours as a subclass of this library's classes ``bases``."""
        bound: type[Part] | None = self._bound.get(part)
        if bound is None:
            parents = (part, *(getattr(self.module, base) for base in bases))
            bound = self._bound[part] = type(part.__name__, parents, {"__module__": part.__module__})
        return bound

    def __repr__(self) -> str:
        return f"<Library {self.name}>"


@cache
def library(name: str) -> Library:
    """Import an HTTP library by name. Raises LibraryError if it is unknown or not installed."""
    if name not in installed.LIBRARIES:
        raise LibraryError(f"apiauth_http: no library {name!r}; known are: {', '.join(installed.LIBRARIES)}")
    lacking = installed.lacking(name)
    if lacking:
        raise LibraryError(f"apiauth_http: {lacking}")
    return Library(importlib.import_module(name))

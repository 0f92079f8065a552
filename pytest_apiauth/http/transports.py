"""How messages leave: to a function in this process, or over the network.

A `Carrier` makes transports, one for each client; what is expensive (the TLS context) it makes once. Our
in-process transports derive from the libraries' abstract bases only: recorders patch ``HTTPTransport``,
``MockTransport``, ``ASGITransport`` and ``WSGITransport``, and must not get hold of a server in this process.
"""

from __future__ import annotations

import inspect
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import getproxies, proxy_bypass

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http.library import Library, library
from pytest_apiauth.http.sending import received, refuse_unsendable, to_library_response
from pytest_apiauth.messages import Origin, Request, Response

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, BaseTransport
else:
    BaseTransport = AsyncBaseTransport = object

Handle = Callable[[Request], Response]
AsyncHandle = Callable[[Request], Response | Awaitable[Response]]


Turn = Callable[[], float]
Seen = Callable[[Request, Response], None]


def _at_once() -> float:
    return 0.0


class Carrier(Protocol):
    """Makes transports of one library."""

    @property
    def library(self) -> Library:
        """The library whose transports it makes."""
        ...

    def transport(self) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        ...

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        ...


class EmbeddedTransport(BaseTransport):
    """Hands each request to a function, after refusing what a connection would refuse."""

    def __init__(self, library: Library, handle: Handle) -> None:
        self._library = library
        self._handle = handle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        body = request.read()
        _refuse(self._library, request, body)
        return to_library_response(self._library, self._handle(received(request, body)), request.method)


class AsyncEmbeddedTransport(AsyncBaseTransport):
    """The same for asynchronous clients; the function may be asynchronous too."""

    def __init__(self, library: Library, handle: AsyncHandle) -> None:
        self._library = library
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        body = await request.aread()
        _refuse(self._library, request, body)
        answer = self._handle(received(request, body))
        if inspect.isawaitable(answer):
            answer = await answer
        return to_library_response(self._library, answer, request.method)


def _refuse(library: Library, request: httpx.Request, body: bytes) -> None:
    reason = refuse_unsendable(request, body)
    if reason is not None:
        raise library.local_protocol_error(reason)


class InProcess:
    """Carries messages to a function in this process.

    ``async_handle`` serves asynchronous clients; without it they call ``handle`` too.
    """

    def __init__(self, library_name: str, handle: Handle, async_handle: AsyncHandle | None = None) -> None:
        self.library = library(library_name)
        self._handle = handle
        self._async_handle = async_handle or handle

    def transport(self) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        return self.library.bind(EmbeddedTransport, "BaseTransport")(self.library, self._handle)

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        return self.library.bind(AsyncEmbeddedTransport, "AsyncBaseTransport")(self.library, self._async_handle)


class Network:
    """Carries messages over real connections: one TLS context, the environment's proxies.

    ``ca_file`` names certificates to trust in addition to the usual ones. The TLS context takes tens of
    milliseconds to make, so it is made at the first request that needs it, once for all clients. ``turn`` is asked
    before each request how many seconds it has to wait, and may raise. ``proxy`` is the URL of a proxy for all
    requests, instead of what the environment says. ``seen`` is shown our own requests, those for tokens, with their
    answers.
    """

    def __init__(
        self,
        library_name: str,
        *,
        ca_file: str | None = None,
        turn: Turn | None = None,
        proxy: str | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.library = library(library_name)
        self.proxy = proxy
        self.seen = seen
        self.turn = turn or _at_once
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._mutex = threading.Lock()

    def tls(self) -> ssl.SSLContext:
        """Give the TLS context. Raises ProfileError where ``ca_file`` cannot be read."""
        with self._mutex:
            if self._context is None:
                context: ssl.SSLContext = self.library.module.create_ssl_context()
                if self._ca_file is not None:
                    try:
                        context.load_verify_locations(self._ca_file)
                    except (OSError, ssl.SSLError) as error:
                        raise ProfileError(f"ca_file: {self._ca_file} cannot be read: {error}") from None
                self._context = context
            return self._context

    def transport(self) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        return self.library.bind(NetworkTransport, "BaseTransport")(self)

    def async_transport(self) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        return self.library.bind(AsyncNetworkTransport, "AsyncBaseTransport")(self)


def proxy_for(request: httpx.Request) -> str | None:
    """Give the proxy that the environment names for a request. Loopback is never reached through one."""
    url = request.url
    if Origin(url.scheme, url.host, url.port or 0).is_loopback or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


class _Routes:
    """The library's own transports, one for each proxy and one without, made when first needed."""

    def __init__(self, make: Callable[[str | None], Any], proxy: str | None) -> None:
        self._make = make
        self._proxy = proxy
        self._made: dict[str | None, Any] = {}
        self._mutex = threading.Lock()

    def to(self, request: httpx.Request) -> Any:
        proxy = self._proxy or proxy_for(request)
        with self._mutex:
            if proxy not in self._made:
                self._made[proxy] = self._make(proxy)
            return self._made[proxy]

    def all(self) -> list[Any]:
        with self._mutex:
            return list(self._made.values())


class NetworkTransport(BaseTransport):
    """Sends each request over a connection of its own library's making."""

    def __init__(self, network: Network) -> None:
        kind = network.library.http_transport
        # Some servers keep an idle connection for two seconds only (gunicorn): a request that is sent as it
        # closes gets no answer, so none is kept for that long.
        limits = network.library.limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=1.0)
        self._routes = _Routes(lambda proxy: kind(verify=network.tls(), proxy=proxy, limits=limits), network.proxy)
        self._turn = network.turn

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        seconds = self._turn()
        if seconds > 0:
            time.sleep(seconds)
        response: httpx.Response = self._routes.to(request).handle_request(request)
        return response

    def close(self) -> None:
        """Close every connection."""
        for transport in self._routes.all():
            transport.close()


class AsyncNetworkTransport(AsyncBaseTransport):
    """The same for asynchronous clients. Keeps no connection: each test may have an event loop of its own."""

    def __init__(self, network: Network) -> None:
        kind = network.library.async_http_transport
        limits = network.library.limits(max_connections=100, max_keepalive_connections=0)
        self._routes = _Routes(lambda proxy: kind(verify=network.tls(), proxy=proxy, limits=limits), network.proxy)
        self._turn = network.turn

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        seconds = self._turn()
        if seconds > 0:
            import anyio

            await anyio.sleep(seconds)
        response: httpx.Response = await self._routes.to(request).handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._routes.all():
            await transport.aclose()

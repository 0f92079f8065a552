"""How messages leave: to a function in this process, or over the network.

A `Connector` makes transports, one for each client; what is expensive (the TLS context) it makes once, and what leaves
by any of them it counts. Our in-process transports derive from the libraries' abstract bases only: recorders patch
``HTTPTransport``, ``MockTransport``, ``ASGITransport`` and ``WSGITransport``, and must not get hold of a server in this
process.
"""

from __future__ import annotations

import inspect
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http.bounds import AsyncBoundedBackend, BoundedBackend, with_bounds
from pytest_apiauth.http.connections import USUAL, Connections, is_local, proxy_for
from pytest_apiauth.http.library import Library, library
from pytest_apiauth.http.translation import (
    CERTIFICATE,
    in_place_of_answer,
    received,
    refuse_unsendable,
    to_library_response,
)
from pytest_apiauth.messages import ClientCertificate, NoAnswer, Request, Response

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncBaseTransport, BaseTransport
else:
    BaseTransport = AsyncBaseTransport = object

Handle = Callable[[Request], Response]
AsyncHandle = Callable[[Request], Response | Awaitable[Response]]


Turn = Callable[[], float]
Seen = Callable[[Request, Response], None]


class Count:
    """A count of requests that left, of whichever thread."""

    def __init__(self) -> None:
        self.total = 0
        self._mutex = threading.Lock()

    def add(self) -> None:
        """Count one more."""
        with self._mutex:
            self.total += 1


class Connector(Protocol):
    """Makes transports of one library, as aiohttp calls what makes its connections.

    A client, a sender or a flow is given one, and so the place its requests get to. If there are no connections,
    `Connections` mean nothing.
    """

    @property
    def library(self) -> Library:
        """The library whose transports it makes."""
        ...

    @property
    def sent(self) -> int:
        """How many requests have left, by all its transports and beside them."""
        ...

    def leave(self) -> float:
        """Count a request that leaves now, and return how many seconds it has to wait for that. May raise."""
        ...

    def transport(self, connections: Connections = USUAL) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        ...

    def async_transport(self, connections: Connections = USUAL) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        ...


class EmbeddedTransport(BaseTransport):
    """Hands each request to a function, after refusing what a connection would refuse."""

    def __init__(self, library: Library, handle: Handle, count: Count) -> None:
        self._library = library
        self._handle = handle
        self._count = count

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        body = request.read()
        _refuse(self._library, request, body)
        self._count.add()
        try:
            answer = self._handle(received(request, body))
        except NoAnswer as absent:
            error = in_place_of_answer(self._library, absent)
        else:
            return to_library_response(self._library, answer, request)
        raise error


class AsyncEmbeddedTransport(AsyncBaseTransport):
    """The same for asynchronous clients; the function may be asynchronous too."""

    def __init__(self, library: Library, handle: AsyncHandle, count: Count) -> None:
        self._library = library
        self._handle = handle
        self._count = count

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        body = await request.aread()
        _refuse(self._library, request, body)
        self._count.add()
        try:
            answer = self._handle(received(request, body))
            if inspect.isawaitable(answer):
                answer = await answer
        except NoAnswer as absent:
            error = in_place_of_answer(self._library, absent)
        else:
            return to_library_response(self._library, answer, request)
        raise error


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
        self._count = Count()

    @property
    def sent(self) -> int:
        """How many requests have reached the function."""
        return self._count.total

    def leave(self) -> float:
        """Count a request; in a process nobody waits."""
        self._count.add()
        return 0.0

    def transport(self, connections: Connections = USUAL) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        return self.library.bind(EmbeddedTransport, "BaseTransport")(self.library, self._handle, self._count)

    def async_transport(self, connections: Connections = USUAL) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        bound = self.library.bind(AsyncEmbeddedTransport, "AsyncBaseTransport")
        return bound(self.library, self._async_handle, self._count)


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
        self._turn = turn
        self._count = Count()
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._mutex = threading.Lock()

    @property
    def sent(self) -> int:
        """How many requests have left."""
        return self._count.total

    def leave(self) -> float:
        """Take a turn for a request, count it, and return the seconds until its turn comes. May raise."""
        seconds = 0.0 if self._turn is None else self._turn()
        self._count.add()
        return seconds

    def tls(self) -> ssl.SSLContext:
        """Return the TLS context. Raises ProfileError if ``ca_file`` cannot be read."""
        with self._mutex:
            if self._context is None:
                self._context = self.new_tls()
            return self._context

    def new_tls(self) -> ssl.SSLContext:
        """Make another context like it. Raises ProfileError if ``ca_file`` cannot be read."""
        context: ssl.SSLContext = self.library.module.create_ssl_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError) as error:
                raise ProfileError(f"ca_file: {self._ca_file} cannot be read: {error}") from None
        return context

    def transport(self, connections: Connections = USUAL) -> httpx.BaseTransport:
        """Make a transport for a blocking client."""
        return self.library.bind(NetworkTransport, "BaseTransport")(self, connections)

    def async_transport(self, connections: Connections = USUAL) -> httpx.AsyncBaseTransport:
        """Make a transport for an asynchronous client."""
        return self.library.bind(AsyncNetworkTransport, "AsyncBaseTransport")(self, connections)


class _Routes:
    """The library's own transports, one for each proxy and certificate and one without, made when first needed.

    A proxy that a client asks for is not asked for this machine, unless it is on this machine itself: elsewhere
    ``localhost`` is another one. What a client asks for is made at once, so that what cannot be is said at once.
    """

    def __init__(
        self,
        kind: Callable[..., Any],
        network: Network,
        connections: Connections,
        backend: type[BoundedBackend],
        *,
        keeps: bool,
    ) -> None:
        self._connections = connections
        self._proxy = connections.proxy or network.proxy
        self._is_skipped = connections.proxy is not None and not is_local(connections.proxy.url)
        # Some servers keep an idle connection for two seconds only (gunicorn): a request that is sent as it
        # closes gets no answer, so none is kept for that long.
        limits = connections.limits or network.library.limits(
            max_connections=100, max_keepalive_connections=20, keepalive_expiry=1.0
        )
        if not keeps:
            limits = network.library.limits(max_connections=limits.max_connections, max_keepalive_connections=0)
        self._network = network
        self._kind = kind
        self._backend = backend
        self._limits = limits
        self._made: dict[tuple[Any, ClientCertificate | None], Any] = {}
        self._mutex = threading.Lock()
        if connections.http2 and find_spec("h2") is None:
            name = network.library.name
            raise ProfileError(f"http2: the package h2 is not installed; pip install '{name}[http2]'")
        if connections != USUAL:
            self._through(self._proxy)

    def to(self, request: httpx.Request) -> Any:
        # Nobody's requests go over a connection that somebody has shown a certificate for.
        certificate = request.extensions.get(CERTIFICATE) if request.url.scheme == "https" else None
        if self._proxy is not None:
            return self._through(None if self._is_skipped and is_local(request.url) else self._proxy, certificate)
        return self._through(proxy_for(request) if self._connections.trust_env else None, certificate)

    def _through(self, proxy: Any, certificate: ClientCertificate | None = None) -> Any:
        with self._mutex:
            if (proxy, certificate) not in self._made:
                asked = self._connections
                made = self._kind(
                    verify=asked.tls(self._network.tls, self._network.new_tls, certificate),
                    proxy=proxy,
                    limits=self._limits,
                    http1=asked.http1,
                    http2=asked.http2,
                )
                self._made[proxy, certificate] = with_bounds(made, self._backend, is_counted=not asked.http2)
            return self._made[proxy, certificate]

    def all(self) -> list[Any]:
        with self._mutex:
            return list(self._made.values())


class NetworkTransport(BaseTransport):
    """Sends each request over a connection of its own library's making."""

    def __init__(self, network: Network, connections: Connections) -> None:
        self._routes = _Routes(network.library.http_transport, network, connections, BoundedBackend, keeps=True)
        self._leave = network.leave

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        seconds = self._leave()
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

    def __init__(self, network: Network, connections: Connections) -> None:
        kind = network.library.async_http_transport
        self._routes = _Routes(kind, network, connections, AsyncBoundedBackend, keeps=False)
        self._leave = network.leave

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request (the library's interface)."""
        seconds = self._leave()
        if seconds > 0:
            import anyio

            await anyio.sleep(seconds)
        response: httpx.Response = await self._routes.to(request).handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._routes.all():
            await transport.aclose()

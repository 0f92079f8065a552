"""The clients that tests use, and the wire that the examiner uses.

A flow (`pytest_apiauth.auth.flow`) decides, an `Auth` drives it. Token requests go through the client's own guarded
transport but not through the client: they follow no redirect, meet none of the user's hooks, and are in no
response's history. The user's request is never rebuilt, only its headers are set.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from functools import cache
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, Final

from pytest_apiauth.auth.flow import Authenticator, Forward, Send, Wait
from pytest_apiauth.auth.tokens import Token
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import DroppedError, UnreachableError
from pytest_apiauth.http.guard import AsyncGuardedTransport, Guard, GuardedTransport
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.options import read_options
from pytest_apiauth.http.translation import (
    NotSendable,
    from_library_response,
    refuse_unsendable,
    to_library_request,
    unreachable,
)
from pytest_apiauth.http.transports import Carrier, Handle, InProcess, Network, Seen
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    import httpx
    from httpx import Auth as AuthBase
else:
    AuthBase = object

Extensions = dict[str, Any]
Hooks = Mapping[str, list[Callable[..., Any]]]
TIMEOUT: Final = 10.0
"""Seconds to wait for a connection, and for each piece of an answer."""
DEADLINE: Final = 30.0
"""Seconds in which the body of an answer must have come: one that drips would never end."""
LARGEST: Final = 16_000_000
"""Bytes of an answer to a request of ours, decoded. What a user's own request is answered with is never cut."""
_TIMEOUT: Final = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT)}


class _Body:
    """The body of one answer as it comes, within bounds of time and, once decoded, of size."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._end = time.monotonic() + DEADLINE
        self._left = LARGEST

    def take(self, piece: bytes) -> str | None:
        """Keep a piece, and return why no more is taken, or None."""
        self.pieces.append(piece)
        self._left -= len(piece)
        if self._left < 0:
            return f"the answer is larger than {LARGEST // 1_000_000} MB"
        if time.monotonic() > self._end:
            return f"the answer was not complete after {DEADLINE:.0f} seconds"
        return None


@cache
def _status_alone(status: int) -> Response:
    """Give what a flow learns of the user's own answer: its status, nothing else."""
    return Response(status)


class Sender:
    """Sends the house's messages through a library's transport, exactly as they are.

    Raises NotSendable for what no connection can carry, UnreachableError where no answer comes.
    """

    def __init__(self, library: Library, profile: str, redactor: Redactor, seen: Seen | None = None) -> None:
        self._library = library
        self._profile = profile
        self._redactor = redactor
        self._seen = seen

    def send(self, transport: httpx.BaseTransport, message: Request, extensions: Extensions) -> Response:
        """Send a message and read its answer."""
        request = self._prepared(message, extensions)
        try:
            response = transport.handle_request(request)
            try:
                return self._shown(message, from_library_response(response, self._body(message, response)))
            finally:
                response.close()
        except self._library.request_error as error:
            raise self._explained(message, error) from None

    def _body(self, message: Request, response: httpx.Response) -> bytes:
        body = _Body()
        for piece in response.iter_bytes():
            self._take(body, piece, message)
        return b"".join(body.pieces)

    async def _async_body(self, message: Request, response: httpx.Response) -> bytes:
        body = _Body()
        async for piece in response.aiter_bytes():
            self._take(body, piece, message)
        return b"".join(body.pieces)

    def _take(self, body: _Body, piece: bytes, message: Request) -> None:
        reason = body.take(piece)
        if reason is not None:
            raise UnreachableError(f"{self._profile}: {Origin.of(message.url)}: {reason}")

    async def send_async(
        self, transport: httpx.AsyncBaseTransport, message: Request, extensions: Extensions
    ) -> Response:
        """Send a message and read its answer."""
        request = self._prepared(message, extensions)
        try:
            response = await transport.handle_async_request(request)
            try:
                return self._shown(message, from_library_response(response, await self._async_body(message, response)))
            finally:
                await response.aclose()
        except self._library.request_error as error:
            raise self._explained(message, error) from None

    def _shown(self, message: Request, response: Response) -> Response:
        if self._seen is not None:
            self._seen(message, response)
        return response

    def _prepared(self, message: Request, extensions: Extensions) -> httpx.Request:
        request = to_library_request(self._library, message, extensions)
        reason = refuse_unsendable(request, message.body)
        if reason is not None:
            raise NotSendable(f"not sendable: {reason}")
        return request

    def _explained(self, message: Request, error: Exception) -> Exception:
        if isinstance(error, self._library.local_protocol_error):
            # Without its text, which quotes what was refused.
            return NotSendable("not sendable: the HTTP library refuses it")
        found = unreachable(self._profile, message.url, error, self._redactor)
        return DroppedError(str(found)) if isinstance(error, self._library.dropped) else found


class Auth(AuthBase):
    """Drives a flow for a client. Made by `build_client`, bound to the library's own ``Auth``."""

    def __init__(
        self,
        authenticator: Authenticator,
        sender: Sender,
        byte_stream: type[httpx.ByteStream],
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.authenticator = authenticator
        self._sender = sender
        self._byte_stream = byte_stream
        self._transport = transport
        self._async_transport = async_transport

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authenticate a request of a blocking client (the library's interface)."""
        assert self._transport is not None
        replayable = isinstance(request.stream, self._byte_stream)
        flow = self.authenticator.authenticate(lambda: request.url.path, replayable=replayable)
        try:
            step = next(flow)
            while True:
                answer: Response | None = None
                if isinstance(step, Forward):
                    for name, value in step.headers.items():
                        request.headers[name] = value
                    response = yield request
                    answer = _status_alone(response.status_code)
                elif isinstance(step, Wait):
                    step.flight.wait()
                else:
                    try:
                        answer = self._sender.send(self._transport, step.request, _extensions(request))
                    except Exception as error:
                        step = flow.throw(error)
                        continue
                step = flow.send(answer)
        except StopIteration:
            return
        finally:
            flow.close()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authenticate a request of an asynchronous client (the library's interface)."""
        assert self._async_transport is not None
        replayable = isinstance(request.stream, self._byte_stream)
        flow = self.authenticator.authenticate(lambda: request.url.path, replayable=replayable)
        try:
            step = next(flow)
            while True:
                answer: Response | None = None
                if isinstance(step, Forward):
                    for name, value in step.headers.items():
                        request.headers[name] = value
                    response = yield request
                    answer = _status_alone(response.status_code)
                elif isinstance(step, Wait):
                    await step.flight.wait_async()
                else:
                    try:
                        answer = await self._sender.send_async(
                            self._async_transport, step.request, _extensions(request)
                        )
                    except Exception as error:
                        step = flow.throw(error)
                        continue
                step = flow.send(answer)
        except StopIteration:
            return
        finally:
            # A cancelled leader hands on the lead here.
            flow.close()


def _extensions(request: httpx.Request) -> Extensions:
    """Give a token request the time limits of the request it is for, and nothing else of it."""
    return {"timeout": request.extensions.get("timeout", _TIMEOUT["timeout"])}


def _seen(carrier: Carrier) -> Seen | None:
    return carrier.seen if isinstance(carrier, Network) else None


def build_client(
    profile: Profile,
    carrier: Carrier,
    redactor: Redactor,
    *,
    authenticator: Authenticator | None = None,
    allow_unsafe: bool = True,
    **options: Any,
) -> httpx.Client:
    """Build a client with the API's base URL, behind the guard; without an authenticator it sends no credential.

    ``options`` are the library's own; `read_options` says what becomes of each. Raises ProfileError.
    """
    library = carrier.library
    guard = Guard(library, profile, redactor, allow_unsafe=allow_unsafe)
    asked = read_options(library.client, library, guard, redactor, options, authenticator is not None)
    with asked.explained():
        inner = carrier.transport(asked.connections)
    transport: httpx.BaseTransport = GuardedTransport.around(inner, guard, library)
    if asked.around is not None:
        # Guarded on both sides: it may open connections of its own, and send on another request than it got.
        outer = asked.own_transport(transport, "handle_request", library.http_transport)
        transport = GuardedTransport.around(outer, guard, library, transport)
    auth = asked.auth
    if authenticator is not None:
        sender = Sender(library, profile.name, redactor, _seen(carrier))
        auth = library.bind(Auth, "Auth")(authenticator, sender, library.byte_stream, transport=transport)
    with asked.explained():
        client = library.client(**asked.for_client(profile.base_url), transport=transport, auth=auth)
    guard.jar = _jar_of(client)
    return client


def build_async_client(
    profile: Profile,
    carrier: Carrier,
    redactor: Redactor,
    *,
    authenticator: Authenticator | None = None,
    allow_unsafe: bool = True,
    **options: Any,
) -> httpx.AsyncClient:
    """Build an asynchronous client, in every other respect as `build_client` does."""
    library = carrier.library
    guard = Guard(library, profile, redactor, allow_unsafe=allow_unsafe)
    asked = read_options(library.async_client, library, guard, redactor, options, authenticator is not None)
    with asked.explained():
        inner = carrier.async_transport(asked.connections)
    transport: httpx.AsyncBaseTransport = AsyncGuardedTransport.around(inner, guard, library)
    if asked.around is not None:
        outer = asked.own_transport(transport, "handle_async_request", library.async_http_transport)
        transport = AsyncGuardedTransport.around(outer, guard, library, transport)
    auth = asked.auth
    if authenticator is not None:
        sender = Sender(library, profile.name, redactor, _seen(carrier))
        auth = library.bind(Auth, "Auth")(authenticator, sender, library.byte_stream, async_transport=transport)
    with asked.explained():
        client = library.async_client(**asked.for_client(profile.base_url), transport=transport, auth=auth)
    guard.jar = _jar_of(client)
    return client


def _jar_of(client: httpx.Client | httpx.AsyncClient) -> Callable[[], CookieJar | None]:
    """Give the cookies that a client has by then, without keeping it alive."""
    reference = weakref.ref(client)

    def jar() -> CookieJar | None:
        alive = reference()
        return None if alive is None else alive.cookies.jar

    return jar


def fetch_token(authenticator: Authenticator, carrier: Carrier, redactor: Redactor) -> Token:
    """Get the current token of an authenticator, without a client. Raises TokenError or UnreachableError."""
    profile, library = authenticator.profile, carrier.library
    guard = Guard(library, profile, redactor)
    wire = Wire(library, profile.name, redactor, carrier.transport(), guard, _seen(carrier))
    flow = authenticator.token()
    try:
        step = next(flow)
        while True:
            if isinstance(step, Send):
                try:
                    answer: Response | None = wire.send(step.request)
                except Exception as error:
                    step = flow.throw(error)
                    continue
            else:
                step.flight.wait()
                answer = None
            step = flow.send(answer)
    except StopIteration as end:
        token: Token = end.value
        return token
    finally:
        flow.close()
        wire.close()


class Wire:
    """Sends single requests as they are: no authentication, no redirects, no cookies, every header line kept.

    Make one with `live`, `in_process` or `embedded`. It blocks, and may be used from several threads.
    """

    def __init__(
        self,
        library: Library,
        profile: str,
        redactor: Redactor,
        transport: httpx.BaseTransport,
        guard: Guard | None = None,
        seen: Seen | None = None,
    ) -> None:
        if guard is not None:
            transport = GuardedTransport.around(transport, guard, library)
        self._transport = transport
        self._sender = Sender(library, profile, redactor, seen)

    @classmethod
    def embedded(cls, library_name: str, handle: Handle) -> Wire:
        """Make a wire to a function in this process."""
        carrier = InProcess(library_name, handle)
        return cls(carrier.library, "embedded", Redactor(), carrier.transport())

    @classmethod
    def in_process(cls, carrier: InProcess, profile: Profile, redactor: Redactor) -> Wire:
        """Make a wire to a profile's app in this process, behind the guard."""
        guard = Guard(carrier.library, profile, redactor)
        return cls(carrier.library, profile.name, redactor, carrier.transport(), guard)

    @classmethod
    def live(cls, library_name: str, profile: Profile, redactor: Redactor, *, network: Network | None = None) -> Wire:
        """Make a wire to a profile's real URLs, behind the guard."""
        carrier = network or Network(library_name, ca_file=profile.ca_file)
        guard = Guard(carrier.library, profile, redactor)
        return cls(carrier.library, profile.name, redactor, carrier.transport(), guard, carrier.seen)

    def send(self, request: Request) -> Response:
        """Send one request. Raises NotSendable, UnreachableError, or GuardError."""
        try:
            return self._sender.send(self._transport, request, dict(_TIMEOUT))
        except DroppedError:
            # Of a kept connection one cannot know whether the server is about to end it; a request that changes
            # nothing is repeated once on a new one (RFC 9112 9.3.1).
            if request.method not in ("GET", "HEAD"):
                raise
            return self._sender.send(self._transport, request, dict(_TIMEOUT))

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

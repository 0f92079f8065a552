"""Single messages on their way: exactly as they are, with an answer that is read within bounds.

A `Messenger` hands them to the transport it is given, blocking or not; a `Sender` has one of its own.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

from pytest_apiauth.auth.logins import of_login
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import DroppedError, HandshakeError, UnreachableError
from pytest_apiauth.http.guard import Guard, GuardedTransport
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.translation import (
    NotSendable,
    from_library_response,
    refuse_unsendable,
    to_library_request,
    unreachable,
)
from pytest_apiauth.http.transports import Connector, Handle, InProcess, Network, Seen
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    import httpx

Extensions = dict[str, Any]
TIMEOUT: Final = 10.0
"""Seconds to wait for a connection, and for each piece of an answer."""
DEADLINE: Final = 30.0
"""Seconds in which the body of an answer must have come: one that drips would never end."""
LARGEST: Final = 16_000_000
"""Bytes of an answer to a request of ours, decoded. What a user's own request is answered with is never cut."""
ALERT: Final = re.compile(r"_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)")
"""What OpenSSL calls the alerts of a server that is not content with the client's certificate (RFC 8446 6.2)."""
TIMEOUTS: Final[Extensions] = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT)}


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


class Messenger:
    """Sends the house's messages through a library's transport, exactly as they are.

    Raises NotSendable for what no connection can carry, UnreachableError if no answer comes.
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
            with of_login(message.is_of_login):
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
            with of_login(message.is_of_login):
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
        if ALERT.search(str(error)) is not None:
            return HandshakeError(str(found))
        return DroppedError(str(found)) if isinstance(error, self._library.dropped) else found


def seen_by(connector: Connector) -> Seen | None:
    """Return what is shown our own requests that a connector carries, if anything is."""
    return connector.seen if isinstance(connector, Network) else None


class Sender:
    """Sends single requests as they are: no authentication, no redirects, no cookies, every header line kept.

    Make one with `live`, `in_process` or `embedded`. It blocks, and may be used from several threads. A request leaves
    once, whatever comes of it.
    """

    def __init__(self, connector: Connector, profile: str, redactor: Redactor, guard: Guard | None = None) -> None:
        transport = connector.transport()
        if guard is not None:
            transport = GuardedTransport.around(transport, guard, connector.library)
        self._connector = connector
        self._transport = transport
        self._messenger = Messenger(connector.library, profile, redactor, seen_by(connector))

    @classmethod
    def embedded(cls, library_name: str, handle: Handle) -> Sender:
        """Make a sender to a function in this process."""
        return cls(InProcess(library_name, handle), "embedded", Redactor())

    @classmethod
    def in_process(cls, connector: InProcess, profile: Profile, redactor: Redactor) -> Sender:
        """Make a sender to a profile's app in this process, behind the guard."""
        return cls(connector, profile.name, redactor, Guard(connector.library, profile, redactor))

    @classmethod
    def live(cls, library_name: str, profile: Profile, redactor: Redactor, *, network: Network | None = None) -> Sender:
        """Make a sender to a profile's real URLs, behind the guard."""
        connector = network or Network(library_name, ca_file=profile.ca_file)
        return cls(connector, profile.name, redactor, Guard(connector.library, profile, redactor))

    def send(self, request: Request) -> Response:
        """Send one request. Raises NotSendable, UnreachableError, or GuardError."""
        return self._messenger.send(self._transport, request, dict(TIMEOUTS))

    @property
    def sent(self) -> int:
        """How many requests have left, by this sender and by whatever else its connector carries."""
        return self._connector.sent

    def take_turn(self) -> None:
        """Wait for the turn of a request that leaves by other means, and count it. Raises what a turn raises."""
        seconds = self._connector.leave()
        if seconds > 0:
            time.sleep(seconds)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

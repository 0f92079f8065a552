"""Single messages on their way: exactly as they are, with an answer that is read within bounds.

A `Messenger` hands them to the transport it is given, blocking or not; a `Sender` has one of its own.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, cast

from pytest_apiauth.auth.logins import of_login
from pytest_apiauth.codings import CodingError
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import DroppedError, HandshakeError, UnreachableError
from pytest_apiauth.http.bounds import BeyondError, Reading, bounded, timeouts
from pytest_apiauth.http.guard import Guard, GuardedTransport
from pytest_apiauth.http.library import Library
from pytest_apiauth.http.translation import (
    NotSendable,
    endpoint,
    from_library_response,
    refuse_unsendable,
    to_library_request,
    unreachable,
)
from pytest_apiauth.http.transports import Connector, Handle, InProcess, Network, Seen
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    import httpx

Extensions = dict[str, Any]
ALERT: Final = re.compile(r"_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)")
"""What OpenSSL calls the alerts of a server that is not content with the client's certificate (RFC 8446 6.2)."""


class Messenger:
    """Sends the house's messages through a library's transport, exactly as they are.

    Raises NotSendable for what no connection can carry, UnreachableError if no answer comes.
    """

    def __init__(
        self, library: Library, profile: str, redactor: Redactor, seen: Seen | None = None, *, is_document: bool = False
    ) -> None:
        self._is_document = is_document
        self._library = library
        self._profile = profile
        self._redactor = redactor
        self._seen = seen

    def send(self, transport: httpx.BaseTransport, message: Request, extensions: Extensions) -> Response:
        """Send a message and read its answer."""
        request = self._prepared(message, extensions)
        reading = Reading(extensions.get("timeout"), is_document=self._is_document)
        try:
            with of_login(message.is_of_login), bounded(reading):
                response = transport.handle_request(request)
                try:
                    reading.end_of_head(len(response.headers.raw))
                    pieces: list[bytes] | None = None if response.is_stream_consumed else []
                    if pieces is not None:
                        # As the library reads it, without its chunks and counts of what came.
                        for piece in cast("httpx.SyncByteStream", response.stream):
                            reading.take(len(piece))
                            pieces.append(piece)
                finally:
                    response.close()
            return self._shown(message, self._read(response, reading, pieces))
        except (BeyondError, self._library.request_error) as error:
            raise self._explained(message, error) from None

    async def send_async(
        self, transport: httpx.AsyncBaseTransport, message: Request, extensions: Extensions
    ) -> Response:
        """Send a message and read its answer."""
        request = self._prepared(message, extensions)
        reading = Reading(extensions.get("timeout"), is_document=self._is_document)
        try:
            with of_login(message.is_of_login), bounded(reading):
                response = await transport.handle_async_request(request)
                try:
                    reading.end_of_head(len(response.headers.raw))
                    pieces: list[bytes] | None = None if response.is_stream_consumed else []
                    if pieces is not None:
                        async for piece in cast("httpx.AsyncByteStream", response.stream):
                            reading.take(len(piece))
                            pieces.append(piece)
                finally:
                    await response.aclose()
            return self._shown(message, self._read(response, reading, pieces))
        except (BeyondError, self._library.request_error) as error:
            raise self._explained(message, error) from None

    def _read(self, response: httpx.Response, reading: Reading, pieces: list[bytes] | None) -> Response:
        """Return an answer whose body has come, without its codings: the libraries undo them without a bound."""
        if pieces is None:
            # A transport of the user's own has read it, or has made it.
            return from_library_response(response, response.content)
        try:
            body = reading.unpacked(b"".join(pieces), response.headers.get("content-encoding", ""))
        except CodingError as error:
            raise self._library.decoding_error(str(error)) from None
        return from_library_response(response, body)

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
        if isinstance(error, BeyondError):
            return UnreachableError(f"{self._profile}: {endpoint(message, self._redactor)}: {error}")
        if isinstance(error, self._library.local_protocol_error):
            # Without its text, which quotes what was refused.
            return NotSendable("not sendable: the HTTP library refuses it")
        found = unreachable(self._profile, message, error, self._redactor)
        if ALERT.search(str(error)) is not None:
            return HandshakeError(str(found))
        return DroppedError(str(found)) if isinstance(error, self._library.dropped) else found


def seen_by(connector: Connector) -> Seen | None:
    """Return what is shown our own requests that a connector carries, if anything is."""
    return connector.seen if isinstance(connector, Network) else None


class Sender:
    """Sends single requests as they are: no authentication, no redirects, no cookies, every header line kept.

    Make one with `live`, `in_process` or `embedded`. It blocks, and may be used from several threads. A request leaves
    once, whatever comes of it. ``is_document`` if what it fetches may be as large as descriptions of APIs are.
    """

    def __init__(
        self,
        connector: Connector,
        profile: str,
        redactor: Redactor,
        guard: Guard | None = None,
        *,
        is_document: bool = False,
    ) -> None:
        transport = connector.transport()
        if guard is not None:
            transport = GuardedTransport.around(transport, guard, connector.library)
        self._connector = connector
        self._transport = transport
        self._messenger = Messenger(connector.library, profile, redactor, seen_by(connector), is_document=is_document)

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
        return self._messenger.send(self._transport, request, {"timeout": timeouts()})

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

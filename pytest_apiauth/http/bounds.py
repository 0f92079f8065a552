"""How much of an answer is read: the one place that says so, for every request that this package sends by itself.

Theory of operation. Requests for tokens, those of the rules, of ``token``, ``record`` and ``init`` go to servers that
nobody vouches for: an answer may drip, never end, or unpack to gigabytes. `BOUNDS` says how long each may take as a
whole, and how large its head and its body may be. What a test's own request is answered with is the test's, and is
never cut.

The libraries have time limits for each piece only, and a head of a byte a second keeps all of them. So whoever sends a
request of ours says that its answer is `Reading` for as long as that takes, and the stream that a library reads from,
ours, asks it before each piece how long it may wait. Time begins with the first of these questions and not before: a
request may have to wait for its turn. A user who has more patience with a piece than `BOUNDS` has with the whole is
not contradicted.
"""

from __future__ import annotations

import io
import math
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from pytest_apiauth.codings import MOST_CODINGS, TooLargeError, codings_in, undone
from pytest_apiauth.http.resolving import NoAddressError, addresses, look_up

Seconds = Mapping[str, float | None]
"""What the libraries call the time-outs of a request: ``connect``, ``read``, ``write``, ``pool``."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is read.

    ``patience`` is in seconds, for a connection and for each piece; ``seconds`` are those of the whole answer, head and
    body. ``head`` are its bytes until the last line of the head, with all that is said before it (1xx), ``lines`` are
    header lines, ``body`` are bytes, without their codings, ``document`` those of a document that ``init`` reads: the
    largest public descriptions of APIs have 10 to 14 million; how many values one may have stands where it is read.
    ``recorded`` are those of an answer of a token endpoint that ``record`` keeps: what is looked for in it, in each of
    its readings, takes forty times its size.
    """

    patience: float = 10.0
    seconds: float = 30.0
    head: int = 500_000
    lines: int = 1_000
    body: int = 8_000_000
    document: int = 16_000_000
    recorded: int = 1 << 20


STATUS: Final = len("HTTP/1.1 100")
INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1")
BLANK_LINE: Final = re.compile(rb"\n\r?\n")
"""The end of a head, as h11 reads it."""
BOUNDS: Bounds = Bounds()
"""What holds, for all."""


def timeouts() -> dict[str, float | None]:
    """Return the time-outs of a request that nobody else has any for."""
    return dict.fromkeys(("connect", "read", "write", "pool"), BOUNDS.patience)


class BeyondError(Exception):
    """More came than is read of an answer. Its text says what."""


class Reading:
    """One answer to a request of ours, on its way. Its methods raise BeyondError.

    >>> reading = Reading(now=iter([0.0, 29.5, 31.0]).__next__)
    >>> reading.left(10.0), reading.left(10.0)
    (10.0, 0.5)
    >>> reading.left(10.0)
    Traceback (most recent call last):
    pytest_apiauth.http.bounds.BeyondError: the answer was not complete after 30 seconds
    """

    def __init__(
        self, asked: Seconds | None = None, *, is_document: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.bounds = BOUNDS
        self.most = self.bounds.document if is_document else self.bounds.body
        patience = [math.inf if each is None else each for each in (asked or {}).values()]
        self._seconds = max(self.bounds.seconds, *patience) if patience else self.bounds.seconds
        self._now = now
        self._end: float | None = None
        self._head = 0
        self._is_in_head = True
        self._status = self._tail = b""
        self._framed = 0
        self._body = 0

    def left(self, timeout: float | None) -> float | None:
        """Return how long to wait for the next piece, whose own time-out is given."""
        now = self._now()
        if self._end is None:
            self._end = now + self._seconds
        left = self._end - now
        if left <= 0:
            raise BeyondError(f"the answer was not complete after {self._seconds:g} seconds")
        return timeout if math.isinf(left) else left if timeout is None else min(timeout, left)

    def arrived(self, piece: bytes) -> None:
        """Count bytes as they come: those of the head, with all that is said before it, and then of the body.

        A recorder reads a body before it hands on the head, so the end of the head is seen here too. The framing of a
        body may be as large as itself.
        """
        if self._is_in_head:
            self._head += len(piece)
            if self._head > self.bounds.head:
                raise BeyondError(f"the head of the answer is larger than {self.bounds.head // 1000} kB")
            piece = self._behind_head(piece)
        self._framed += len(piece)
        if self._framed > 2 * self.most:
            raise self._too_large()

    def _behind_head(self, piece: bytes) -> bytes:
        """Return what of a piece stands behind the last head, the one that is no interim one (RFC 9110 15.2)."""
        while True:
            self._status = (self._status + piece)[:STATUS]
            piece, self._tail = self._tail + piece, b""
            end = BLANK_LINE.search(piece)
            if end is None:
                self._tail = piece[-2:]
                return b""
            piece, is_interim = piece[end.end() :], INTERIM.match(self._status) is not None
            self._status = b""
            if not is_interim:
                self._is_in_head = False
                return piece

    def end_of_head(self, lines: int) -> None:
        """Take note that the head is complete, and of how many lines it has."""
        self._is_in_head = False
        if lines > self.bounds.lines:
            raise BeyondError(f"the answer has more than {self.bounds.lines} header lines")

    def take(self, count: int) -> None:
        """Count bytes of the body, in the codings that it has."""
        self._body += count
        if self._body > self.most:
            raise self._too_large()
        self.left(None)

    def unpacked(self, body: bytes, field: str) -> bytes:
        """Return a body without the codings that a ``Content-Encoding`` names. Raises CodingError too.

        One that nothing here undoes stays on, as the libraries have it.
        """
        names = codings_in(field)
        if len(names) > MOST_CODINGS:
            raise BeyondError(f"the answer is in {len(names)} content codings")
        for name in reversed(names):
            if not body or name not in ("gzip", "x-gzip", "deflate", "br", "zstd"):
                continue
            try:
                body = undone(body, name, self.most)
            except TooLargeError:
                raise self._too_large() from None
            except ImportError:
                break
        return body

    def _too_large(self) -> BeyondError:
        return BeyondError(f"the answer is larger than {self.most / 1_000_000:g} MB")

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say of a wait that ends in an error that it was too long for the whole, if it was."""
        try:
            yield
        except Exception:
            self.left(None)
            raise


_READING: ContextVar[Reading | None] = ContextVar("apiauth_reading", default=None)


@contextmanager
def bounded(reading: Reading) -> Iterator[Reading]:
    """Bound the answers that are read in this thread or task, for as long as it takes."""
    before = _READING.set(reading)
    try:
        yield reading
    finally:
        _READING.reset(before)


class BoundedStream:
    """A connection of a library's own, that asks `Reading` how long to wait, and tells it what came.

    ``is_counted`` is False if it carries several answers at once (HTTP/2), whose bytes cannot be told apart.
    """

    def __init__(self, stream: Any, is_counted: bool) -> None:
        self._stream = stream
        self._is_counted = is_counted

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read a piece (the library's interface)."""
        reading = _READING.get()
        if reading is None:
            piece: bytes = self._stream.read(max_bytes, timeout)
            return piece
        with reading.waiting():
            piece = self._stream.read(max_bytes, reading.left(timeout))
        if self._is_counted:
            reading.arrived(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write bytes (the library's interface)."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection (the library's interface)."""
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        """Begin TLS (the library's interface)."""
        return BoundedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._is_counted)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection (the library's interface)."""
        return self._stream.get_extra_info(info)


class AsyncBoundedStream:
    """The same for asynchronous clients."""

    def __init__(self, stream: Any, is_counted: bool) -> None:
        self._stream = stream
        self._is_counted = is_counted

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read a piece (the library's interface)."""
        reading = _READING.get()
        if reading is None:
            piece: bytes = await self._stream.read(max_bytes, timeout)
            return piece
        with reading.waiting():
            piece = await self._stream.read(max_bytes, reading.left(timeout))
        if self._is_counted:
            reading.arrived(piece)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write bytes (the library's interface)."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection (the library's interface)."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        """Begin TLS (the library's interface)."""
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return AsyncBoundedStream(stream, self._is_counted)

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection (the library's interface)."""
        return self._stream.get_extra_info(info)


class BoundedBackend:
    """What a library opens its connections with, of either kind: each is bounded, and so is the way to its address."""

    def __init__(self, backend: Any, errors: Any, is_counted: bool) -> None:
        self._backend = backend
        self._errors = errors
        self._is_counted = is_counted

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **named: Any) -> Any:
        """Open a connection (the library's interface)."""
        places = [host]
        if _READING.get() is not None:
            try:
                places = addresses(host, port, timeout)
            except NoAddressError as error:
                raise self._errors.ConnectTimeout(str(error)) from None
            except OSError as error:
                raise self._errors.ConnectError(str(error)) from None
        *others, last = places
        for place in others:
            with suppress(self._errors.ConnectError, self._errors.ConnectTimeout):
                return BoundedStream(self._backend.connect_tcp(place, port, timeout, **named), self._is_counted)
        return BoundedStream(self._backend.connect_tcp(last, port, timeout, **named), self._is_counted)

    def connect_unix_socket(self, *words: Any, **named: Any) -> Any:
        """Open a connection to a socket of this machine (the library's interface)."""
        return BoundedStream(self._backend.connect_unix_socket(*words, **named), self._is_counted)

    def sleep(self, seconds: float) -> Any:
        """Wait (the library's interface)."""
        return self._backend.sleep(seconds)


class AsyncBoundedBackend(BoundedBackend):
    """The same for asynchronous clients."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **named: Any) -> Any:
        """Open a connection (the library's interface)."""
        if _READING.get() is not None:
            try:
                await look_up(host, port, timeout)
            except NoAddressError as error:
                raise self._errors.ConnectTimeout(str(error)) from None
        return AsyncBoundedStream(await self._backend.connect_tcp(host, port, timeout, **named), self._is_counted)

    async def connect_unix_socket(self, *words: Any, **named: Any) -> Any:
        """Open a connection to a socket of this machine (the library's interface)."""
        return AsyncBoundedStream(await self._backend.connect_unix_socket(*words, **named), self._is_counted)


def with_bounds(transport: Any, backend: type[BoundedBackend], *, is_counted: bool) -> Any:
    """Have a library's transport open connections that are bounded.

    The pool of a transport can be told what to open its connections with, but a transport makes its pool itself, and
    hands nothing on (encode/httpx#3749; there is no time limit for the whole either, encode/httpx#1450). If a version
    calls it otherwise, what remains are the time-outs of each piece. tests/http/test_bounds.py holds that none does.
    """
    pool = getattr(transport, "_pool", None)
    if pool is not None and hasattr(pool, "_network_backend"):
        errors = sys.modules[type(pool).__module__.partition(".")[0]]
        pool._network_backend = backend(pool._network_backend, errors, is_counted)
    return transport


class BoundedSocket(io.RawIOBase):
    """A socket that is read within bounds, for the standard library's parser, which asks it for a file."""

    def __init__(self, connection: socket.socket, reading: Reading) -> None:
        self._socket = connection
        self._reading = reading

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a file to read from (the parser's interface)."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Whether it can be read from (the interface of files)."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read a piece (the interface of files)."""
        with self._reading.waiting():
            self._socket.settimeout(self._reading.left(self._reading.bounds.patience))
            count = self._socket.recv_into(buffer)
        self._reading.arrived(bytes(buffer[:count]))
        return count

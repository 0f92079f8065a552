"""The embedded server on a real socket: HTTP/1.1 on loopback, with or without TLS.

Theory of operation. The standard library's HTTP server rewrites what a test of authentication is about: it
collapses leading slashes of the target and splits header values at control characters. So the parsing is done here,
by RFC 9112 and strictly: a request is passed on byte for byte (target, header lines in their order, body), or it is
refused with 400 and the connection ends, since after a malformed request nobody knows where the next one begins.

All origins of a profile share the one socket. A ``Host`` that the profile names picks its origin; with a loopback
``Host`` the path does: the token and the authorization endpoint are known by theirs, all else is the API.
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedReader
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.server import Server
from pytest_apiauth.messages import Headers, NoAnswer, Origin, Request, Response
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.model import Profile

TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
TARGET: Final = re.compile(rb"[\x21-\xff]+\Z")
LONGEST_HEAD: Final = 256 * 1024
LONGEST_BODY: Final = 16 * 1024 * 1024
PATIENCE: Final = 30.0
CODING: Final = "Transfer-Encoding"
CHUNK: Final = 16
Answering = Callable[[Request], Response]
HANDSHAKE: Final = b"\x16"
"""What TLS begins with (RFC 8446 5.1), and no request does."""
DAMAGE: Final = (OSError, ssl.SSLError, EOFError)


class Malformed(Exception):
    """What arrived is not a request; ``status`` says how."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and header lines as they arrived."""

    method: str
    target: str
    is_current: bool
    """HTTP/1.1, as opposed to 1.0."""
    headers: Headers

    def lines(self, name: str) -> list[str]:
        """Return every line of a header field."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after this request (RFC 9112 9.3)."""
        return not self.is_current or any("close" in line.lower() for line in self.lines("connection"))


@contextmanager
def serve(
    server: Server,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    standing_in: Answering | None = None,
) -> Iterator[str]:
    """Serve on a socket while the block runs; gives the base URL, such as ``http://127.0.0.1:40123``.

    Every connection has its own thread. Leaving the block closes all connections and raises what the server
    itself has raised, if it has. ``standing_in`` answers instead of the server; then connections are led here that were
    meant for the profile's own hosts: each speaks TLS or not, as it begins, and names its host.
    """
    listener = _Listener(server, tls, host, port, standing_in)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"{'https' if tls else 'http'}://{shown}:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.end_connections()
        listener.server_close()
        thread.join()
    if listener.failures:
        raise listener.failures[0]


def rebased(profile: Profile, base_url: str) -> Profile:
    """Return the profile with all its endpoints at a base URL that `serve` gave, to run against it as if live."""
    changes = {"api_url": base_url + urlsplit(profile.base_url).path.rstrip("/")}
    if profile.token_url:
        changes["token_url"] = base_url + urlsplit(profile.token_endpoint).path
    for key in (row.key for row in ENDPOINTS if row.key != "token_url"):
        place = getattr(profile, key)
        if place:
            changes[key] = base_url + urlsplit(profile.url(place)).path
    return profile.replaced(**changes)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False

    def __init__(
        self, server: Server, tls: ssl.SSLContext | None, host: str, port: int, standing_in: Answering | None
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Connection)
        self.embedded = server
        self.tls = tls
        self.standing_in = standing_in
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self._ended = False

    def remember(self, connection: socket.socket) -> None:
        """Keep a connection in mind; one that comes too late ends at once."""
        with self._mutex:
            self._open.add(connection)
            if self._ended:
                _hang_up(connection)

    def forget(self, connection: socket.socket) -> None:
        """Drop a connection that has ended."""
        with self._mutex:
            self._open.discard(connection)

    def end_connections(self) -> None:
        """Hang up on everybody, so that no thread waits for a request any more."""
        with self._mutex:
            self._ended = True
            for connection in self._open:
                _hang_up(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: a broken connection is the client's affair, and our own faults are kept in ``failures``."""

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        return self.embedded.handle(request) if self.standing_in is None else self.standing_in(request)

    def url(self, head: Head, *, is_tls: bool) -> str:
        """Return the URL that a request is for, under an origin of the profile."""
        profile = self.embedded.profile
        host = (head.lines("host") or ["localhost"])[0]
        target = head.target if head.target.startswith("/") else "/"
        scheme = "https" if is_tls else "http"
        try:
            asked = Origin.of(f"{scheme}://{host}")
        except ValueError:
            return f"{scheme}://invalid{target}"
        if self.standing_in is not None:
            return f"{scheme}://{host}{target}"
        named = [origin for origin in profile.origins if origin.host == asked.host and not origin.is_loopback]
        if named:
            return f"{named[0]}{target}"
        if not asked.is_loopback:
            return f"{asked}{target}"
        return f"{self.embedded.origin_at(target.partition('?')[0])}{target}"


class _Connection(socketserver.BaseRequestHandler):
    server: _Listener

    def handle(self) -> None:
        """Answer the requests of one connection, one after the other."""
        plain: socket.socket = self.request
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.remember(plain)
        try:
            tls = self._tls(plain)
            if tls is None:
                self._converse(plain, is_tls=False)
                return
            # The handshake belongs to this thread: a client that never speaks must not keep the others waiting.
            with tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as secured:
                self.server.forget(plain)
                self.server.remember(secured)
                try:
                    secured.do_handshake()
                    self._converse(secured, is_tls=True)
                finally:
                    self.server.forget(secured)
        except DAMAGE:
            pass
        except BaseException as failure:
            self.server.failures.append(failure)
        finally:
            self.server.forget(plain)

    def _tls(self, plain: socket.socket) -> ssl.SSLContext | None:
        if self.server.standing_in is not None and plain.recv(1, socket.MSG_PEEK) != HANDSHAKE:
            return None
        return self.server.tls

    def _converse(self, connection: socket.socket, *, is_tls: bool) -> None:
        with connection.makefile("rb") as stream:
            while True:
                try:
                    head = _read_head(stream)
                    if head is None:
                        return
                    if any(line.lower() == "100-continue" for line in head.lines("expect")):
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    body = _read_body(stream, head)
                except Malformed as wrong:
                    connection.sendall(_written(Response(wrong.status), "GET", is_last=True))
                    return
                version = "1.1" if head.is_current else "1.0"
                url = self.server.url(head, is_tls=is_tls)
                request = Request(head.method, url, head.headers, body, head.target, version, id(connection))
                try:
                    response = self.server.answer(request)
                except NoAnswer as absent:
                    _keep_waiting(stream, absent)
                    return
                version = self.server.embedded.http_version
                is_last = head.is_last or version == "HTTP/1.0" or response.header("connection") == "close"
                is_last = is_last or response.is_cut_off
                connection.sendall(_written(response, head.method, is_last=is_last, version=version))
                if is_last:
                    return


def _keep_waiting(stream: BufferedReader, absent: NoAnswer) -> None:
    """Let a client wait that is to see a time-out, until it gives up; anybody else's connection ends at once."""
    if "timeout" in type(absent.error).__name__.lower():
        while stream.read(1):
            pass


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _line(stream: BufferedReader) -> bytes:
    """Read a line up to CRLF, and return it without."""
    line = stream.readline(LONGEST_HEAD)
    if not line.endswith(b"\r\n"):
        raise Malformed(431 if len(line) >= LONGEST_HEAD else 400)
    return line[:-2]


def _read_head(stream: BufferedReader) -> Head | None:
    """Read a request line and the header lines after it (RFC 9112 3, 5); None at the end of the connection."""
    # One empty line before a request is forgiven (RFC 9112 2.2).
    first = stream.peek(1)[:1] and _line(stream)
    first = first or (stream.peek(1)[:1] and _line(stream))
    if not first:
        return None
    pieces = first.split(b" ")
    if len(pieces) != 3 or not TOKEN.match(pieces[0]) or not TARGET.match(pieces[1]):
        raise Malformed
    if pieces[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Malformed(505 if pieces[2].startswith(b"HTTP/") else 400)
    headers: list[tuple[str, str]] = []
    size = 0
    while line := _line(stream):
        size += len(line)
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name) or b"\0" in value or b"\r" in value:
            raise Malformed
        if size > LONGEST_HEAD:
            raise Malformed(431)
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    head = Head(pieces[0].decode(), pieces[1].decode("latin-1"), pieces[2] == b"HTTP/1.1", tuple(headers))
    if len(head.lines("host")) != 1 and (head.is_current or head.lines("host")):
        raise Malformed
    return head


def _read_body(stream: BufferedReader, head: Head) -> bytes:
    """Read the content (RFC 9112 6.3). Two statements of its length are refused: that is how requests are smuggled."""
    codings, lengths = head.lines("transfer-encoding"), head.lines("content-length")
    if codings:
        if lengths or [line.lower() for line in codings] != ["chunked"]:
            raise Malformed
        return _read_chunks(stream)
    if not lengths:
        return b""
    if len(lengths) > 1 or not re.fullmatch("[0-9]{1,12}", lengths[0]):
        raise Malformed
    return _exactly(stream, int(lengths[0]))


def _read_chunks(stream: BufferedReader) -> bytes:
    body = b""
    while True:
        size = re.fullmatch(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?", _line(stream))
        if size is None:
            raise Malformed
        count = int(size[1], 16)
        if count == 0:
            while _line(stream):
                pass
            return body
        body += _exactly(stream, count, len(body))
        if _line(stream):
            raise Malformed


def _exactly(stream: BufferedReader, count: int, before: int = 0) -> bytes:
    if before + count > LONGEST_BODY:
        raise Malformed(413)
    body = stream.read(count)
    if len(body) < count:
        raise EOFError("the connection ended within a request")
    return body


def completed(response: Response) -> Response:
    """Return an answer with the header lines that it gets on its way: its date, and the length that it does not say."""
    lines = list(response.headers)
    if response.header("date") is None:
        lines.append(("Date", formatdate(usegmt=True)))
    if response.header("content-length") is None and response.header(CODING) != "chunked":
        lines.append(("Content-Length", str(len(response.body))))
    return replace(response, headers=tuple(lines))


def _written(response: Response, method: str, *, is_last: bool, version: str = "HTTP/1.1") -> bytes:
    """Write an answer; its length is that of the body unless it says so itself, as an answer to HEAD does."""
    known = {code.value: code.phrase for code in HTTPStatus}
    if version == "HTTP/1.0":
        # It knows no chunks, nor has an answer of it anything but its length or its end (RFC 9112 6.1).
        response = replace(response, headers=tuple(line for line in response.headers if line[0] != CODING))
    response = completed(response)
    is_chunked = response.header(CODING) == "chunked"
    lines = [f"{version} {response.status} {response.reason or known.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if is_last and response.header("connection") is None:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if method == "HEAD":
        return head
    return head + (b"".join(_chunks(response.body)) if is_chunked else response.body)


def _chunks(body: bytes) -> Iterator[bytes]:
    """Cut a body into small chunks (RFC 9112 7.1), so that a reader meets more than one."""
    for place in range(0, len(body), CHUNK):
        piece = body[place : place + CHUNK]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"

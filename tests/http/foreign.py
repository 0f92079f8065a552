"""Two real listeners, one of the profile's and one foreign, and what of a credential reached one.

The network is real from the socket on: every host name is given a number of its own, and what connects to the
profile's host and port meets the one listener, whatever connects elsewhere the other. So it is the place that a
library really connects to that counts, and not how a URL looks. What arrives is searched by means of its own and not
by those of the package: eight letters of a canary in a row are an arrival, in whatever code.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import ipaddress
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import trustme

HOME = "https://home.example"
HOME_BY_NUMBER = "http://127.0.0.1:8123"
FOREIGN = "http://foreign.example:8080"
PLAIN_HOME = "http://plain.example:8124"
HOMES = {("home.example", 443), ("127.0.0.1", 8123), ("plain.example", 8124)}
KNOWN = "Kq7ZtW2/nXv9+LmB4c"
"""A credential of the profile: known to the redactor."""
UNKNOWN = "Ru5HdYp3Gs8JxTf6Qw"
"""A credential that the package cannot know: caught where it stands in the place of one."""
HARMLESS = "nothing-to-hide"
TOKEN = "Vb3PkMz8Ec5NjAr6Ly"
CANARIES = (KNOWN, UNKNOWN, TOKEN)
PIECE = 8


def leaks(raw: bytes) -> list[str]:
    """Give the canaries of which any eight letters in a row arrived, in any code, at any depth of three."""
    texts = {raw.decode("latin-1"), raw.replace(b"\0", b"").decode("latin-1")}
    for place in range(len(raw)):
        if raw.startswith((b"\x1f\x8b\x08", b"\x78\x9c"), place):
            with contextlib.suppress(zlib.error):
                texts.add(zlib.decompressobj(47).decompress(raw[place:]).decode("latin-1"))
    for _ in range(3):
        texts |= {read for text in texts for read in _decoded(text)}
    folded = "\n".join(texts).lower()
    return [
        canary
        for canary in CANARIES
        if any(canary[place : place + PIECE].lower() in folded for place in range(len(canary) - PIECE + 1))
    ]


def _decoded(text: str) -> Iterator[str]:
    yield unquote(text)
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield re.sub(r"\r?\n", "", text)
    for word in re.findall(r"[A-Za-z0-9+/_-]{12,}={0,2}", text):
        plain = word.rstrip("=").replace("-", "+").replace("_", "/")
        with contextlib.suppress(binascii.Error, ValueError):
            yield base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("latin-1")
        with contextlib.suppress(ValueError):
            yield bytes.fromhex(word).decode("latin-1")


@functools.cache
def certificate() -> ssl.SSLContext:
    """The one certificate of both listeners; nobody looks at it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("home.example").configure_cert(context)
    # An answer would wait for the acknowledgement of a ticket.
    context.num_tickets = 0
    return context


@dataclass
class Listener:
    """Answers requests with and without TLS, and keeps what arrived, chunks put together."""

    answer: Any
    arrived: list[bytes] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _under_way: int = 0

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen on loopback, by both versions of IP where there are two."""
        with contextlib.ExitStack() as stack:
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                try:
                    server = socket.create_server((host, 0), family=family)
                except OSError:
                    continue
                self.ports[family] = server.getsockname()[1]
                thread = threading.Thread(target=self._accept, args=(server,))
                thread.start()
                stack.callback(self._stop, server, thread)
            yield

    def _stop(self, server: socket.socket, thread: threading.Thread) -> None:
        # An accept that blocks is woken by this, and by a mere close it is not.
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        server.close()

    def expect(self) -> None:
        """Count a connection that is about to be made."""
        with self._change:
            self._under_way += 1

    def settle(self) -> list[bytes]:
        """Wait until every connection made is over, and give what arrived since the last time."""
        with self._change:
            assert self._change.wait_for(lambda: self._under_way == 0, 10), "a connection stays open"
            arrived, self.arrived = self.arrived, []
            return arrived

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connection.settimeout(5)
                threading.Thread(target=self._serve, args=(connection,)).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError), connection:
                self._speak(connection)
        finally:
            with self._change:
                self._under_way -= 1
                self._change.notify()

    def _speak(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            connection = certificate().wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            while line := self._exchange(connection, stream):
                if line.startswith(b"CONNECT ") and self.answer(line).startswith(b"HTTP/1.1 200"):
                    self._speak(connection)
                    return

    def _exchange(self, connection: socket.socket, stream: Any) -> bytes:
        got: list[bytes] = []
        try:
            while (line := stream.readline()) not in (b"\r\n", b""):
                got.append(line)
            if not got:
                return b""
            head = b"".join(got).lower()
            if b"transfer-encoding: chunked" in head:
                while size := int(stream.readline() or b"0", 16):
                    got.append(stream.read(size))
                    stream.readline()
                stream.readline()
            elif length := re.search(rb"content-length: (\d+)", head):
                got.append(b"\r\n" + stream.read(int(length[1])))
        finally:
            # What came of a request that was broken off counts too.
            if got:
                self.arrived.append(b"".join(got))
        connection.sendall(self.answer(got[0]))
        return got[0]


class Net:
    """The home listener, the foreign one, and the way from a host and port to one of them."""

    def __init__(self) -> None:
        self.home = Listener(self._answer_at_home)
        self.foreign = Listener(self._answer_elsewhere)
        self.redirect: tuple[int, str] | None = None
        self.cookie = ""
        self._numbers: dict[str, str] = {}

    def _answer_at_home(self, line: bytes) -> bytes:
        if b"/token" in line:
            body = b'{"access_token": "%s", "token_type": "Bearer", "expires_in": 3600}' % TOKEN.encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        cookie = f"Set-Cookie: {self.cookie}\r\n" if self.cookie else ""
        if self.redirect is not None:
            status, place = self.redirect
            return f"HTTP/1.1 {status} \r\nLocation: {place}\r\n{cookie}Content-Length: 0\r\n\r\n".encode()
        return f"HTTP/1.1 200 OK\r\n{cookie}Content-Length: 0\r\n\r\n".encode()

    def _answer_elsewhere(self, line: bytes) -> bytes:
        if line.startswith(b"CONNECT "):
            # As a proxy it leads to itself, and nowhere else.
            is_home = any(b"%s:%d" % (host.encode(), port) in line for host, port in HOMES)
            return b"HTTP/1.1 502 \r\n\r\n" if is_home else b"HTTP/1.1 200 \r\n\r\n"
        return b"HTTP/1.1 200 \r\nSet-Cookie: theirs=of-the-other-place\r\nContent-Length: 0\r\n\r\n"

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """Have both listen, and lead every connection of this process to one of them."""
        resolve, connect = socket.getaddrinfo, socket.socket.connect

        def connected(which: socket.socket, address: Any) -> None:
            if which.family not in (socket.AF_INET, socket.AF_INET6):
                return connect(which, address)
            place = self._numbers.get(address[0], address[0]), address[1]
            listener = self.home if place in HOMES else self.foreign
            listener.expect()
            loopback = "127.0.0.1" if which.family == socket.AF_INET else "::1"
            return connect(which, (loopback, listener.ports[which.family]))

        with self.home.listening(), self.foreign.listening():
            socket.getaddrinfo, socket.socket.connect = self._resolved, connected  # type: ignore[assignment,method-assign]
            try:
                yield
            finally:
                socket.getaddrinfo, socket.socket.connect = resolve, connect  # type: ignore[method-assign]

    def _resolved(self, host: Any, port: Any, *_: object, **__: object) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        number = self._number(name)
        if ":" in number:
            return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (number, int(port), 0, 0))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, int(port)))]

    def _number(self, name: str) -> str:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(name))
        with contextlib.suppress(OSError):
            # Every spelling of a number that the C library takes: 2130706433, 0x7f.1, 0177.0.0.1.
            return socket.inet_ntoa(socket.inet_aton(name))
        # The root's dot is no other host to the DNS.
        name = name.lower().rstrip(".")
        for number, known in self._numbers.items():
            if known == name:
                return number
        number = f"127.77.0.{len(self._numbers) + 1}"
        self._numbers[number] = name
        return number

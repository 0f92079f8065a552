"""The embedded server on a real socket: HTTP/1.1 on loopback, with or without TLS.

Theory of operation. The standard library's HTTP server rewrites what a test of authentication is about: it
collapses leading slashes of the target and splits header values at control characters. So the parsing is done here,
by RFC 9112 and strictly: a request is passed on byte for byte (target, header lines in their order, body), or it is
refused with 400 and the connection ends, since after a malformed request nobody knows where the next one begins.

All origins of a profile share the one socket. A ``Host`` that the profile names picks its origin; with a loopback
``Host`` the path does: the token and the authorization endpoint are known by theirs, all else is the API.
"""

from __future__ import annotations

import math
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.embedded.http1 import Head, Malformed, read_body, read_head, written
from pytest_apiauth.embedded.server import Server
from pytest_apiauth.messages import ClientCertificate, NoAnswer, Origin, Request, Response
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.model import Profile

PATIENCE: Final = 30.0
Answering = Callable[[Request], Response]
Hold = Callable[[int, float, Callable[[float], bool]], None]
"""Has the answer to a client's port seem to take some seconds; it may wait for the client to give up meanwhile."""
HANDSHAKE: Final = b"\x16"
"""What TLS begins with (RFC 8446 5.1), and no request does."""
DAMAGE: Final = (OSError, ssl.SSLError, EOFError)


@contextmanager
def serve(
    server: Server,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[str]:
    """Serve on a socket while the block runs; gives the base URL, such as ``http://127.0.0.1:40123``.

    Every connection has its own thread. Leaving the block closes all connections and raises what the server
    itself has raised, if it has.
    """
    listener = Listener(server, tls, host, port)
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"{'https' if tls else 'http'}://{shown}:{listener.server_address[1]}"
    finally:
        listener.stop()
    listener.raise_failure()


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


class Listener(socketserver.ThreadingTCPServer):
    """A socket that listens, with a thread of its own, and the embedded server behind it.

    Where ``answers`` is set, connections are led here that were meant for other hosts: each speaks TLS or not, as it
    begins, and names its host; then that function answers, and ``hold`` has an answer seem to take its time.
    """

    allow_reuse_address = True
    daemon_threads = False

    def __init__(self, server: Server | None, tls: ssl.SSLContext | None, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Connection)
        self.embedded = server
        self.tls = tls
        self.answers: Answering | None = None
        self.hold: Hold | None = None
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the socket and all connections."""
        self.shutdown()
        self.end_connections()
        self.server_close()
        self._thread.join()

    def raise_failure(self) -> None:
        """Raise what the server itself has raised, once."""
        if self.failures:
            failure = self.failures[0]
            self.failures.clear()
            raise failure

    @property
    def stands_in(self) -> bool:
        """Whether it is reached at other hosts' names."""
        return self.embedded is None or self.answers is not None

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
        if self.answers is not None:
            return self.answers(request)
        if self.embedded is None:
            raise NoAnswer(ConnectionResetError())
        return self.embedded.handle(request)

    @property
    def http_version(self) -> str:
        """The version of HTTP that answers begin with."""
        return "HTTP/1.1" if self.embedded is None else self.embedded.http_version

    def url(self, head: Head, *, is_tls: bool) -> str:
        """Return the URL that a request is for, under an origin of the profile."""
        host = (head.lines("host") or ["localhost"])[0]
        target = head.target if head.target.startswith("/") else "/"
        scheme = "https" if is_tls else "http"
        try:
            asked = Origin.of(f"{scheme}://{host}")
        except ValueError:
            return f"{scheme}://invalid{target}"
        if self.stands_in or self.embedded is None:
            return f"{scheme}://{host}{target}"
        named = [
            origin for origin in self.embedded.profile.origins if origin.host == asked.host and not origin.is_loopback
        ]
        if named:
            return f"{named[0]}{target}"
        if not asked.is_loopback:
            return f"{asked}{target}"
        return f"{self.embedded.origin_at(target.partition('?')[0])}{target}"


class _Connection(socketserver.BaseRequestHandler):
    server: Listener

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
                    shown = secured.getpeercert(binary_form=True)
                    own = None if shown is None else ClientCertificate(ssl.DER_cert_to_PEM_cert(shown))
                    self._converse(secured, is_tls=True, certificate=own)
                finally:
                    self.server.forget(secured)
        except DAMAGE:
            pass
        except BaseException as failure:
            self.server.failures.append(failure)
        finally:
            self.server.forget(plain)

    def _tls(self, plain: socket.socket) -> ssl.SSLContext | None:
        if self.server.stands_in and plain.recv(1, socket.MSG_PEEK) != HANDSHAKE:
            return None
        return self.server.tls

    def _converse(
        self, connection: socket.socket, *, is_tls: bool, certificate: ClientCertificate | None = None
    ) -> None:
        with connection.makefile("rb") as stream:
            while True:
                try:
                    head = read_head(stream)
                    if head is None:
                        return
                    if any(line.lower() == "100-continue" for line in head.lines("expect")):
                        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    body = read_body(stream, head)
                except Malformed as wrong:
                    connection.sendall(written(Response(wrong.status), "GET", is_last=True))
                    return
                version = "1.1" if head.is_current else "1.0"
                url = self.server.url(head, is_tls=is_tls)
                request = Request(
                    head.method, url, head.headers, body, head.target, version, id(connection),
                    client_certificate=certificate,
                )  # fmt: skip
                try:
                    response = self.server.answer(request)
                except NoAnswer as absent:
                    if "timeout" in type(absent.error).__name__.lower():
                        self._hold(connection, math.inf)
                        _keep_waiting(stream)
                    return
                self._hold(connection, response.delay)
                version = self.server.http_version
                is_last = head.is_last or version == "HTTP/1.0" or response.header("connection") == "close"
                is_last = is_last or response.is_cut_off
                connection.sendall(written(response, head.method, is_last=is_last, version=version))
                if is_last:
                    return

    def _hold(self, connection: socket.socket, seconds: float) -> None:
        """Have an answer seem to take some seconds."""
        if self.server.hold is not None:
            self.server.hold(self.client_address[1], seconds, lambda pause: _has_ended(connection, pause))


def _has_ended(connection: socket.socket, seconds: float) -> bool:
    """Whether a client ends its connection within some seconds; before its answer it has nothing else to say."""
    return bool(select.select([connection], [], [], seconds)[0])


def _keep_waiting(stream: BufferedReader) -> None:
    """Let a client wait that is to see a time-out, until it gives up."""
    while stream.read(1):
        pass


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

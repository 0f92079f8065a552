"""The server that a behaviour is met at: a good one everywhere else, on loopback, with or without TLS.

Each connection has a thread, and each answer ends its connection. A piece that waits is no sleep: the end of the server
ends the wait.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

from tests.hostile.behaviours import API, DEVICE, DOCUMENT, GOOD, PAGE, RESET, TOKEN, Behaviour, answer, token

PATHS: Final = {TOKEN: b"/token", API: b"/user/", DOCUMENT: b"/openapi.json", DEVICE: b"/device", PAGE: b"/authorize"}
KEY: Final = "key-of-the-shop-that-is-good"
BASIC: Final = b"Basic realm=shop"
HANDSHAKES: Final = ("no TLS", "silent", "closed", "garbage")
WITH_TOKEN: Final = b"Authorization: Bearer " + GOOD.encode() + b"\r\n"
_REFUSED: Final = answer(b"{}", b"WWW-Authenticate: Bearer realm=shop", status=401, reason=b"Unauthorized")
_WELCOME: Final = answer(json.dumps({"name": "the shop's only user", "cards": [1, 2, 3]}).encode())


class HostileServer:
    """Serves one behaviour. Use it as a context manager.

    ``is_late`` has it begin as a good server: what is valid is answered as it should be, as often as a run makes sure
    of that, and whatever else comes meets the behaviour.
    """

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None, *, is_late: bool = False) -> None:
        self._behaviour = behaviour
        self._is_late = is_late
        self._tokens = iter([True] if is_late else [])
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._over = threading.Event()
        scheme = "https" if behaviour.certificate else "http"
        self.url = f"{scheme}://localhost:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> HostileServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection:
            connection.settimeout(20)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._behaviour.certificate in HANDSHAKES:
                self._no_handshake(connection)
                return
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection, self._read(connection))

    def _no_handshake(self, connection: socket.socket) -> None:
        if self._behaviour.certificate == "silent":
            self._over.wait(20)
        elif self._behaviour.certificate != "closed":
            connection.recv(65536)
            connection.sendall(
                answer(token()) if self._behaviour.certificate == "no TLS" else b"\x16\x03\x01\xff\xff" * 99
            )

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                return b""
            got += piece
        lines, _, body = got.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in lines.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        return lines + b"\r\n\r\n" + body

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        if not request:
            return
        place = request.split(b" ", 2)[1]
        if not place.startswith(PATHS[self._behaviour.place]) or self._is_early(place, request):
            connection.sendall(_good_answer(place, request))
            return
        for piece in self._behaviour.play(request):
            if isinstance(piece, bytes):
                connection.sendall(piece)
            elif piece == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            elif self._over.wait(piece):
                return
        with suppress(OSError):
            # Whoever closes while the other side still sends would reset what is on its way.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.2)
            while connection.recv(65536):
                pass

    def _is_early(self, place: bytes, request: bytes) -> bool:
        """Whether a request is answered as it should be, although it is one that the behaviour is for."""
        if place.startswith(b"/token"):
            return next(self._tokens, False)
        return self._is_late and WITH_TOKEN in request


def _good_answer(place: bytes, request: bytes) -> bytes:
    if place.startswith(b"/token"):
        return answer(token(), b"Cache-Control: no-store") if b"Authorization: Basic " in request else _REFUSED
    if place.startswith(b"/user/"):
        return _WELCOME if WITH_TOKEN in request else _REFUSED
    if place.startswith(b"/key/"):
        return _WELCOME if f"X-Shop-Key: {KEY}\r\n".encode() in request else _REFUSED
    return answer(b"{}", status=404, reason=b"Not Found")

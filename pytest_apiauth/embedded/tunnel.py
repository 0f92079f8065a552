"""Host names of the outer world, on loopback: a proxy whose every tunnel ends at one port of this machine.

A client that goes through it speaks TLS with the host it means, by name and certificate, and reaches the server that
stands in for it (``CONNECT``, RFC 9110 9.3.6). What is asked for in clear names its host in the request itself
(RFC 9112 3.2.2), and ends at another port.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Final

PIECE: Final = 65536
PATIENCE: Final = 10.0
LONGEST_HEAD: Final = 16384


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    port = plain_port = 0


class _Tunnel(socketserver.BaseRequestHandler):
    request: socket.socket
    server: _Proxy

    def handle(self) -> None:
        """Answer a CONNECT, then pass on bytes both ways until one side ends."""
        self.request.settimeout(PATIENCE)
        head = b""
        while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
            piece = self.request.recv(PIECE)
            if not piece:
                return
            head += piece
        is_tunnel = head.startswith(b"CONNECT ")
        port = self.server.port if is_tunnel else self.server.plain_port
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as onward:
            if is_tunnel:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                onward.sendall(head)
            back = threading.Thread(target=_pass_on, args=(onward, self.request), daemon=True)
            back.start()
            _pass_on(self.request, onward)
            back.join(PATIENCE)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tunnel(port: int, plain_port: int) -> Iterator[str]:
    """Lead every tunnel to a port of this machine while the block runs, and what is in clear to another one.

    Gives the proxy's URL.
    """
    with _Proxy(("127.0.0.1", 0), _Tunnel) as proxy:
        proxy.port, proxy.plain_port = port, plain_port
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()
            thread.join(PATIENCE)

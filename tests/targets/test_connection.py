"""A connection of a rule's own, seen from the server's end of it."""

from __future__ import annotations

import socket
import threading

from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.targets.connection import Connection


def test_a_connection_that_the_server_ends_is_closed_at_once() -> None:
    """A server that waits for that, as gunicorn does before it serves anybody else, does not wait for a time-out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        profile = loading.load(loading.builtin_profiles()["jindexe"]).replaced(api_url=url)
        is_closed = threading.Event()

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                if peer.recv(1) == b"":
                    is_closed.set()

        threading.Thread(target=serve, daemon=True).start()
        with Connection(profile, url) as connection:
            assert connection.send(Request("GET", f"{url}/user/me")).body == b"{}"
            assert is_closed.wait(20)

"""The API of a scene on a socket, that knows when it has dealt with all that was sent to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import Listener

PATIENCE: Final = 60.0
"""Seconds in which a server has read what dead processes have sent to it."""


class CountingListener(Listener):
    """Counts its connections from the moment at which they are accepted to their end."""

    def __init__(self, server: Server) -> None:
        self._changed = threading.Condition()
        self._accepted: set[int] = set()
        self._count = 0
        super().__init__(server, None, "127.0.0.1", 0)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin with a connection (the interface of `socketserver`)."""
        with self._changed:
            self._accepted.add(client_address[1])
            self._count += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection (the interface of `socketserver`)."""
        super().shutdown_request(request)
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def settle(self) -> bool:
        """Wait until all that was sent by processes that are dead has been read; False if it takes too long.

        Connections are accepted in their order: once one of our own is, all of theirs are, and end with them.
        """
        with socket.create_connection(("127.0.0.1", self.server_address[1]), PATIENCE) as own:
            port = own.getsockname()[1]
        with self._changed:
            return self._changed.wait_for(lambda: port in self._accepted and self._count == 0, PATIENCE)


@contextmanager
def served(server: Server) -> Iterator[tuple[str, CountingListener]]:
    """Serve while the block runs; yields the URL too."""
    listener = CountingListener(server)
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}", listener
    finally:
        listener.stop()
    listener.raise_failure()

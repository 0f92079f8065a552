"""A socket that outlives a test: connections that were meant for other hosts are led to it, and who answers changes.

A client that is made once for many tests keeps its connections. They have to be good in the next test too, as they
would be with the real server; so a socket for some hosts is opened once in a process, and hangs up on whoever speaks
while nobody stands in for them.
"""

from __future__ import annotations

import atexit
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_apiauth.embedded.authority import authority_for
from pytest_apiauth.embedded.loopback import Answering, Hold, Listener
from pytest_apiauth.embedded.server import Server


class Landing:
    """The socket of some hosts, over TLS or not, as each connection begins."""

    def __init__(self, hosts: frozenset[str]) -> None:
        authority = authority_for(hosts)
        self.trust: ssl.SSLContext = authority.client
        """The context of a client that trusts it, and nobody else."""
        self._listener = Listener(None, authority.server, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        """Its port on loopback."""
        return int(self._listener.server_address[1])

    @contextmanager
    def answering(self, server: Server, answers: Answering, hold: Hold) -> Iterator[None]:
        """Answer by a function while the block runs, and raise what it has raised.

        ``hold`` has the answer on a connection seem to take some seconds.
        """
        listener = self._listener
        before = listener.embedded, listener.answers, listener.hold
        listener.embedded, listener.answers, listener.hold = server, answers, hold
        try:
            yield
        finally:
            listener.embedded, listener.answers, listener.hold = before
        listener.raise_failure()

    def close(self) -> None:
        """Close the socket and all connections."""
        self._listener.stop()


_landings: dict[frozenset[str], Landing] = {}
_mutex = threading.Lock()


def landing_for(hosts: frozenset[str]) -> Landing:
    """Return the socket of some hosts, opened when it is first asked for, and closed with the process."""
    with _mutex:
        if not _landings:
            atexit.register(_close)
        if hosts not in _landings:
            _landings[hosts] = Landing(hosts)
        return _landings[hosts]


def has_landing(hosts: frozenset[str]) -> bool:
    """Whether the socket of some hosts is open, so that clients may have connections to it."""
    return hosts in _landings


def _close() -> None:
    while _landings:
        _landings.popitem()[1].close()

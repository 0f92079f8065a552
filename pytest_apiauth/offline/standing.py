"""Methods that stand before a library's own while hosts are out of reach, where no audit event comes in time.

``connect`` and ``sendto`` of a socket resolve a name before their event comes. What is sent to a proxy names the real
host; TLS names it too, whoever found the address. uvloop and c-ares (aiodns) have a network of their own. Each method
here looks at its arguments and calls the one that it stands before; it goes when the last refusal does.
"""

from __future__ import annotations

import functools
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

Look = Callable[..., None]

FIRST: Final = 600
"""Bytes of what is sent that are looked at."""
PROXIED: Final = re.compile(
    rb"(?:CONNECT +|[A-Z]+ +(?P<scheme>https?)://(?:[^\s/@]*@)?)(?P<place>[^\s/?#]+)", re.IGNORECASE
)
"""How a proxy is asked: for a tunnel, or by the whole URL (RFC 9112 3.2.2, 3.2.3)."""
SOCKS5: Final = re.compile(rb"\x05\x01\x00\x03(?P<size>.)(?P<rest>.+)", re.DOTALL)
"""RFC 1928 4: a connection to a host by its name."""
SOCKS4: Final = re.compile(rb"\x04\x01(?P<port>..)\0\0\0[^\0][^\0]*\0(?P<host>[^\0]+)\0", re.DOTALL)
LATE: Final = ("uvloop", "pycares")
"""Libraries with a network of their own; they may be imported while a test runs."""


class Standing:
    """The methods that stand. ``check`` is given host and port, and raises for a host that is out of reach."""

    def __init__(self, check: Callable[[object, object], None]) -> None:
        self._check = check
        self._stood: list[tuple[type, str, Callable[..., Any], bool]] = []
        self.awaited: set[str] = set()
        """Libraries whose import has begun, and that are to be stood before."""

    def stand(self) -> None:
        """Stand before every method."""
        for name in ("connect", "connect_ex"):
            self._before(socket.socket, name, self._connects)
        self._before(socket.socket, "sendto", self._sends_to)
        for name in ("send", "sendall"):
            self._before(socket.socket, name, self._sends)
        if hasattr(socket.socket, "sendmsg"):
            self._before(socket.socket, "sendmsg", self._sends_many)
        self._before(ssl.SSLContext, "wrap_socket", self._wraps_socket)
        self._before(ssl.SSLContext, "wrap_bio", self._wraps)
        self.awaited.update(name for name in LATE if name in sys.modules)
        self.stand_late()

    def stand_late(self) -> None:
        """Stand before the libraries that are awaited, as far as they have come."""
        for name in tuple(self.awaited):
            module = sys.modules.get(name)
            owner = getattr(module, "Loop" if name == "uvloop" else "Channel", None)
            if not isinstance(owner, type):
                continue
            self.awaited.discard(name)
            looks: dict[str, Look] = (
                {"getaddrinfo": self._looks_up, "create_connection": self._creates}
                if name == "uvloop"
                else dict.fromkeys(("getaddrinfo", "gethostbyname", "query", "search"), self._resolves)
            )
            for method, look in looks.items():
                if hasattr(owner, method):
                    self._before(owner, method, look)

    def leave(self) -> None:
        """Stand aside. What somebody else has put in front of a method meanwhile stays."""
        self.awaited.clear()
        while self._stood:
            owner, name, method, is_own = self._stood.pop()
            if vars(owner).get(name) is not method:
                continue
            if is_own:
                setattr(owner, name, method.__wrapped__)
            else:
                delattr(owner, name)

    def _before(self, owner: type, name: str, look: Look) -> None:
        below = getattr(owner, name)

        @functools.wraps(below)
        def method(*arguments: Any, **options: Any) -> Any:
            look(*arguments, **options)
            return below(*arguments, **options)

        self._stood.append((owner, name, method, name in vars(owner)))
        setattr(owner, name, method)

    # What the arguments of each say of host and port

    def _connects(self, own: socket.socket, address: object = None, *rest: object) -> None:
        if isinstance(address, tuple) and len(address) >= 2:
            with closing_refused(own):
                self._check(address[0], address[1])

    def _sends_to(self, own: socket.socket, data: object, *rest: object) -> None:
        self._connects(own, rest[-1] if rest else None)

    def _sends_many(self, own: socket.socket, buffers: object = (), *rest: object) -> None:
        self._sends(own, buffers[0] if isinstance(buffers, list | tuple) and buffers else b"")

    def _sends(self, own: socket.socket, data: Any = b"", *rest: object) -> None:
        try:
            first = bytes(memoryview(data).cast("B")[:FIRST])
        except TypeError:
            return
        place = asked_of_proxy(first)
        if place is not None:
            with closing_refused(own):
                self._check(*place)

    def _wraps_socket(self, own: object, sock: socket.socket, *rest: object, **options: object) -> None:
        with closing_refused(sock):
            self._check(rest[3] if len(rest) > 3 else options.get("server_hostname"), None)

    def _wraps(self, own: object, incoming: object, outgoing: object, *rest: object, **options: object) -> None:
        self._check(rest[1] if len(rest) > 1 else options.get("server_hostname"), None)

    def _looks_up(self, own: object, host: object = None, port: object = None, **options: object) -> None:
        self._check(host, port)

    def _creates(
        self, own: object, factory: object = None, host: object = None, port: object = None, **options: object
    ) -> None:
        self._check(host, port)

    def _resolves(self, own: object, host: object = None, *rest: object, **options: object) -> None:
        self._check(host, rest[0] if rest else options.get("port"))


@contextmanager
def closing_refused(own: socket.socket) -> Iterator[None]:
    """Close a socket whose way is refused: libraries do so after an OSError only. An event loop's is the loop's."""
    try:
        yield
    except Exception:
        if own.gettimeout() != 0:
            own.close()
        raise


def asked_of_proxy(data: bytes) -> tuple[bytes, int | None] | None:
    """Give the host and port that a proxy is asked to connect to, where that is what is sent."""
    if data[:1] == b"\x05":
        found = SOCKS5.match(data)
        if found is None:
            return None
        size = found["size"][0]
        return found["rest"][:size], int.from_bytes(found["rest"][size : size + 2])
    if data[:1] == b"\x04":
        found = SOCKS4.match(data)
        return None if found is None else (found["host"], int.from_bytes(found["port"]))
    found = PROXIED.match(data)
    if found is None:
        return None
    host, _, port = found["place"].rpartition(b":")
    if host and port.isdigit():
        return host, int(port)
    return found["place"], {b"https": 443, b"http": 80}.get((found["scheme"] or b"").lower())

"""Methods that stand before others while hosts are out of reach or led elsewhere: the seams, all of them public names.

Theory of operation. Every HTTP library for Python looks a name up, connects a socket and begins TLS, by few functions
of the standard library, and of uvloop and c-ares (aiodns), which have a network of their own. Those are what is stood
before, so no HTTP library is known here by name, nor imported. A method here looks at its arguments. It refuses a host
that is out of reach, if no audit event comes in time: ``connect`` and ``sendto`` resolve a name before theirs, what
is sent to a proxy names the real host, TLS names it too, whoever found the address. A host that a server on this
machine stands in for is led there: looking it up gives an address that stands for it, connecting to either reaches that
server, and TLS with it is begun in a context that trusts it alone. All goes when the last refusal does.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, Protocol

from pytest_apiauth.offline.patience import Patience

Below = Callable[..., Any]
Owner = type | ModuleType

FIRST: Final = 600
"""Bytes of what is sent that are looked at."""
PROXIED: Final = re.compile(
    rb"(?:CONNECT +|[A-Z]+ +(?P<scheme>https?)://(?:[^\s/@]*@)?)(?P<place>[^\s/?#]+)", re.IGNORECASE
)
"""How a proxy is asked: for a tunnel, or by the whole URL (RFC 9112 3.2.2, 3.2.3)."""
SOCKS5: Final = re.compile(rb"\x05\x01\x00\x03(?P<size>.)(?P<rest>.+)", re.DOTALL)
"""RFC 1928 4: a connection to a host by its name."""
SOCKS4: Final = re.compile(rb"\x04\x01(?P<port>..)\0\0\0[^\0][^\0]*\0(?P<host>[^\0]+)\0", re.DOTALL)
LATE: Final = {"uvloop": "Loop", "pycares": "Channel", "truststore": "SSLContext", "trio": "SocketStream"}
"""Libraries with a network or a TLS of their own, or with methods of a socket kept from before, and the class of theirs
to stand before; a running test may import them."""
LOOPBACK: Final = "127.0.0.1"


class Led(Protocol):
    """A server on this machine that stands in for hosts."""

    @property
    def port(self) -> int:
        """Its port on loopback."""
        ...

    @property
    def trust(self) -> ssl.SSLContext:
        """The context of a client that trusts it, and nobody else."""
        ...

    @property
    def patience(self) -> Patience:
        """How long its answers seem to take."""
        ...


class Ways(Protocol):
    """What the methods ask about hosts and ports. Each raises for a host that is out of reach."""

    def check(self, host: object, port: object = None) -> None:
        """Raise for a host that is led elsewhere, too: this way cannot be led."""
        ...

    def led(self, host: object, port: object = None) -> Led | None:
        """Return the server that stands in for a host."""
        ...

    def led_at(self, port: int) -> Led | None:
        """Return the server that stands in for some host at a port of this machine."""
        ...

    def alias(self, host: object, port: object = None) -> str | None:
        """Return the address to give to who looks up a host that is led elsewhere; None for all else."""
        ...

    def name(self, host: object) -> object:
        """Return the host that an address was given for, or the host itself."""
        ...


class Standing:
    """The methods that stand. What they look at, they refuse, lead elsewhere or pass on to what they stand before."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._stood: list[tuple[Owner, str, Below, bool]] = []
        self.awaited: set[str] = set()
        """Libraries whose import has begun, and that are to be stood before."""

    def stand(self) -> None:
        """Stand before every method."""
        self._before(socket, "getaddrinfo", self._looks_up)
        self._before(socket, "gethostbyname", self._looks_up_name)
        for name in ("connect", "connect_ex"):
            self._before(socket.socket, name, self._connects)
        self._before(socket.socket, "sendto", self._sends_to)
        for name in ("send", "sendall"):
            self._before(socket.socket, name, self._sends)
        for name in ("recv", "recv_into"):
            self._before(socket.socket, name, self._reads)
        # Its other methods come down to this one.
        self._before(ssl.SSLSocket, "read", self._reads)
        if hasattr(socket.socket, "sendmsg"):
            self._before(socket.socket, "sendmsg", self._sends_many)
        # Windows connects the sockets of this loop without a method of theirs.
        proactor = getattr(asyncio, "ProactorEventLoop", None)
        if proactor is not None:
            self._before(proactor, "sock_connect", self._connects_in_loop)
        # Whoever has put a context of its own in the place of this one has derived it from this one.
        for context in reversed(ssl.SSLContext.__mro__):
            self._before_tls(context)
        self.awaited.update(name for name in LATE if name in sys.modules)
        self.stand_late()

    def stand_late(self) -> None:
        """Stand before the libraries that are awaited, as far as they have come."""
        for name in tuple(self.awaited):
            owner = getattr(sys.modules.get(name), LATE[name], None)
            if not isinstance(owner, type):
                continue
            self.awaited.discard(name)
            if name == "uvloop":
                self._before(owner, "getaddrinfo", self._looks_up_in_loop)
                self._before(owner, "create_connection", self._creates)
            elif name == "truststore":
                self._before_tls(owner)
            elif name == "trio":
                self._before(owner, "send_all", self._sends_all)
            else:
                for method in ("getaddrinfo", "gethostbyname"):
                    self._before(owner, method, self._looks_up_in_loop)
                for method in ("query", "search"):
                    self._before(owner, method, self._resolves)

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

    def _before(self, owner: Owner, name: str, way: Below) -> None:
        below = getattr(owner, name, None)
        if below is None or getattr(below, "__apiauth__", False):
            return

        def method(*arguments: Any, **options: Any) -> Any:
            return way(below, *arguments, **options)

        # What inspect follows. All that functools.wraps does takes longer than the rest of what is done for a test.
        method.__name__ = name
        vars(method).update(__wrapped__=below, __apiauth__=True)
        self._stood.append((owner, name, method, name in vars(owner)))
        setattr(owner, name, method)

    def _before_tls(self, owner: type) -> None:
        for name, way in (("wrap_socket", self._wraps_socket), ("wrap_bio", self._wraps)):
            if name in vars(owner):
                self._before(owner, name, way)

    # What the arguments of each say of host and port

    def _looks_up(
        self, below: Below, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        alias = self._ways.alias(host, port)
        if alias is None:
            return below(host, port, family, type, proto, flags)
        # On a machine without a network that question has no answer, not even for an address.
        return below(alias, port, family, type, proto, flags & ~socket.AI_ADDRCONFIG)

    def _looks_up_name(self, below: Below, host: Any) -> Any:
        return below(self._ways.alias(host) or host)

    def _looks_up_in_loop(self, below: Below, own: object, host: Any, *rest: Any, **options: Any) -> Any:
        port = rest[0] if rest else options.get("port")
        return below(own, self._ways.alias(host, port) or host, *rest, **options)

    def _resolves(self, below: Below, own: object, host: Any, *rest: Any, **options: Any) -> Any:
        self._ways.check(host)
        return below(own, host, *rest, **options)

    def _connects(self, below: Below, own: socket.socket, address: Any, *rest: Any) -> Any:
        led_to = self._led_address(own, address)
        try:
            return below(own, led_to, *rest)
        finally:
            if led_to is not address and (led := self._ways.led_at(led_to[1])):
                led.patience.meet(own)

    def _reads(self, below: Below, own: Any, *rest: Any) -> Any:
        led = self._led_by(own) if own.gettimeout() != 0 else None
        return below(own, *rest) if led is None else led.patience.reading(own, lambda: below(own, *rest))

    def _connects_in_loop(self, below: Below, own: object, sock: socket.socket, address: Any) -> Any:
        return below(own, sock, self._led_address(sock, address))

    def _led_address(self, own: socket.socket, address: Any) -> Any:
        if not isinstance(address, tuple) or len(address) < 2:
            return address
        with closing_refused(own):
            if own.type != socket.SOCK_STREAM:
                self._ways.check(*address[:2])
                return address
            led = self._ways.led(*address[:2])
        if led is None:
            return address
        return (f"::ffff:{LOOPBACK}" if own.family == socket.AF_INET6 else LOOPBACK, led.port)

    def _creates(
        self, below: Below, own: object, factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        if led := self._ways.led(host, port):
            if options.get("ssl") and options.get("server_hostname") is None:
                options["server_hostname"] = self._ways.name(host)
            host, port = LOOPBACK, led.port
        return below(own, factory, host, port, **options)

    def _sends_to(self, below: Below, own: socket.socket, data: Any, *rest: Any) -> Any:
        address = rest[-1] if rest else None
        if isinstance(address, tuple) and len(address) >= 2:
            with closing_refused(own):
                self._ways.check(*address[:2])
        return below(own, data, *rest)

    def _sends(self, below: Below, own: socket.socket, data: Any, *rest: Any) -> Any:
        self._look_at_sent(own, data)
        return below(own, data, *rest)

    def _sends_many(self, below: Below, own: socket.socket, buffers: Any, *rest: Any) -> Any:
        if isinstance(buffers, list | tuple) and buffers:
            self._look_at_sent(own, buffers[0])
        return below(own, buffers, *rest)

    def _sends_all(self, below: Below, own: Any, data: Any) -> Any:
        self._look_at_sent(own.socket, data)
        return below(own, data)

    def _look_at_sent(self, own: Any, data: Any) -> None:
        try:
            first = bytes(memoryview(data).cast("B")[:FIRST])
        except TypeError:
            return
        place = asked_of_proxy(first)
        if place is not None and self._led_by(own) is None:
            with closing_refused(own):
                self._ways.check(*place)

    def _wraps_socket(self, below: Below, own: Any, sock: socket.socket, *rest: Any, **options: Any) -> Any:
        led = self._led_by(sock)
        if led is None:
            with closing_refused(sock):
                self._ways.check(rest[3] if len(rest) > 3 else options.get("server_hostname"))
        elif own is not led.trust:
            options.pop("session", None)
            return led.trust.wrap_socket(sock, *rest[:4], **options)
        return below(own, sock, *rest, **options)

    def _wraps(self, below: Below, own: Any, incoming: Any, outgoing: Any, *rest: Any, **options: Any) -> Any:
        led = self._ways.led(rest[1] if len(rest) > 1 else options.get("server_hostname"))
        if led is not None and own is not led.trust:
            options.pop("session", None)
            return led.trust.wrap_bio(incoming, outgoing, *rest[:2], **options)
        return below(own, incoming, outgoing, *rest, **options)

    def _led_by(self, own: Any) -> Led | None:
        """Return the server that a socket has been led to."""
        try:
            peer = own.getpeername()
        except (AttributeError, OSError):
            return None
        return self._ways.led_at(peer[1]) if isinstance(peer, tuple) else None


@contextmanager
def closing_refused(own: object) -> Iterator[None]:
    """Close a socket whose way is refused: libraries do so after an OSError only. An event loop's is the loop's."""
    try:
        yield
    except Exception:
        if isinstance(own, socket.socket) and own.gettimeout() != 0:
            own.close()
        raise


def asked_of_proxy(data: bytes) -> tuple[bytes, int | None] | None:
    """Return the host and port that a proxy is asked to connect to, where that is what is sent."""
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

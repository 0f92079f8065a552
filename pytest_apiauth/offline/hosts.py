"""Hosts that are out of reach, and what counts as one of them however it is spelled."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_apiauth.messages import Origin

HERE = "localhost"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts by name, at any port; and ports of this machine, which serves much else beside."""

    names: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()

    @classmethod
    def of(cls, origins: Iterable[Origin]) -> Hosts:
        """Take the hosts of origins."""
        names, ports = set(), set()
        for origin in origins:
            name = plain(origin.host)
            if name == HERE:
                ports.add(origin.port)
            elif name:
                names.add(name)
        return cls(frozenset(names), frozenset(ports))

    def __or__(self, other: Hosts) -> Hosts:
        return Hosts(self.names | other.names, self.ports | other.ports)

    def __bool__(self) -> bool:
        return bool(self.names or self.ports)

    def covers(self, host: object, port: object = None) -> bool:
        """Whether a host, as a library names it, is one of these; one of this machine only at its port."""
        name = plain(host)
        if name != HERE:
            return name in self.names
        try:
            return int(port) in self.ports  # type: ignore[call-overload]
        except (TypeError, ValueError):
            return False

    def covers_url(self, url: str) -> bool:
        """Whether a URL leads to one of these."""
        try:
            parts = urlsplit(url)
            return self.covers(parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme.lower()))
        except ValueError:
            return False


def plain(host: object) -> str:
    """Return a host in one spelling: in lower case, as it travels, all addresses of this machine as one; or nothing."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("latin-1")
    if not isinstance(host, str) or not host:
        return ""
    name = host.strip("[]").rstrip(".").lower()
    if name == HERE:
        return HERE
    if not name.isascii():
        try:
            return name.encode("idna").decode()
        except UnicodeError:
            return name
    return _address(name) if name[:1].isdigit() or ":" in name else name


def _address(name: str) -> str:
    try:
        found = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        try:
            # 127.1 is an address too.
            found = ipaddress.ip_address(socket.inet_aton(name))
        except OSError:
            return name
    found = getattr(found, "ipv4_mapped", None) or found
    return HERE if found.is_loopback or found.is_unspecified else str(found)

"""Certificates for TLS on this machine, of an authority that lives as long as the process."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Authority:
    """What a server and its clients need of one authority."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    """Trusts this authority and nobody else. No host is compared: the key is known in this process only."""
    certificate: bytes
    """The authority's own, in PEM."""
    host: trustme.LeafCert
    """The server's own."""

    def server_for(self, clients: str) -> ssl.SSLContext:
        """Return a server's context; if there are certificates of clients, in PEM, it asks for one and knows these.

        A client that presents another one gets no connection: that is for TLS to say here, as the library has it.
        """
        if not clients:
            return self.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.host.configure_cert(context)
        context.load_verify_locations(cadata=clients)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def write(self, folder: Path) -> Path:
        """Write the authority's certificate into a folder, and return the file."""
        path = folder / "ca.pem"
        path.write_bytes(self.certificate)
        return path


@cache
def authority_for(hosts: frozenset[str] = frozenset()) -> Authority:
    """Make an authority, and a certificate for localhost, 127.0.0.1 and ::1, and for further hosts."""
    import trustme

    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    host = authority.issue_cert(*HERE, *sorted(hosts.difference(HERE)))
    host.configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    authority.configure_trust(client)
    return Authority(server, client, authority.cert_pem.bytes(), host)

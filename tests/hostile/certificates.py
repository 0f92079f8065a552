"""Certificates that a client must not take, and the authority that it trusts."""

from __future__ import annotations

import datetime
import ssl
import tempfile
from pathlib import Path
from types import TracebackType

import trustme

from tests.hostile.server import HANDSHAKES


class Certificates:
    """Makes servers' sides of TLS. Use it as a context manager: the trusted authority is a file meanwhile."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="hostile-")
        self._file = Path(self._folder.name) / "ca.pem"

    def __enter__(self) -> Certificates:
        self._authority.cert_pem.write_to_path(str(self._file))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def of(self, kind: str) -> tuple[ssl.SSLContext | None, str]:
        """Return a server's side with a certificate of some kind, and the file that the client trusts."""
        if not kind:
            return None, ""
        if kind in HANDSHAKES:
            return None, str(self._file)
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        authority = trustme.CA() if kind in ("another authority", "self-signed") else self._authority
        issued = {
            "expired": lambda: authority.issue_cert("localhost", not_before=now - 9 * day, not_after=now - day),
            "not yet": lambda: authority.issue_cert("localhost", not_before=now + day, not_after=now + 9 * day),
            "another host": lambda: authority.issue_cert("other.example"),
            "another authority": lambda: authority.issue_cert("localhost"),
        }
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "self-signed":
            # An authority's own certificate, which it has signed itself.
            with authority.cert_pem.tempfile() as chain, authority.private_key_pem.tempfile() as key:
                context.load_cert_chain(chain, key)
        else:
            issued[kind]().configure_cert(context)
        return context, str(self._file)

"""The embedded server on a loopback socket, as a target: for rules that need a connection."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Chosen, Server
from pytest_apiauth.http import Network, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.scratch import scratch_folder
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.retries import NEARBY
from pytest_apiauth.targets.target import EMBEDDED, TargetKind, Who

LOOPBACK: Final = replace(EMBEDDED, no_connections="")


class LoopbackTarget:
    """The embedded server behind a socket of this machine; everything else as `EmbeddedTarget`."""

    kind: TargetKind = LOOPBACK
    can_move_clock = True
    is_parallel = True
    seconds_an_answer = 0.0
    seconds_waited = 0.0
    retries = NEARBY

    def __init__(
        self, profile: Profile, *, redactor: Redactor, library: str, faults: Iterable[Chosen], variants: Iterable[str]
    ) -> None:
        # A run without a socket does not pay for it.
        from pytest_apiauth.embedded.loopback import rebased, serve

        self._open = contextlib.ExitStack()
        self.server = Server(profile, faults=faults, variants=variants, redactor=redactor)
        tls, ca_file = self._tls()
        base_url = self._open.enter_context(serve(self.server, tls=tls))
        self.profile = rebased(self.server.profile, base_url).replaced(**({"ca_file": ca_file} if ca_file else {}))
        self.identities = Identities(self.profile, self.server.lookup, redactor)
        consents = self.server.consents
        self.person = Person(self.identities, redactor, consents=consents)
        self.redactor = redactor
        self.connector = Network(library, ca_file=self.profile.ca_file)
        self._sender = Sender.live(library, self.profile, redactor, network=self.connector)
        self._open.callback(self._sender.close)

    def _tls(self) -> tuple[ssl.SSLContext | None, str | None]:
        """Return the server's context and the file to trust it by, if clients have certificates: those take TLS."""
        if not self.server.client_certificates:
            return None, None
        from pytest_apiauth.embedded.authority import authority_for

        authority = authority_for()
        folder = self._open.enter_context(scratch_folder())
        return authority.server_for(self.server.client_certificates), str(authority.write(folder))

    @property
    def sent(self) -> int:
        """How many requests have left."""
        return self.connector.sent

    def store(self, who: Who) -> TokenStore:
        """Return a new store, by the server's clock."""
        return TokenStore(self.server.clock, self.profile.token.leeway)

    def advance(self, seconds: int) -> None:
        """Move the server's clock forward."""
        self.server.clock.advance(seconds)

    def pause(self, seconds: float) -> None:
        """Let the server's own time pass."""
        self.server.clock.advance(seconds)

    def guess(self, username: str) -> bool:
        """Let any number of wrong passwords pass."""
        return True

    def send(self, request: Request) -> Response:
        """Send one request over the socket. Raises UnreachableError or NotSendable."""
        return self._sender.send(request)

    def connection(self, url: str) -> Connection:
        """Make a connection of its own to the origin of a URL."""
        return Connection(self.profile, url, self._sender.take_turn, self.redactor)

    def close(self) -> None:
        """Close every connection and the socket."""
        self._open.close()

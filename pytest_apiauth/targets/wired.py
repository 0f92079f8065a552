"""The embedded server on a loopback socket, as a target: for rules that need a connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import rebased, serve
from pytest_apiauth.http import Wire
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.retries import NEARBY


class WiredTarget:
    """The embedded server behind a socket of this machine; everything else as `EmbeddedTarget`."""

    kind = "embedded"
    has_browser = True
    can_move_clock = True
    has_connections = True
    is_parallel = True
    seconds_an_answer = 0.0
    retries = NEARBY

    def __init__(
        self, profile: Profile, *, redactor: Redactor, library: str, faults: Iterable[str], variants: Iterable[str]
    ) -> None:
        self._open = contextlib.ExitStack()
        self.server = Server(profile, faults=faults, variants=variants, redactor=redactor)
        base_url = self._open.enter_context(serve(self.server))
        self.profile = rebased(self.server.profile, base_url)
        self.identities = Identities(self.profile, self.server.lookup, redactor)
        self._wire = Wire.live(library, self.profile, redactor)
        self._open.callback(self._wire.close)

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
        return self._wire.send(request)

    @property
    def sent(self) -> int:
        """How many requests have left."""
        return self._wire.sent

    def connection(self, url: str) -> Connection:
        """Make a connection of its own to the origin of a URL."""
        return Connection(self.profile, url, self._wire.take_turn)

    def close(self) -> None:
        """Close every connection and the socket."""
        self._open.close()

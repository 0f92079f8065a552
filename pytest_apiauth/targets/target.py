"""What a rule talks to: the embedded server, an app in this process, or a live server.

A target knows the profile it serves, who may act there, and how to send one request. Nothing else in
the suite knows which of them it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import Wire
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps import AppSide
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.retries import NEARBY, Retries


class Target(Protocol):
    """A server under test."""

    @property
    def kind(self) -> str:
        """``embedded``, ``app`` or ``live``."""

    @property
    def profile(self) -> Profile:
        """The promise, with every URL known."""

    @property
    def identities(self) -> Identities:
        """Who may act there."""

    @property
    def has_browser(self) -> bool:
        """Whether the authorization endpoint answers without a person."""

    @property
    def can_move_clock(self) -> bool:
        """Whether its time can be moved, so that lifetimes can be examined."""

    @property
    def has_connections(self) -> bool:
        """Whether requests travel on connections, which a rule may open by itself."""

    @property
    def is_parallel(self) -> bool:
        """Whether several threads may send at once."""

    @property
    def seconds_an_answer(self) -> float:
        """How long an answer takes, as far as was seen; 0 where nobody waits for one."""

    @property
    def sent(self) -> int:
        """How many requests have left, by whatever means: `send`, connections of its own, orders to its clock."""

    @property
    def retries(self) -> Retries:
        """When a request is sent to it again."""

    def connection(self, url: str) -> Connection:
        """Make a connection of its own to the origin of a URL, where there are connections."""

    def advance(self, seconds: int) -> None:
        """Move its clock forward. Raises UnreachableError where a live clock does not take the order."""

    def pause(self, seconds: float) -> None:
        """Wait, where waiting means anything to the server."""

    def guess(self, username: str) -> bool:
        """Take note of a wrong password for a user before it is sent; False where no more may be."""

    def send(self, request: Request) -> Response:
        """Send one request as it is, once. Raises UnreachableError, or NotSendable from ``http``."""

    def close(self) -> None:
        """Release connections."""


@dataclass(frozen=True, slots=True)
class EmbeddedTarget:
    """The embedded server, in this process."""

    server: Server
    identities: Identities
    wire: Wire
    kind: str = "embedded"
    has_browser: bool = True
    can_move_clock: bool = True
    has_connections: bool = False
    is_parallel: bool = True
    seconds_an_answer: float = 0.0
    retries: Retries = NEARBY

    @classmethod
    def build(
        cls, profile: Profile, *, redactor: Redactor, library: str, faults: Iterable[str], variants: Iterable[str]
    ) -> EmbeddedTarget:
        """Start a server that keeps the profile's promise, save for its faults."""
        server = Server(profile, faults=faults, variants=variants, redactor=redactor)
        identities = Identities(server.profile, server.lookup, redactor)
        return cls(server, identities, Wire.embedded(library, server.handle))

    @property
    def profile(self) -> Profile:
        return self.server.profile

    @property
    def sent(self) -> int:
        return self.wire.sent

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: the embedded server has no connections in this process")

    def advance(self, seconds: int) -> None:
        self.server.clock.advance(seconds)

    def pause(self, seconds: float) -> None:
        self.server.clock.advance(seconds)

    def guess(self, username: str) -> bool:
        return True

    def send(self, request: Request) -> Response:
        return self.wire.send(request)

    def close(self) -> None:
        self.wire.close()


@dataclass(frozen=True, slots=True)
class AppTarget:
    """The profile's app, in this process. It is shared with ordinary tests, so whoever started it closes it."""

    side: AppSide
    wire: Wire
    kind: str = "app"
    has_browser: bool = False
    has_connections: bool = False
    seconds_an_answer: float = 0.0
    retries: Retries = NEARBY

    @classmethod
    def build(cls, side: AppSide, redactor: Redactor) -> AppTarget:
        """Prepare to talk to an app that is at work."""
        return cls(side, Wire.in_process(side.carrier, side.profile, redactor))

    @property
    def profile(self) -> Profile:
        return self.side.profile

    @property
    def identities(self) -> Identities:
        return self.side.identities

    @property
    def can_move_clock(self) -> bool:
        return self.profile.clock is not None and self.profile.clock.callable is not None

    @property
    def is_parallel(self) -> bool:
        return not self.side.host.is_bound_to_thread

    @property
    def sent(self) -> int:
        return self.wire.sent

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: an app in this process has no connections")

    def advance(self, seconds: int) -> None:
        self.side.advance(seconds)

    def pause(self, seconds: float) -> None:
        """Do nothing: no rule needs real time to pass, and none is lost here."""

    def guess(self, username: str) -> bool:
        return True

    def send(self, request: Request) -> Response:
        return self.wire.send(request)

    def close(self) -> None:
        self.wire.close()

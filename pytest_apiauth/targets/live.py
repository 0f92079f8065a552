"""A real server as a target: over the network, within the run's limits, patient if the server asks for it.

The rules and the tests of a profile share one, and so TLS, identities and tokens; the tokens they share with the other
workers of their run too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.shared import SharedFile, SharedTokenStore
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import live_identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import BudgetError, HandshakeError, UnreachableError
from pytest_apiauth.http import Connector, Network, Sender
from pytest_apiauth.messages import FROM_GATEWAYS, Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps.importing import logging_in
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.limits import Throttle
from pytest_apiauth.targets.pace import Pace
from pytest_apiauth.targets.retries import Retries
from pytest_apiauth.targets.target import TargetKind, Who

LIVE: Final = TargetKind(
    "live",
    announced="LIVE, over the network",
    here="this is a live run",
    is_live=True,
    is_shared=True,
    located=located_profile,
)
GIVE_UP: Final = 10
"""Requests in a row without a usable answer after which a live run sends no more."""


def no_workers(*words: str) -> SharedFile | None:
    """Share nothing: each process has tokens of its own."""
    return None


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """A real server, over the network."""

    profile: Profile
    identities: Identities
    redactor: Redactor
    connector: Connector
    sender: Sender
    throttle: Throttle
    kind: TargetKind = LIVE
    server: None = None
    person: Person | None = None
    is_parallel: bool = True
    sleep: Callable[[float], None] = time.sleep
    unanswered: list[str] = field(default_factory=list)
    """Why the last requests in a row got no answer, or one that says nothing of the server itself."""
    pace: Pace = field(default_factory=Pace)
    shared_file: Callable[..., SharedFile | None] = no_workers
    """Gives a file that all workers of the run share, by what it is about."""
    stores: dict[Who, TokenStore] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        profile: Profile,
        *,
        redactor: Redactor,
        library: str,
        folder: Path,
        throttle: Throttle,
        kind: TargetKind = LIVE,
        shared_file: Callable[..., SharedFile | None] = no_workers,
        seen: Callable[[Profile, Request, Response], None] | None = None,
        logs_in: object = None,
    ) -> LiveTarget:
        """Prepare to talk to the profile's real URLs; nothing is sent yet.

        ``folder`` is where ``.env`` lies, ``throttle`` holds the run to its limits, ``shared_file`` gives a file that
        the run's workers share, ``seen`` is shown every answer, ``logs_in`` is what the project's fixture gave. Raises
        ProfileError or CredentialError.
        """
        script = logging_in(profile, folder, logs_in)
        identities = live_identities(profile, folder, redactor)
        located = identities.profile
        shown = None if seen is None else partial(seen, located)
        network = Network(library, ca_file=located.ca_file, turn=throttle.turn, seen=shown)
        sender = Sender.live(library, located, redactor, network=network)
        person = Person(identities, redactor, logs_in=script)
        return cls(
            located, identities, redactor, network, sender, throttle, kind, person=person, shared_file=shared_file
        )

    @property
    def can_move_clock(self) -> bool:
        return self.profile.clock is not None and self.profile.clock.url is not None

    @property
    def seconds_an_answer(self) -> float:
        return self.pace.mean

    @property
    def seconds_waited(self) -> float:
        return self.pace.seconds

    @property
    def sent(self) -> int:
        return self.sender.sent

    @property
    def retries(self) -> Retries:
        return Retries(self.throttle.hold, self.pause)

    def store(self, who: Who) -> TokenStore:
        if who not in self.stores:
            # A token that is bound to a run's own key is of no use to a worker that has not the key.
            is_shared = self.profile.token.bound != "dpop"
            file = self.shared_file("token", self.profile.key, *who) if is_shared else None
            clock, leeway = SystemClock(), self.profile.token.leeway
            self.stores[who] = (
                TokenStore(clock, leeway) if file is None else SharedTokenStore(clock, leeway, file, self.redactor)
            )
        return self.stores[who]

    def connection(self, url: str) -> Connection:
        return Connection(self.profile, url, self.sender.take_turn, self.redactor)

    def advance(self, seconds: int) -> None:
        clock = self.profile.clock
        assert clock is not None
        assert clock.url is not None
        url, body = self.profile.url(clock.url), json.dumps({"seconds": seconds}).encode()
        response = self.send(Request("POST", url, (("Content-Type", "application/json"),), body))
        if not 200 <= response.status < 300:
            raise UnreachableError(f"{self.profile.name}: the clock at {url} answered {response.status}")

    def pause(self, seconds: float) -> None:
        self.sleep(seconds)

    def guess(self, username: str) -> bool:
        return self.throttle.guess(username)

    def send(self, request: Request) -> Response:
        """Send one request.

        Raises UnreachableError without sending anything once many requests in a row got no answer: to wait for
        each one of a run would take hours.
        """
        if len(self.unanswered) >= GIVE_UP:
            raise UnreachableError(
                f"{self.profile.name}: nothing more is sent after {GIVE_UP} requests in a row without a usable answer:"
                f" {self.unanswered[-1]}"
            )
        try:
            response = self.pace.measured(lambda: self.sender.send(request))
        except (BudgetError, HandshakeError):
            raise
        except UnreachableError as error:
            self.unanswered.append(str(error))
            raise
        if response.status in (429, *FROM_GATEWAYS):
            self.unanswered.append(f"{response.status} {response.reason}".strip())
        else:
            self.unanswered.clear()
        return response

    def close(self) -> None:
        self.sender.close()

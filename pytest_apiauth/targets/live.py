"""A real server as a target: over the network, within the run's limits, patient if the server asks for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import live_identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import BudgetError, UnreachableError
from pytest_apiauth.http import Network, Wire
from pytest_apiauth.messages import FROM_GATEWAYS, Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.limits import Throttle
from pytest_apiauth.targets.retries import Retries

GIVE_UP = 10
"""Requests in a row without a usable answer after which a live run sends no more."""


@dataclass(slots=True)
class Pace:
    """How long the answers of a run took, the wait for a turn included."""

    answers: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """A real server, over the network."""

    profile: Profile
    identities: Identities
    wire: Wire
    throttle: Throttle
    kind: str = "live"
    has_browser: bool = False
    has_connections: bool = True
    is_parallel: bool = True
    sleep: Callable[[float], None] = time.sleep
    unanswered: list[str] = field(default_factory=list)
    """Why the last requests in a row got no answer, or one that says nothing of the server itself."""
    now: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)

    @classmethod
    def build(
        cls,
        profile: Profile,
        *,
        redactor: Redactor,
        library: str,
        folder: Path,
        throttle: Throttle,
        seen: Callable[[Profile, Request, Response], None] | None = None,
    ) -> LiveTarget:
        """Prepare to talk to the profile's real URLs; nothing is sent yet.

        ``folder`` is where ``.env`` lies, ``throttle`` holds the run to its limits, ``seen`` is shown every answer.
        Raises ProfileError where the profile names no host.
        """
        located = located_profile(profile, folder)
        identities = live_identities(located, folder, redactor)
        shown = None if seen is None else partial(seen, located)
        network = Network(library, ca_file=located.ca_file, turn=throttle.turn, seen=shown)
        return cls(located, identities, Wire.live(library, located, redactor, network=network), throttle)

    @property
    def can_move_clock(self) -> bool:
        return self.profile.clock is not None and self.profile.clock.url is not None

    @property
    def seconds_an_answer(self) -> float:
        return self.pace.seconds / self.pace.answers if self.pace.answers else 0.0

    @property
    def sent(self) -> int:
        return self.wire.sent

    @property
    def retries(self) -> Retries:
        return Retries(self.throttle.hold, self.pause)

    def connection(self, url: str) -> Connection:
        return Connection(self.profile, url, self.wire.take_turn)

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
        began = self.now()
        try:
            response = self.wire.send(request)
            self.pace.answers += 1
            self.pace.seconds += self.now() - began
        except BudgetError:
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
        self.wire.close()

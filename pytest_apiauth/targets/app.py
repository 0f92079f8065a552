"""The profile's app in this process, as a target that its rules and the project's own tests share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.importing import described, load_object
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError, ProfileError, UnreachableError
from pytest_apiauth.http import InProcess, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps.asgi import Loop
from pytest_apiauth.targets.apps.host import Host, housed
from pytest_apiauth.targets.apps.importing import logging_in
from pytest_apiauth.targets.apps.supplied import supplied_identities
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.pace import Pace
from pytest_apiauth.targets.retries import NEARBY, Retries
from pytest_apiauth.targets.target import TargetKind, Who

APP: Final = TargetKind(
    "app",
    announced="in this process",
    here="this profile's app runs in this process",
    no_connections="an app in this process has none, a live run of it has",
    is_app=True,
    is_shared=True,
    located=lambda profile, root: housed(profile),
)


@dataclass(frozen=True, slots=True)
class AppTarget:
    """An app at work. Close it before what its credentials rest on goes."""

    profile: Profile
    identities: Identities
    redactor: Redactor
    host: Host
    connector: InProcess
    sender: Sender
    root: Path
    person: Person
    kind: TargetKind = APP
    server: None = None
    retries: Retries = NEARBY
    pace: Pace = field(default_factory=Pace)

    @classmethod
    def build(
        cls,
        profile: Profile,
        *,
        loop: Loop,
        credentials: object,
        redactor: Redactor,
        library: str,
        root: Path,
        logs_in: object = None,
        running: AppTarget | None = None,
    ) -> AppTarget:
        """Start the app; or take the one that is ``running``, for one test that has its profile changed.

        ``loop`` is where asynchronous apps run; ``credentials`` and ``logs_in`` are what the project's fixtures gave,
        ``root`` the project's folder. Raises ProfileError or CredentialError.
        """
        script = logging_in(profile, root, logs_in)
        identities = supplied_identities(housed(profile), credentials, redactor, root)
        own = identities.profile
        person = Person(identities, redactor, logs_in=script)
        if running is not None:
            running.refuse_to_move(own)
            return replace(running, profile=own, identities=identities, person=person)
        host = Host(own, loop=loop, root=root)
        connector = InProcess(library, host.handle, host.handle_async)
        return cls(
            own, identities, redactor, host, connector, Sender.in_process(connector, own, redactor), root, person
        )  # fmt: skip

    def refuse_to_move(self, changed: Profile) -> None:
        """Raise ProfileError if a changed profile has other origins than those that the app answers for."""
        if changed.origins != self.profile.origins:
            raise ProfileError(
                f"{changed.name}: changes: the app at work in this process answers for"
                f" {', '.join(sorted(map(str, self.profile.origins)))}, and for one test too"
            )

    @property
    def can_move_clock(self) -> bool:
        return self.profile.clock is not None and self.profile.clock.callable is not None

    @property
    def is_parallel(self) -> bool:
        return not self.host.is_bound_to_thread

    @property
    def seconds_an_answer(self) -> float:
        return self.pace.mean

    @property
    def seconds_waited(self) -> float:
        return self.pace.seconds

    @property
    def sent(self) -> int:
        return self.connector.sent

    def store(self, who: Who) -> TokenStore:
        return TokenStore(SystemClock(), self.profile.token.leeway)

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: an app in this process has no connections")

    def advance(self, seconds: int) -> None:
        """Move the app's clock by the profile's callable. Raises ProfileError, or UnreachableError if it fails."""
        clock = self.profile.clock
        assert clock is not None
        assert clock.callable is not None
        where = f"{self.profile.name}: clock.callable"
        move = load_object(clock.callable, where=where, root=self.root)
        try:
            move(seconds)
        except ApiAuthError:
            raise
        except Exception as error:
            raise UnreachableError(
                f"{where}: {clock.callable}({seconds}) failed: {described(error, self.root)}"
            ) from None

    def pause(self, seconds: float) -> None:
        """Do nothing: no rule needs real time to pass, and none is lost here."""

    def guess(self, username: str) -> bool:
        return True

    def send(self, request: Request) -> Response:
        return self.pace.measured(lambda: self.sender.send(request))

    def close(self) -> None:
        self.sender.close()
        self.host.close()

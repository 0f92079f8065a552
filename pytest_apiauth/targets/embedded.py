"""The embedded server as a target, in this process: every test and every examination has a new one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities, Lookup
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Chosen, Server
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import InProcess, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.apps.mounting import Mounts
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.retries import NEARBY, Retries
from pytest_apiauth.targets.target import EMBEDDED, TargetKind, Who


@dataclass(frozen=True, slots=True)
class EmbeddedTarget:
    """The embedded server, called as a function."""

    server: Server
    identities: Identities
    redactor: Redactor
    connector: InProcess
    sender: Sender
    person: Person
    mounts: Mounts | None = None
    kind: TargetKind = EMBEDDED
    can_move_clock: bool = True
    is_parallel: bool = True
    seconds_an_answer: float = 0.0
    seconds_waited: float = 0.0
    retries: Retries = NEARBY

    @classmethod
    def build(
        cls,
        profile: Profile,
        *,
        redactor: Redactor,
        library: str,
        faults: Iterable[Chosen],
        variants: Iterable[str],
        lifetime: int | None = None,
        mounts: Mounts | None = None,
        given: Lookup | None = None,
    ) -> EmbeddedTarget:
        """Start a server that keeps the profile's promise, save for its faults.

        ``mounts`` has the apps of a test, ``given`` knows credentials that are not to be invented.
        """
        server = Server(
            profile, faults=faults, variants=variants, lifetime=lifetime, redactor=redactor,
            host_app=None if mounts is None else mounts.host, given=given,
        )  # fmt: skip
        identities = Identities(server.profile, server.lookup, redactor)
        connector = InProcess(library, server.handle)
        sender = Sender(connector, "embedded", Redactor())
        person = Person(identities, redactor, consents=server.consents)
        return cls(server, identities, redactor, connector, sender, person, mounts)

    @property
    def profile(self) -> Profile:
        return self.server.profile

    @property
    def sent(self) -> int:
        return self.connector.sent

    def store(self, who: Who) -> TokenStore:
        return TokenStore(self.server.clock, self.profile.token.leeway)

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: the embedded server has no connections in this process")

    def advance(self, seconds: int) -> None:
        self.server.clock.advance(seconds)

    def pause(self, seconds: float) -> None:
        self.server.clock.advance(seconds)

    def guess(self, username: str) -> bool:
        return True

    def send(self, request: Request) -> Response:
        return self.sender.send(request)

    def close(self) -> None:
        self.sender.close()
        if self.mounts is not None:
            self.mounts.close()

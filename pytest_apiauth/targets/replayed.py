"""A test's own cassette as a target: vcrpy stands where connections are made, and nothing gets past it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import NotRecordedError, UnreachableError
from pytest_apiauth.http import Network, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.recorded import CASSETTE
from pytest_apiauth.targets.retries import NEARBY, Retries
from pytest_apiauth.targets.target import TargetKind, Who

if TYPE_CHECKING:
    from pytest_apiauth.recording.taping import CassetteTest

REPLAYED: Final = replace(CASSETTE, here="this test is replayed")


@dataclass(frozen=True, slots=True)
class ReplayedTarget:
    """The API as one test has met it. Its secrets are placeholders, which nobody has to hide."""

    profile: Profile
    identities: Identities
    redactor: Redactor
    connector: Network
    sender: Sender
    person: Person
    kind: TargetKind = REPLAYED
    server: None = None
    can_move_clock: bool = False
    is_parallel: bool = False
    seconds_an_answer: float = 0.0
    seconds_waited: float = 0.0
    retries: Retries = NEARBY

    @classmethod
    def build(cls, profile: Profile, cassette: CassetteTest, *, library: str) -> ReplayedTarget:
        """Put placeholders in the place of credentials, those that were set when the cassette was recorded."""
        redactor, network = Redactor(), Network(library)
        identities = cassette.identities(profile, redactor)
        recorded = identities.profile
        sender = Sender.live(library, recorded, redactor, network=network)
        # Where nobody had to log in, the authorization endpoint's answer is on the tape.
        is_on_tape = recorded.code_grant is not None and cassette.has_asked(recorded.authorization_endpoint)
        person = Person(identities, redactor, replays=not is_on_tape)
        return cls(recorded, identities, redactor, network, sender, person)

    @property
    def sent(self) -> int:
        return self.connector.sent

    def store(self, who: Who) -> TokenStore:
        return TokenStore(SystemClock(), self.profile.token.leeway)

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: a cassette has no connections")

    def advance(self, seconds: int) -> None:
        raise NotRecordedError("a cassette has no clock")

    def pause(self, seconds: float) -> None:
        """Wait for nobody."""

    def guess(self, username: str) -> bool:
        return True

    def send(self, request: Request) -> Response:
        return self.sender.send(request)

    def close(self) -> None:
        self.sender.close()

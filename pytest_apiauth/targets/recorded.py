"""Recorded exchanges as a server under test: it answers what was asked of the real one, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import NotRecordedError, UnreachableError
from pytest_apiauth.http import InProcess
from pytest_apiauth.http.transports import Count
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.retries import NEARBY, Retries
from pytest_apiauth.targets.target import TargetKind, Who

if TYPE_CHECKING:
    from pytest_apiauth.recording.exchanges import Key

CASSETTE: Final = TargetKind(
    "cassette",
    announced="on cassettes: says of a server what was recorded of it, and each cassette says of which",
    here="this is a replay",
    no_connections="recordings have none",
)
CHAPTERS: Final = ("token_answer", "token_errors", "token_bodies", "passwords")
"""Chapters of the book that a token endpoint's recorded exchanges can answer for."""
OF_VALUES: Final = {"tok-entropy": "it is about the tokens themselves, and a cassette has placeholders"}
"""Rules of these chapters that a cassette cannot answer for, with the reason."""
LOGINS: Final = frozenset(name for name, grant in GRANTS.items() if grant.needs_person)
"""Scenes whose requests nobody can ask again: what a person's consent gave was used up in them."""


@dataclass(frozen=True, slots=True)
class CassetteTarget:
    """The cassettes of one profile. Of several answers to one request, that of the documented grant counts."""

    profile: Profile
    identities: Identities
    redactor: Redactor
    library: str
    answers: dict[Key, Response]
    key: Callable[[Request], Key]
    """What makes a request this one and no other."""
    kind: TargetKind = CASSETTE
    server: None = None
    person: None = None
    can_move_clock: bool = False
    is_parallel: bool = True
    seconds_an_answer: float = 0.0
    seconds_waited: float = 0.0
    retries: Retries = NEARBY
    given: Count = field(default_factory=Count)
    """How many answers it gave."""

    @classmethod
    def build(cls, profile: Profile, *, library: str, root: Path) -> CassetteTarget:
        """Read a profile's cassettes. Raises CassetteError if there are none, or one is damaged."""
        # A run that replays nothing does not pay for it.
        from pytest_apiauth.recording.contents import CassetteError
        from pytest_apiauth.recording.exchanges import Telling, cassettes_of, exchanges
        from pytest_apiauth.recording.playing import Credentials
        from pytest_apiauth.recording.scenes import scenes

        folder, key = cassettes_of(profile, root), Telling.of(profile).key
        redactor = OutputRedactor()
        identities = Identities(profile, Credentials(None), redactor)
        ask = Requester(identities)
        answers: dict[Key, Response] = {}
        for scene in scenes(profile):
            path = folder / f"{scene.name}.yaml"
            if path.is_file() and scene.name not in LOGINS:
                for request, response in exchanges(scene, ask, path):
                    answers.setdefault(key(request), response)
        if not answers:
            raise CassetteError(f"{profile.name}: no cassette of its token endpoint in {folder}")
        return cls(profile, identities, redactor, library, answers, key)

    def send(self, request: Request) -> Response:
        """Return the recorded answer. Raises NotRecordedError if nobody has asked that."""
        answer = self.answers.get(self.key(request))
        if answer is None:
            raise NotRecordedError("no cassette has this request")
        self.given.add()
        return answer

    @property
    def sent(self) -> int:
        return self.given.total

    @property
    def connector(self) -> InProcess:
        return InProcess(self.library, self.send)

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

    def close(self) -> None:
        """Hold nothing open."""

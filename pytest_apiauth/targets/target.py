"""What is under test, whatever it is: the promise that each target keeps to the rules and to the fixtures' clients.

A target knows the profile it serves, who may act there, and how requests get there. Which one a run has, `choose` says,
and nobody else asks; what differs between targets they say themselves, or their `TargetKind` does. A new one is a file
of its own that has a class and a kind, and a line in `choose` for the option or profile key that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from pytest_apiauth.auth.person import Person
    from pytest_apiauth.auth.tokens import TokenStore
    from pytest_apiauth.credentials.identities import Identities
    from pytest_apiauth.credentials.secrets import Redactor
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.http import Connector
    from pytest_apiauth.messages import Request, Response
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.targets.connection import Connection
    from pytest_apiauth.targets.retries import Retries

Who: TypeAlias = tuple[str, str, str]
"""A set of credentials, by the names of client, user and key in the profile; empty is whoever the grant is for."""


def _as_it_is(profile: Profile, root: Path) -> Profile:
    return profile


@dataclass(frozen=True, slots=True)
class TargetKind:
    """What holds of every target of a kind, and is known before there is one."""

    name: str
    """How reports and the summary call it."""
    announced: str
    """Where profiles are examined, in the line before a run."""
    no_connections: str = ""
    """Why there is no connection that a rule could open, and where there would be one; empty if there is."""
    here: str = ""
    """Why there is no embedded server in such a run, for a test that asks for it."""
    note: str = ""
    """What a report says of such a run."""
    is_double: bool = False
    """Whether it is our own, so that nothing is said of the API and a request costs nothing."""
    is_app: bool = False
    """Whether it is the profile's app in this process: its rules are tests of the project like any other."""
    is_live: bool = False
    """Whether it is a server over the network, with accounts that lock and an owner who minds."""
    is_shared: bool = False
    """Whether all rules and tests of a profile have the same one."""
    located: Callable[[Profile, Path], Profile] = _as_it_is
    """Returns the profile as it is met there, by the project's root. Raises ProfileError or CredentialError."""

    @property
    def has_connections(self) -> bool:
        """Whether requests travel on connections, which a rule may open by itself."""
        return not self.no_connections

    @property
    def is_real(self) -> bool:
        """Whether what is found is found of the API itself: what is known to fail there is no news."""
        return self.is_app or self.is_live


EMBEDDED: Final = TargetKind(
    "embedded",
    announced="on the embedded server: proves the profile and the suite, says nothing about the real API",
    no_connections="--apiauth-wire serves the embedded server on a socket",
    note="embedded server: this run says nothing about the real API",
    is_double=True,
)
"""The kind that every run may have. It stands here since whoever tells of it need not import the server."""


class Target(Protocol):
    """A server under test."""

    @property
    def kind(self) -> TargetKind:
        """What holds of every target like it."""

    @property
    def profile(self) -> Profile:
        """The promise, with every URL known."""

    @property
    def identities(self) -> Identities:
        """Who may act there."""

    @property
    def redactor(self) -> Redactor:
        """What learns the secrets that come from there."""

    @property
    def connector(self) -> Connector:
        """How requests get there: what clients are built with."""

    @property
    def server(self) -> Server | None:
        """The embedded server, if that is what a test's clients talk to."""

    @property
    def person(self) -> Person | None:
        """Who logs in and consents there; None if nobody can."""

    @property
    def can_move_clock(self) -> bool:
        """Whether its time can be moved, so that lifetimes can be examined."""

    @property
    def is_parallel(self) -> bool:
        """Whether several threads may send at once."""

    @property
    def seconds_an_answer(self) -> float:
        """How long an answer takes, as far as was seen; 0 if nobody waits for one."""

    @property
    def seconds_waited(self) -> float:
        """How long all answers together took; 0 if nobody waits for one."""

    @property
    def sent(self) -> int:
        """How many requests have left: by `send` and by clients, on connections of its own, as orders to its clock."""

    @property
    def retries(self) -> Retries:
        """When a request is sent to it again."""

    def store(self, who: Who) -> TokenStore:
        """Return where the tokens of a set of credentials are kept: the run's on a live server, else a new one.

        What an app stores for a test may be rolled back after it, and its tokens with it.
        """

    def connection(self, url: str) -> Connection:
        """Make a connection of its own to the origin of a URL. Raises UnreachableError if there are none."""

    def advance(self, seconds: int) -> None:
        """Move its clock forward. Raises UnreachableError if a clock does not take the order."""

    def pause(self, seconds: float) -> None:
        """Wait, if waiting means anything to the server."""

    def guess(self, username: str) -> bool:
        """Take note of a wrong password for a user before it is sent; False if no more may be."""

    def send(self, request: Request) -> Response:
        """Send one request as it is, once. Raises UnreachableError, or NotSendable from ``http``."""

    def close(self) -> None:
        """Release what it holds. Raises ProfileError, in one line, if an app's shutdown fails."""

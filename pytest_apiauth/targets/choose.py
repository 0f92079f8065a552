"""Which target a run has: the only place that asks what the run was asked for, and the only one that makes any.

Theory of operation. Options and profile decide on a kind (`choose`), which is known when tests are collected; a target
of the kind is made on first use (`Targets.of`). A live server and an app are made once a profile, so that its rules and
the project's own tests hold the same object: one app at work, one TLS context, one set of tokens and limits. An
embedded server and a cassette are made anew for each test, and whoever has one closes it. So a new target is its own
file, a line in `choose`, a line in `Targets`, and the option or profile key that asks for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from pytest_apiauth import installed
from pytest_apiauth.auth.shared import SharedFile
from pytest_apiauth.credentials.identities import Lookup, SetVariables
from pytest_apiauth.credentials.importing import put_on_path
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Chosen
from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.app import APP, AppTarget
from pytest_apiauth.targets.apps import Loop
from pytest_apiauth.targets.apps.mounting import Mounts
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.limits import Throttle
from pytest_apiauth.targets.live import LIVE, LiveTarget, no_workers
from pytest_apiauth.targets.loopback import LOOPBACK, LoopbackTarget
from pytest_apiauth.targets.recorded import CASSETTE, CassetteTarget
from pytest_apiauth.targets.replayed import REPLAYED, ReplayedTarget
from pytest_apiauth.targets.target import EMBEDDED, Target, TargetKind

if TYPE_CHECKING:
    from pytest_apiauth.recording.taping import CassetteTest

Caller: TypeAlias = Literal["rules", "tests", "tests with a cassette"]
"""Who is to talk to a target: the rules of the book, or clients of a project's own tests."""
RECORDED: Final = replace(LIVE, is_shared=False)
"""A live server while a test is recorded: its token request belongs to the cassette, so its tokens are its own."""


class Asked(Protocol):
    """What of a run's options decides on its targets."""

    @property
    def live(self) -> bool:
        """Whether real servers are asked."""

    @property
    def replay(self) -> bool:
        """Whether rules meet recorded exchanges."""

    @property
    def wire(self) -> bool:
        """Whether rules meet the embedded server on a socket."""

    @property
    def http(self) -> str:
        """The HTTP library."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Where the embedded server breaks rules."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Where the embedded server differs."""

    @property
    def prove(self) -> bool:
        """Whether rules are held to faults of the embedded server."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How one test's embedded server differs, beside what the run asks for."""

    faults: tuple[Chosen, ...] = ()
    variants: tuple[str, ...] = ()
    lifetime: int | None = None
    """Of access tokens, in seconds; None is the profile's."""

    def __bool__(self) -> bool:
        return bool(self.faults or self.variants or self.lifetime is not None)


NO_DIFFERENCE: Final = Difference()


def choose(profile: Profile, asked: Asked, caller: Caller, difference: Difference = NO_DIFFERENCE) -> TargetKind:
    """Return the kind of target that a profile's rules or tests meet in a run.

    Faults, variants and sockets are the embedded server's, so whoever asks for them asks for that one.
    """
    if asked.replay and caller == "rules":
        return CASSETTE
    if asked.live:
        return RECORDED if caller == "tests with a cassette" else LIVE
    is_double = asked.faults or asked.variants or asked.wire or (asked.prove and caller == "rules") or difference
    if profile.app and not is_double:
        return APP
    if caller == "tests with a cassette":
        return REPLAYED
    return LOOPBACK if asked.wire and caller == "rules" else EMBEDDED


def double(
    profile: Profile, faults: Iterable[Chosen] = (), *, redactor: Redactor, has_connections: bool = False
) -> Target:
    """Return an embedded server of no run, with some faults, to show what they do. Raises an ApiAuthError."""
    build = LoopbackTarget if has_connections else EmbeddedTarget.build
    return build(profile, redactor=redactor, library=installed.usual(), faults=faults, variants=())


@dataclass(slots=True)
class Targets:
    """The targets of one run.

    ``throttle`` holds a profile's live requests to the run's limits, ``shared_file`` gives a file that the run's
    workers share, ``faults`` gives what the embedded server shows whom, ``seen`` is shown the answers of live servers.
    """

    asked: Asked
    root: Path
    redactor: OutputRedactor
    throttle: Callable[[Profile], Throttle]
    shared_file: Callable[..., SharedFile | None]
    faults: Callable[[Profile, Caller], Iterable[Chosen]]
    seen: Callable[[Profile, Request, Response], None] | None = None
    _loop: Loop = field(default_factory=Loop)
    # By `Profile.key`: two profiles may have one name, and a test may have one changed.
    _shared: dict[str, Target] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)

    def of(
        self,
        profile: Profile,
        caller: Caller,
        *,
        credentials: object = None,
        logs_in: object = None,
        cassette: CassetteTest | None = None,
        difference: Difference = NO_DIFFERENCE,
    ) -> Target:
        """Return the target of a profile, made on first use if it is shared. Raises an ApiAuthError.

        ``credentials`` is what the project's fixture gave, for an app; ``logs_in`` what its other one gave, for an app
        and for a live server; ``cassette`` is that of a test which has one; ``difference`` is what one test wants of
        its embedded server. Whoever has a target that is not shared closes it.
        """
        kind, place = choose(profile, self.asked, caller, difference), profile.key
        if any(row.is_signed for row in profile.kinds.values()):
            # Whoever signs, clients, rules or the double, finds the project's function there.
            put_on_path(self.root)
        if kind.is_double:
            faults = (*self.faults(profile, caller), *difference.faults)
            given = None if caller == "rules" else SetVariables(self.root)
            on_socket = kind.has_connections
            return self.double(profile, faults, has_connections=on_socket, difference=difference, given=given)
        running: AppTarget | None = None
        if kind is APP and profile.unchanged is not None:
            # It is the same app, which is started once.
            found = self.of(profile.unchanged, caller, credentials=credentials, logs_in=logs_in)
            assert isinstance(found, AppTarget)
            running = found
        keeps = kind.is_shared and running is None
        if keeps and place in self._failed:
            raise ProfileError(self._failed[place])
        if keeps and place in self._shared:
            return self._shared[place]
        try:
            made = self._made(kind, profile, credentials, logs_in, cassette, running)
        except ApiAuthError as error:
            if keeps and kind.is_app:
                # It is started once, whatever comes of it.
                self._failed[place] = str(error)
            raise
        if keeps:
            self._shared[place] = made
        return made

    def _made(
        self,
        kind: TargetKind,
        profile: Profile,
        credentials: object,
        logs_in: object,
        cassette: CassetteTest | None,
        running: AppTarget | None = None,
    ) -> Target:
        library, redactor, root = self.asked.http, self.redactor, self.root
        if kind.is_live:
            shared_file = self.shared_file if kind.is_shared else no_workers
            return LiveTarget.build(
                profile, redactor=redactor, library=library, folder=root, throttle=self.throttle(profile), kind=kind,
                shared_file=shared_file, seen=self.seen, logs_in=logs_in,
            )  # fmt: skip
        if kind is APP:
            return AppTarget.build(
                profile, loop=self._loop, credentials=credentials, redactor=redactor, library=library, root=root,
                logs_in=logs_in, running=running,
            )  # fmt: skip
        if kind is CASSETTE:
            return CassetteTarget.build(profile, library=library, root=root)
        assert kind is REPLAYED
        assert cassette is not None
        return ReplayedTarget.build(profile, cassette, library=library)

    def double(
        self,
        profile: Profile,
        faults: Iterable[Chosen],
        *,
        has_connections: bool,
        difference: Difference = NO_DIFFERENCE,
        given: Lookup | None = None,
    ) -> Target:
        """Return an embedded server with some faults, whatever the run asks for. Raises an ApiAuthError.

        Rules are examined with invented credentials alone, so that each run is like the one before and no database of
        examples can hold a real one. ``given`` knows those that the code of a test may have read.
        """
        redactor, library = self.redactor, self.asked.http
        variants = (*self.asked.variants, *difference.variants)
        if has_connections:
            return LoopbackTarget(profile, redactor=redactor, library=library, faults=faults, variants=variants)
        return EmbeddedTarget.build(
            profile, redactor=redactor, library=library, faults=faults, variants=variants,
            lifetime=difference.lifetime, mounts=Mounts(self._loop, self.root), given=given,
        )  # fmt: skip

    def knows(self, profile: Profile) -> bool:
        """Whether a profile's shared target was made, or tried to be."""
        return profile.key in self._shared or profile.key in self._failed

    def close_shared(self, profile: Profile) -> None:
        """Close what is shared of a profile; the next who asks has a new one. Raises ProfileError."""
        self._failed.pop(profile.key, None)
        found = self._shared.pop(profile.key, None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close what is shared, and end the apps' loop."""
        for target in self._shared.values():
            with contextlib.suppress(OSError, ApiAuthError):
                target.close()
        self._shared.clear()
        self._loop.close()

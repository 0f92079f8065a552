"""What is behind a block of `serving`: its server, its clients, what it does to the process; in a run or without one.

Standard library and pytest only at import.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.installed import usual
from pytest_apiauth.plugin.run import State, at_hand
from pytest_apiauth.scratch import scratch_folder

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Chosen, Server
    from pytest_apiauth.plugin.clients import Clients
    from pytest_apiauth.plugin.doubles import ServedUrl, StandIn
    from pytest_apiauth.plugin.wanted import Wanted
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.targets.choose import Caller, Difference, Targets
    from pytest_apiauth.targets.limits import Throttle

Library: TypeAlias = Literal["httpx", "httpx2"]
Asked: TypeAlias = "str | os.PathLike[str] | Profile"


@dataclass(frozen=True, slots=True)
class Options:
    """What decides on a block's server, as the options of a run do."""

    http: str
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    live: bool = False
    replay: bool = False
    wire: bool = False
    prove: bool = False


@dataclass(eq=False, slots=True)
class Block:
    """A server at work."""

    server: Server
    clients: Clients
    who: Mapping[str, str]
    opened: ExitStack
    stand_in: StandIn | None = None
    _urls: dict[bool, ServedUrl] = field(default_factory=dict)
    _patch: pytest.MonkeyPatch | None = None

    @classmethod
    def begin(
        cls,
        opened: ExitStack,
        asked: Asked,
        *,
        place: Path,
        wanted: Wanted,
        http: Library | None,
        stands_in: bool,
    ) -> Block:
        """Make everything and put it to work, until ``opened`` is closed. Raises an ApiAuthError."""
        from pytest_apiauth.credentials.identities import SetVariables
        from pytest_apiauth.offline import Refusal, at_work
        from pytest_apiauth.plugin.clients import Clients
        from pytest_apiauth.plugin.doubles import StandIn
        from pytest_apiauth.plugin.own_faults import faults_at_work
        from pytest_apiauth.plugin.payloads import furnish
        from pytest_apiauth.plugin.reach import hosts_of

        run = at_hand()
        profile = _profile(asked, place, run, wanted)
        difference = _difference(run, wanted, profile)
        root = Path.cwd() if run is None else run.root
        faults = [] if run is None else faults_at_work(run.config, run.options.faults, profile, "tests")
        targets = _targets(run, root, http)
        opened.callback(targets.close)
        target = targets.double(
            profile, [*faults, *difference.faults], has_connections=False, difference=difference,
            given=SetVariables(root),
        )  # fmt: skip
        opened.callback(target.close)
        server = target.server
        assert server is not None
        furnish(server)
        who = wanted.who
        clients = Clients(target, who, allow_unsafe=True)
        opened.callback(clients.close)
        if run is None or not run.options.live:
            opened.enter_context(at_work(Refusal(hosts_of([profile], root), _advice)))
        block = cls(server, clients, who, opened)
        if stands_in:
            block.stand_in = StandIn(server, who, _advice_beside_mock, [], target.connector.library.name)
        if run is None:
            opened.enter_context(block._at_work())
            return block
        run.lifetimes.refuse_beside_cassette(stands_in)
        opened.enter_context(run.lifetimes.watch(server, is_wide=True))
        if block.stand_in is not None:
            opened.enter_context(run.lifetimes.watch(block.stand_in.router, is_wide=True))
        opened.enter_context(run.lifetimes.at_work(block._at_work, stands_in=stands_in))
        return block

    def url(self, *, tls: bool) -> ServedUrl:
        """Return the base URL on this machine, which is served from now on."""
        from pytest_apiauth.plugin.doubles import served

        if tls not in self._urls:
            folder = self.opened.enter_context(scratch_folder()) if tls else None
            self._urls[tls] = self.opened.enter_context(served(self.server, folder))
            self._name_url()
        return self._urls[tls]

    @contextmanager
    def _at_work(self) -> Generator[None]:
        from pytest_apiauth.plugin.doubles import set_environment

        with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
            if self.stand_in is None:
                set_environment(self.server, patch, self.who)
            else:
                opened.enter_context(self.stand_in.at_work(patch))
            self._patch = patch
            self._name_url()
            yield
            self._patch = None

    def _name_url(self) -> None:
        """Have the variable that names the API's URL say the one of this machine, once there is one."""
        if self._urls and self._patch is not None and self.server.url_variable is not None:
            self._patch.setenv(self.server.url_variable, [*self._urls.values()][-1])


def _advice_beside_mock(library: str) -> str:
    from pytest_apiauth.plugin.reach import advice_beside_mock

    return advice_beside_mock(library, "serving(mock=True)", "the block")


def _advice(library: str) -> str:
    return (
        "pytest_apiauth.serving lets nothing out; let it stand in with mock=True, give the client the block's url, or"
        " name among the test's arguments the fixture that opens the block"
    )


def _profile(asked: Asked, place: Path, run: State | None, wanted: Wanted) -> Profile:
    from pytest_apiauth.profile import loading
    from pytest_apiauth.profile.changing import changed
    from pytest_apiauth.profile.model import Profile

    if isinstance(asked, Profile):
        found = asked
    elif not isinstance(asked, str | os.PathLike):
        raise ProfileError(f"serving: expected a name, a path or a Profile, got {type(asked).__name__}")
    elif run is not None:
        found = run.named_profile(os.fspath(asked), place)
    else:
        found = loading.load(loading.find_from(Path.cwd(), os.fspath(asked)))
    is_changed = wanted.changes or wanted.scope is not None
    return changed(found, wanted.changes, wanted.scope, folder=place) if is_changed else found


def _difference(run: State | None, wanted: Wanted, profile: Profile) -> Difference:
    """Return how the block's server is to differ; faults of a profile's own rules are known in a run of pytest."""
    from pytest_apiauth.embedded import check_names, is_own, no_such
    from pytest_apiauth.plugin.own_faults import difference_of
    from pytest_apiauth.targets.choose import Difference

    if run is not None:
        return difference_of(run.config, wanted, profile)
    check_names(wanted.faults, wanted.variants)
    for name in filter(is_own, wanted.faults):
        raise no_such("fault", name)
    return Difference(wanted.faults, wanted.variants, wanted.lifetime)


def _targets(run: State | None, root: Path, http: Library | None) -> Targets:
    from pytest_apiauth.credentials.redaction import OutputRedactor
    from pytest_apiauth.targets.choose import Targets
    from pytest_apiauth.targets.limits import Limits, Throttle
    from pytest_apiauth.targets.live import no_workers

    def throttle(profile: Profile) -> Throttle:
        return Throttle(profile.name, Limits(None, 0, 0))  # nothing of a block goes anywhere

    def no_faults(profile: Profile, caller: Caller) -> tuple[Chosen, ...]:
        return ()  # they are chosen for the block

    if run is None:
        return Targets(Options(http or usual()), root, OutputRedactor(), throttle, no_workers, no_faults)
    options = Options(http or run.options.http, run.options.faults, run.options.variants)
    return Targets(options, root, run.redactor, throttle, no_workers, no_faults)

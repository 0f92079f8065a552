"""The APIs that one test talks to, or that several tests share: the clients of each, made when somebody asks for them.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.plugin.marks import chosen_profile, needs_clients, refuse_double_beside_cassette, wanted_by_test
from pytest_apiauth.plugin.provision import own_or_shared
from pytest_apiauth.plugin.run import STATE, State
from pytest_apiauth.plugin.wanted import Names, Wanted

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.plugin.clients import Clients
    from pytest_apiauth.profile.model import Profile

Thing = TypeVar("Thing")
APIS: pytest.StashKey[Apis] = pytest.StashKey()
"""Of a test, or of the class, module or run that shares them."""


class Apis:
    """The clients of each API, by the file of its profile; what they hold is closed by ``opened``.

    ``profile`` is that of the first which marks name; ``variant`` and ``fault`` are chosen for all. Raises an
    ApiAuthError for one that cannot be had.
    """

    def __init__(
        self, request: pytest.FixtureRequest, profile: Profile, variant: Names, fault: Names, opened: ExitStack
    ) -> None:
        self._request = request
        self._node = request.node
        self._state: State = request.config.stash[STATE]
        self._opened = opened
        self._choices = variant, fault
        own, *others = self._wanted()
        self._marked = {profile.place: (profile, own)}
        for each in others:
            found = chosen_profile(self._node, self._state, each)
            self._marked.setdefault(found.place, (found, each))
        self._known: dict[str, Clients] = {}
        self.own = self._clients(*self._marked[profile.place])
        """The clients of the test's own profile."""

    @property
    def made(self) -> tuple[Clients, ...]:
        """The clients of every API that has been asked for so far."""
        return tuple(self._known.values())

    @property
    def servers(self) -> list[Server]:
        """The embedded servers behind them."""
        return [clients.target.server for clients in self.made if clients.target.server is not None]

    def marked(self) -> Iterator[Clients]:
        """Yield the clients of the APIs that marks name, the test's own first; each is made when its turn comes."""
        for profile, wanted in self._marked.values():
            yield self._clients(profile, wanted)

    def of(self, name: str | None = None) -> Clients:
        """Return the clients of one API, by its profile's name or path; without it those of the test's own.

        Raises an ApiAuthError for a profile that cannot be had.
        """
        if name is None:
            return self.own
        wanted = self._wanted(name)[0]
        profile = chosen_profile(self._node, self._state, wanted)
        if profile.place in self._marked:
            return self._clients(*self._marked[profile.place])
        if profile.place not in self._known:
            self._refuse_unannounced(name)
            from pytest_apiauth.plugin.reach import keep_out

            if isinstance(self._node, pytest.Item):
                keep_out(self._node, profile)
        return self._clients(profile, wanted)

    def no_answer(self, error: BaseException) -> str | None:
        """Say in one line that no connection came about, if that is what an error of the HTTP library says."""
        return next((line for clients in self.made if (line := clients.no_answer(error)) is not None), None)

    def _wanted(self, other: str | None = None) -> list[Wanted]:
        return [each.choosing(*self._choices) for each in wanted_by_test(self._node, other)]

    def _clients(self, profile: Profile, wanted: Wanted) -> Clients:
        if profile.place not in self._known:
            self._known[profile.place] = self._made(profile, wanted)
        return self._known[profile.place]

    def _made(self, profile: Profile, wanted: Wanted) -> Clients:
        from pytest_apiauth.plugin.clients import Clients

        reporter = self._request.config.pluginmanager.get_plugin("apiauth-reporter")
        if reporter is not None:
            reporter.tell_of(Path(profile.place))
        refuse_double_beside_cassette(self._node, wanted)
        writes = self._node.get_closest_marker("apiauth_writes") is not None
        target = self._opened.enter_context(own_or_shared(self._request, profile, wanted))
        found = Clients(target, wanted.who, allow_unsafe=writes)
        self._opened.callback(found.close)
        if target.server is not None:
            is_wide = not isinstance(self._node, pytest.Item)
            self._opened.enter_context(self._state.lifetimes.watch(found, is_wide=is_wide))
        return found

    def _refuse_unannounced(self, name: str) -> None:
        """Where requests of a live run go is told before any is sent, and a worker has nobody to tell it to."""
        if self._state.options.live and hasattr(self._request.config, "workerinput"):
            raise ProfileError(
                f"profile {name!r}: no mark of this test names it, so a live run under pytest-xdist has not said where"
                f' it goes; write @pytest.mark.apiauth("{self.own.target.profile.name}", "{name}")'
            )


def apis_of(item: pytest.Item) -> Apis | None:
    """Return the APIs of a test that talks to any, be they shared."""
    for node in reversed(item.listchain() if needs_clients(item) else [item]):
        found = node.stash.get(APIS, None)
        if found is not None:
            return found
    return None


class ByName(Generic[Thing]):
    """Something of each API of a test, by the name or path of its profile.

    ::

        apiauth_servers["jindexe"].expire()
        apiauth_urls["jindexe"].profile.token_endpoint

    It holds what the marks name, and makes what they do not when it is asked for. Raises an ApiAuthError for a profile
    that cannot be had.
    """

    def __init__(self, apis: Apis, thing_of: Callable[[Clients], Thing]) -> None:
        self._apis = apis
        self._thing_of = thing_of

    @property
    def own(self) -> Thing:
        """That of the test's own profile."""
        return self._thing_of(self._apis.own)

    def __getitem__(self, name: str) -> Thing:
        return self._thing_of(self._apis.of(name))


def embedded(clients: Clients, what: str) -> Server:
    """Return the embedded server behind clients. Skips a test that asks for it, as ``what`` says, if there is none."""
    if clients.target.server is None:
        instead = "; a profile without app, which may extend this one, has it" if clients.target.kind.is_app else ""
        pytest.skip(f"{what}; {clients.target.kind.here}{instead}")
    return clients.target.server


def stand_ins(apis: Apis) -> Iterator[tuple[Server, Clients]]:
    """Yield each server that is to stand in for its hosts. Fails the test if two would for the same host.

    The next one is made when the one before stands in, so that a variable which both profiles name has one value.
    """
    taken: dict[object, str] = {}
    for clients in apis.marked():
        server = embedded(clients, "apiauth_mock stands in for the API")
        name = server.profile.name
        for origin in sorted(server.origins, key=str):
            if origin in taken:
                pytest.fail(
                    f"apiauth_mock: {taken[origin]} and {name} both answer for {origin}, and one server can stand in"
                    " for it: let the mark name one of them, and apiauth_client_factory(profile=…) make clients of the"
                    " other",
                    pytrace=False,
                )
            taken[origin] = name
        yield server, clients

"""What fixtures are made of, for one test or for many: what their clients talk to, and what doubles do to the process.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_apiauth.errors import ApiAuthError, UnsetError
from pytest_apiauth.plugin.keys import CASSETTE
from pytest_apiauth.plugin.marks import scope_node
from pytest_apiauth.plugin.run import STATE, State

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.plugin.doubles import ServedUrl
    from pytest_apiauth.plugin.wanted import Wanted
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.targets.choose import Caller
    from pytest_apiauth.targets.target import Target


def stop(error: ApiAuthError, state: State) -> NoReturn:
    """End a test in one line, without a traceback; skip it if what is unset may be missing."""
    __tracebackhide__ = True
    if isinstance(error, UnsetError) and state.options.skip_missing:
        raise pytest.skip.Exception(str(error)) from None
    # Not pytest.fail: an exception raised while another one is handled is printed with it.
    raise pytest.fail.Exception(str(error), pytrace=False) from None


def target_of(request: pytest.FixtureRequest, profile: Profile, caller: Caller, wanted: Wanted | None = None) -> Target:
    """Return what the rules or the tests of a profile talk to. An app is shut down before what it rests on is."""
    from pytest_apiauth.plugin.own_faults import difference_of
    from pytest_apiauth.targets.choose import NO_DIFFERENCE, choose

    state: State = request.config.stash[STATE]
    targets, credentials, logs_in = state.targets, None, None
    difference = NO_DIFFERENCE if wanted is None else difference_of(request.config, wanted, profile)
    kind = choose(profile, state.options, caller, difference)
    if difference and not kind.is_double:
        pytest.skip(f"{wanted.of_double if wanted else ''} is for the embedded server; {kind.here}")
    if kind.is_app:
        # Set up long ago: items that need it ask for it before anything of their own (in `hooks`).
        credentials = request.getfixturevalue("apiauth_credentials")
        started = profile.unchanged or profile
        if not targets.knows(started):
            request.session.addfinalizer(lambda: targets.close_shared(started))
    if (kind.is_app or kind.is_live) and profile.interactive_grant is not None:
        logs_in = request.getfixturevalue("apiauth_login")
    cassette = request.node.stash.get(CASSETTE, None)
    return targets.of(
        profile, caller, credentials=credentials, logs_in=logs_in, cassette=cassette, difference=difference
    )


@contextmanager
def own_or_shared(request: pytest.FixtureRequest, profile: Profile, wanted: Wanted) -> Generator[Target]:
    """Give what the clients of a fixture talk to: its own, or what a mark lets several tests share."""
    from pytest_apiauth.plugin.earlier import remember
    from pytest_apiauth.plugin.own_faults import difference_of
    from pytest_apiauth.plugin.payloads import furnish
    from pytest_apiauth.targets.choose import choose

    node = request.node
    state: State = request.config.stash[STATE]
    lifetimes = state.lifetimes
    caller: Caller = "tests with a cassette" if CASSETTE in node.stash else "tests"

    def make() -> Target:
        target = target_of(request, profile, caller, wanted)
        if target.server is not None:
            furnish(target.server)
        return target

    common = scope_node(node, wanted.server_scope or "function")
    if isinstance(common, pytest.Collector) and common is not node:
        difference = difference_of(request.config, wanted, profile)
        if choose(profile, state.options, caller, difference).is_double:
            key = profile.key, wanted.faults, wanted.variants, wanted.lifetime
            target = lifetimes.shared(common, key, make)
            with remember(node, target.server):
                yield target
            return
    target = make()
    with ExitStack() as opened:
        if not target.kind.is_shared:
            opened.callback(target.close)
        if target.server is not None:
            opened.enter_context(lifetimes.watch(target.server, is_wide=not isinstance(node, pytest.Item)))
            opened.enter_context(remember(node, target.server))
        yield target


@contextmanager
def serving_url(
    request: pytest.FixtureRequest, server: Server, who: Mapping[str, str], folder: Path | None
) -> Generator[ServedUrl]:
    """Serve for a fixture, which finds the profile's variables set."""
    from pytest_apiauth.plugin.doubles import served, set_environment

    @contextmanager
    def environment(url: str, patch: pytest.MonkeyPatch) -> Generator[None]:
        set_environment(server, patch, who, url)
        yield

    with served(server, folder) as url, doing(request, partial(environment, url)):
        yield url


@contextmanager
def doing(
    request: pytest.FixtureRequest, begin: Callable[[pytest.MonkeyPatch], AbstractContextManager[None]]
) -> Generator[None]:
    """Do to the process what a fixture's double does: for its test, or for each that asks for a shared one."""
    if request.scope == "function":
        # The test's own, so that what the test sets beside it is undone in order.
        with begin(request.getfixturevalue("monkeypatch")):
            yield
        return

    @contextmanager
    def begun() -> Generator[None]:
        with pytest.MonkeyPatch.context() as patch, begin(patch):
            yield

    with request.config.stash[STATE].lifetimes.at_work(begun, stands_in=False):
        yield

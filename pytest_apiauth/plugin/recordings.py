"""Where pytest meets cassettes: which tests have one that is ours, and what options and tests may not ask for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.credentials.identities import learn_credentials
from pytest_apiauth.credentials.names import names_of
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.plugin.keys import CASSETTE
from pytest_apiauth.plugin.marks import (
    chosen_profiles,
    needs_clients,
    refuse_double_beside_cassette,
    uses_ours,
    wanted_by_test,
)
from pytest_apiauth.plugin.reach import hosts_of, profiles_of
from pytest_apiauth.plugin.run import STATE, State
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.belonging import Belonging, cassettes_of
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.episodes import TokenRequests
from pytest_apiauth.recording.jwts import claims_of
from pytest_apiauth.recording.taping import CassetteTest

MOCKS = ("apiauth_mock", "respx_mock", "apiauth_server")
ADDING = ("all", "new_episodes", "rewrite")
"""Record modes that ask the API even if there is a cassette."""
OFF: pytest.StashKey[bool] = pytest.StashKey()


class Configuring:
    """Stands among the hooks of pytest-recording while one test runs."""

    def __init__(self, cassette: CassetteTest) -> None:
        self._cassette = cassette

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_recording_configure(self, vcr: Any) -> None:
        """Keep secrets out of the cassette, after whatever the project's own hooks have settled."""
        self._cassette.configure(vcr)


CONFIGURING: pytest.StashKey[Configuring] = pytest.StashKey()


def take_rewriting(config: pytest.Config, state: State) -> None:
    """Take ``--record-mode=rewrite`` into our own hands, before anything of a test is set up.

    pytest-recording would remove the old cassette before the test has shown that there is a better one.
    """
    if config.getoption("record_mode", None) == "rewrite":
        config.option.record_mode = "all"
        state.rewrites_cassettes = True


def enter(item: pytest.Item) -> None:
    """Make a test that is marked ``vcr`` ready, before any fixture of it. Fails it if it cannot be."""
    state: State = item.config.stash[STATE]
    is_ours, profiles = uses_ours(item), profiles_of(item, state)
    if is_ours:
        _refuse_what_clashes(item, getattr(item, "fixturenames", ()))
        mode = record_mode(state)
        if mode is None and state.options.live:
            # A live run asks the API itself; what it asks is recorded on request only.
            item.stash[OFF] = True
            return
        _refuse_mode(state, has_cassette=True)
        if state.options.server_scope != "function" and needs_clients(item):
            pytest.fail(
                f"apiauth_server_scope = {state.options.server_scope} and @pytest.mark.vcr in one test: a cassette is"
                " one test's, and the fixtures are not; let the test make its own client, or leave out the ini key and"
                " build wider fixtures with pytest_apiauth.serving()",
                pytrace=False,
            )
    for profile in profiles:
        learn_credentials(profile, item.config.rootpath, state.redactor)
    item.stash[CASSETTE] = cassette = CassetteTest(
        item.nodeid,
        item.config.rootpath,
        state.redactor,
        is_live=state.options.live,
        profiles=_own_profiles(item, state),
        names=names_of(profiles),
        claims=claims_of(profiles),
        token_requests=TokenRequests.of(profiles),
        rewrites=state.rewrites_cassettes,
        belonging=Belonging(hosts_of(profiles, state.root), is_ours),
        lets_through=state.options.live and record_mode(state) is None,
        unwritable=_parallel(state) if _records(state) else None,
    )
    state.filter.watch = cassette.watch
    item.stash[CONFIGURING] = hooks = Configuring(cassette)
    item.config.pluginmanager.register(hooks)


def settle(request: pytest.FixtureRequest, markers: list[Any]) -> None:
    """Look for a test's cassettes as soon as fixtures say where they are, and switch them off if they are to be.

    ``markers`` is what pytest-recording goes by: a test without any has no cassette. Fails the test if it is ours
    and asks for what does not go together.
    """
    item: pytest.Item = request.node
    state: State = item.config.stash[STATE]
    if item.stash.get(OFF, False):
        markers.clear()
    test = item.stash.get(CASSETTE, None)
    if test is None or not markers:
        return
    settings = dict(request.getfixturevalue("vcr_config"))
    for mark in reversed(markers):
        settings.update(mark.kwargs)
    more = (path for mark in markers for path in mark.args)
    folder, name = request.getfixturevalue("vcr_cassette_dir"), request.getfixturevalue("default_cassette_name")
    files = cassettes_of(settings, folder, name, more)
    test.belonging.look_at(files)
    if not test.belonging.is_certain:
        return
    _refuse_what_clashes(item, getattr(item, "fixturenames", ()), settings.get("record_mode"))
    if state.options.live and record_mode(state) is None:
        leave(item)
        markers.clear()
        return
    _refuse_mode(state, has_cassette=any(map(Path.is_file, files)))


def leave(item: pytest.Item) -> None:
    """End a test with a cassette. Raises CassetteError if its cassette could not be written."""
    cassette = item.stash.get(CASSETTE, None)
    if cassette is None:
        return
    del item.stash[CASSETTE]
    item.config.pluginmanager.unregister(item.stash[CONFIGURING])
    item.config.stash[STATE].filter.watch = None
    cassette.close()
    if cassette.refusal is not None:
        raise CassetteError(cassette.refusal)


def _own_profiles(item: pytest.Item, state: State) -> list[Profile]:
    try:
        return chosen_profiles(item, state)
    except ApiAuthError:
        # Whoever needs one is told by the fixtures.
        return []


def record_mode(state: State) -> str | None:
    """Return the record mode that the run was asked for."""
    if state.rewrites_cassettes:
        return "rewrite"
    mode: str | None = state.config.getoption("record_mode", None)
    return mode


def _records(state: State) -> bool:
    return record_mode(state) not in (None, "none")


def _parallel(state: State) -> str | None:
    if not hasattr(state.config, "workerinput"):
        return None
    asked = f"--record-mode={record_mode(state)} under pytest-xdist"
    return f"{asked}: workers would overwrite each other's cassettes; use -n 0"


def _refuse_mode(state: State, *, has_cassette: bool) -> None:
    """Fail a test of ours that is to be recorded if it cannot be; with ``once`` what there is is replayed."""
    if not _records(state):
        return
    mode = record_mode(state)
    if not state.options.live and (mode in ADDING or not has_cassette):
        pytest.fail(f"--record-mode={mode} records from the real API: add --apiauth-live", pytrace=False)
    parallel = _parallel(state)
    if state.options.live and parallel is not None:
        pytest.fail(parallel, pytrace=False)


def _refuse_what_clashes(item: pytest.Item, fixtures: Iterable[str], mode: object = None) -> None:
    for name in MOCKS:
        if name in fixtures:
            pytest.fail(f"{name} and @pytest.mark.vcr in one test: a test is mocked or replayed, not both", False)
    for wanted in wanted_by_test(item):
        refuse_double_beside_cassette(item, wanted)
    marked = any(mark.kwargs.get("record_mode") == "rewrite" for mark in item.iter_markers("vcr"))
    if marked or mode == "rewrite":
        where = "@pytest.mark.vcr(record_mode='rewrite')" if marked else "record_mode='rewrite' in vcr_config"
        pytest.fail(f"{where} loses cassettes; use --record-mode=rewrite", False)

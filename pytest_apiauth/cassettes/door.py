"""Where pytest meets cassettes: which tests have one, and what options and tests may not ask for."""

from __future__ import annotations

import pytest

from pytest_apiauth.cassettes.contents import CassetteError
from pytest_apiauth.cassettes.recording import CassetteTest
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.identities import learn_credentials
from pytest_apiauth.session import STATE, State

MOCKS = ("apiauth_mock", "respx_mock", "apiauth_server")


def check_options(config: pytest.Config, state: State) -> None:
    """Settle record mode, liveness and workers. Raises UsageError for what does not go together."""
    mode = config.getoption("record_mode", None)
    if mode in (None, "none"):
        if mode is None and state.is_live and config.pluginmanager.hasplugin("recording"):
            # A live run asks the API itself; what it asks is recorded on request only.
            config.option.disable_recording = True
        return
    if not state.is_live:
        raise pytest.UsageError(f"--record-mode={mode} records from the real API: add --apiauth-live")
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        raise pytest.UsageError(
            f"--record-mode={mode} under pytest-xdist: workers would overwrite each other's cassettes; use -n 0"
        )
    if mode == "rewrite":
        # pytest-recording would remove the old cassette before the test has shown that there is a better one.
        config.option.record_mode = "all"
        state.rewrites_cassettes = True


def enter(item: pytest.Item) -> None:
    """Make a test that is marked ``vcr`` ready, before any fixture of it. Fails it where it cannot be."""
    state: State = item.config.stash[STATE]
    fixtures = getattr(item, "fixturenames", ())
    for name in MOCKS:
        if name in fixtures:
            pytest.fail(f"{name} and @pytest.mark.vcr in one test: a test is mocked or replayed, not both", False)
    if any(mark.kwargs.get("record_mode") == "rewrite" for mark in item.iter_markers("vcr")):
        pytest.fail("@pytest.mark.vcr(record_mode='rewrite') loses cassettes; use --record-mode=rewrite", False)
    from pytest_apiauth.fixtures import chosen_profile

    try:
        profile = chosen_profile(item, state)
    except ApiAuthError:
        # Whoever needs one is told by the fixtures.
        profile = None
    if profile is not None and state.is_live:
        learn_credentials(profile, item.config.rootpath, state.redactor)
    state.cassette = CassetteTest(
        item.nodeid,
        item.config.rootpath,
        state.redactor,
        is_live=state.is_live,
        profile=profile,
        key_headers=() if profile is None or profile.api_key is None else (profile.api_key.header,),
        rewrites=state.rewrites_cassettes,
    )
    state.filter.watch = state.cassette.watch


def leave(item: pytest.Item) -> None:
    """End a test with a cassette. Raises CassetteError where its cassette could not be written."""
    state: State = item.config.stash[STATE]
    cassette, state.cassette, state.filter.watch = state.cassette, None, None
    if cassette is None:
        return
    cassette.close()
    if cassette.refusal is not None:
        raise CassetteError(cassette.refusal)

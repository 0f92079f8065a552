"""Pytest's door: options, hooks, and nothing that costs time before a profile or a fixture is used.

Importing this module imports the standard library and pytest only; a test holds that.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import traceback
import zlib
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_apiauth.credentials.redaction import LOGGERS, changed_value, redact_report
from pytest_apiauth.errors import ApiAuthError, UnsetError
from pytest_apiauth.plugin import fixtures, given, options, overridden, readying
from pytest_apiauth.plugin.apis import APIS, apis_of
from pytest_apiauth.plugin.keys import CASSETTE, ENTRY
from pytest_apiauth.plugin.marks import (
    chosen_profiles,
    may_have_profile,
    needs_clients,
    refuse_what_is_not_shared,
    used_live,
)
from pytest_apiauth.plugin.outputs import Outputs
from pytest_apiauth.plugin.run import RUNS, STATE, State
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.finding import SUFFIX

OUTPUTS = "apiauth-outputs"
NOT_READY = "the profile: its own valid requests"
"""What pytest says has failed where nothing could be examined."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare options and ini keys, and register the fixtures."""
    options.declare(parser)
    # Not named in pytest_plugins: for each name there pytest reads what all installed packages say of entry points.
    for module in (fixtures, overridden, readying):
        pluginmanager.register(module, module.__name__)


def pytest_configure(config: pytest.Config) -> None:
    """Check the options and set up what a run shares."""
    for mark in options.MARKS:
        config.addinivalue_line("markers", f"{mark.call}: {mark.help}")
    asked = options.read(config)
    config.stash[STATE] = state = State(config, asked, seed=_seed(config))
    RUNS.append(state)
    if asked.profile:
        try:
            state.named_profile(asked.profile)
        except ApiAuthError as error:
            raise pytest.UsageError(printable(f"--apiauth-profile: {error}")) from None
    if asked.drift:
        from pytest_apiauth.recording.drift import Drift

        state.drift = Drift(config.rootpath)
    state.learn_configured()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(state.filter)
    config.pluginmanager.register(Outputs(config, state.clean, state.cleaning), OUTPUTS)
    if not hasattr(config, "workerinput"):
        from pytest_apiauth.plugin.terminal import Reporter

        config.pluginmanager.register(Reporter(config), "apiauth-reporter")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the logging filter away and release connections."""
    state = config.stash.get(STATE, None)
    if state is not None:
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(state.filter)
        outputs = config.pluginmanager.unregister(name=OUTPUTS)
        if isinstance(outputs, Outputs):
            outputs.close()
        state.close()
        RUNS.remove(state)


def _seed(config: pytest.Config) -> int:
    """Take the run's seed from Hypothesis' option or the controller; in CI it is 0, else a new one."""
    if hasattr(config, "workerinput"):
        return int(config.workerinput["apiauth_seed"])
    given = config.getoption("hypothesis_seed", None)
    if given is not None:
        text = str(given)
        # Hypothesis takes any text.
        return int(text) if text.lstrip("-").isdecimal() else zlib.crc32(text.encode())
    return 0 if os.environ.get("CI") else random.SystemRandom().randrange(1 << 32)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Return every worker of pytest-xdist the same seed, and a folder that all of them share."""
    state = node.config.stash[STATE]
    node.workerinput["apiauth_seed"] = state.seed
    try:
        node.workerinput["apiauth_folder"] = str(state.shared_folder())
    except OSError as error:
        raise pytest.UsageError(f"no folder for what workers share: {error.strerror or error}") from None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker of pytest-xdist has found out to the controller."""
    drift = session.config.stash[STATE].drift
    if drift is not None and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["apiauth_drift"] = (drift.compared, drift.lines)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a profile: always if it is named, in a folder walk if it asks to be examined."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from pytest_apiauth.plugin.collecting import extent

    state = parent.config.stash[STATE]
    much = extent(parent.session, state.options, file_path)
    if much == "nothing":
        state.left_alone.append(file_path)
    if much in (None, "nothing"):
        return None
    from pytest_apiauth.plugin.collection import ProfileFile

    found: ProfileFile = ProfileFile.from_parent(parent, path=file_path)
    found.extent = much
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let tests of an app have its credentials first, and refuse a fault whose own rule has nothing to examine."""
    _put_credentials_first(config, items)
    state = config.stash[STATE]
    if config.getoption("record_mode", None) == "rewrite" and any(may_have_profile(item, state) for item in items):
        from pytest_apiauth.plugin import recordings

        recordings.take_rewriting(config, state)
    faults = state.options.faults
    if not faults or hasattr(config, "workerinput"):
        return
    from pytest_apiauth.plugin.collection import unexamined

    for line in unexamined(faults, items):
        raise pytest.UsageError(f"--apiauth-fault: {line}")


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Know that there was something to run, but for ``-k``, ``-m`` and the like."""
    for item in items[:1]:
        item.config.stash[STATE].has_deselected = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the controller know, before any worker sends anything, which profiles are examined, or asked by clients."""
    state = session.config.stash[STATE]
    if hasattr(session.config, "workerinput"):
        from pytest_apiauth.plugin import announcements

        nodeids = [item.nodeid for item in session.items]
        found = announcements.Collected.of(state, nodeids, used_live(session.items, state))
        announcements.note_collected(state, found)


def _put_credentials_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Set up the project's credentials before anything of a test's own: outside of the test's transaction, say."""
    state = config.stash[STATE]
    if state.options.live:
        return
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if not needs_clients(item) or "apiauth_credentials" in names:
            continue
        try:
            profiles = chosen_profiles(item, state)
        except (ApiAuthError, pytest.fail.Exception):
            continue  # the test's own fixture will say it
        from pytest_apiauth.targets.choose import choose

        if any(choose(profile, state.options, "tests").is_app for profile in profiles):
            names.insert(0, "apiauth_credentials")


def _has_cassette(item: pytest.Item) -> bool:
    """Whether a test is recorded or replayed by pytest-recording."""
    return item.get_closest_marker("vcr") is not None and not item.config.getoption("disable_recording", True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep a profile's hosts out of a test's reach, and make its cassette ready, before any fixture."""
    state = item.config.stash[STATE]
    if may_have_profile(item, state) or state.rewrites_cassettes:
        if not state.options.live:
            from pytest_apiauth.plugin import reach

            reach.enter(item)
        if _has_cassette(item):
            from pytest_apiauth.plugin import recordings

            recordings.enter(item)
        refuse_what_is_not_shared(item, state)
    state.lifetimes.begin(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let every example of a property begin with what its test began with."""
    __tracebackhide__ = True
    if not (isinstance(item, pytest.Function) and given.is_property(item) and needs_clients(item)):
        return (yield)
    with given.examples(item, item.config.stash[STATE].lifetimes):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Take back what a test has told shared doubles, and say, once its fixtures are gone, what its cassette lacks."""
    lifetimes = item.config.stash[STATE].lifetimes
    lifetimes.end_with(nextitem)
    try:
        yield
    finally:
        lifetimes.end()
        refusals = _refusals()
        if refusals is not None:
            refusals.leave(item)
        if item.stash.get(CASSETTE, None) is not None:
            from pytest_apiauth.plugin import recordings

            recordings.leave(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Look for a test's cassettes where pytest-recording begins with it; let what wide fixtures tell a double last."""
    node = request.node
    if fixturedef.scope != "function":
        lifetimes = node.config.stash[STATE].lifetimes
        with lifetimes.setting_up(fixturedef, node):
            if lifetimes.item is None or CASSETTE not in lifetimes.item.stash:
                return (yield)
            from pytest_apiauth.plugin import wider_tapes

            # Before a plug-in for event loops puts a function of its own in the place of an asynchronous one.
            with wider_tapes.tape(fixturedef, request, lifetimes.item):
                return (yield)
    result = yield
    if given.is_property(node):
        given.note(node, fixturedef)
    if fixturedef.argname == "vcr_markers" and isinstance(result, list) and _has_cassette(node):
        if not may_have_profile(node, node.config.stash[STATE]):
            return result
        from pytest_apiauth.plugin import recordings

        recordings.settle(request, result)
    return result


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Take back what a fixture of wider scope has told a double."""
    request.config.stash[STATE].lifetimes.gone(fixturedef)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reduce errors of ours to their message, hide secrets, and send the verdict along."""
    report = yield
    state = item.config.stash[STATE]
    cassette = item.stash.get(CASSETTE, None)
    if cassette is not None and call.excinfo is not None:
        cassette.has_failed = True
    if report.failed and call.excinfo is not None:
        error = call.excinfo.value
        if isinstance(error, UnsetError) and state.options.skip_missing:
            report.outcome, report.longrepr = "skipped", (str(item.path), 1, state.shown(f"Skipped: {error}"))
            return report
        message = _in_one_line(item, error)
        if message is not None:
            report.longrepr = state.shown(f"{message}{_place_in(item, error)}")
        refusals = _refusals()
        if refusals is not None:
            refusals.add_to_report(item, report)
        if report.when == "setup":
            from pytest_apiauth.plugin import narrow

            narrow.add_to_report(error, report)
        apis = apis_of(item)
        if apis is not None:
            from pytest_apiauth.plugin import earlier, misplaced, standing_clock

            earlier.add_to_report(item, apis.servers, report)
            standing_clock.add_to_report(item, apis.servers, report)
            misplaced.add_to_report(apis.servers, report)
        if state.lifetimes.things:
            from pytest_apiauth.plugin import refused

            refused.add_to_report(state.lifetimes.things, report)
    entry = item.stash.get(ENTRY, None)
    if entry is not None and report.skipped and isinstance(report.longrepr, tuple):
        # A rule that does not apply is a matter of the profile, not of the place where skip was called.
        report.longrepr = (str(item.reportinfo()[0]), 1, report.longrepr[2])
    if entry is not None and _is_of_app(item) and item.config.get_verbosity() < 2:
        # What the app logs while it refuses hundreds of requests buries what is found; -vv shows it.
        report.sections = []
    if getattr(item, "not_ready", None) is not None and report.failed:
        # It is no finding about the rule that happened to come first.
        report.location = (*report.location[:2], NOT_READY)
    change = state.cleaning() if entry is None else state.showing()
    redact_report(report, change)
    if entry is not None and (report.when == "call" or report.outcome != "passed"):
        from pytest_apiauth.report import plain

        # Plain JSON: the attribute crosses from an xdist worker to the controller.
        report.apiauth = changed_value(plain.written(entry), change)  # type: ignore[attr-defined]
    if call.when == "teardown":
        _forget(item)
    return report


def _forget(item: pytest.Item) -> None:
    """Let go of what a test that is over had for itself: pytest keeps the test until the run ends."""
    refusals = _refusals()
    for key in (APIS, *(() if refusals is None else (refusals.REFUSAL,))):
        if key in item.stash:
            del item.stash[key]


def _is_of_app(item: pytest.Item) -> bool:
    """Whether an item is a rule for an app in this process."""
    profile_file = getattr(item, "profile_file", None)
    return profile_file is not None and bool(profile_file.kind.is_app)


def _in_one_line(item: pytest.Item, error: BaseException) -> str | None:
    """Return the message of an error that no source line explains any better, or None."""
    if isinstance(error, ApiAuthError):
        return str(error)
    refusals, cassette = _refusals(), item.stash.get(CASSETTE, None)
    message: str | None = None if refusals is None else refusals.offline_error_in(error)
    if message is None and cassette is not None:
        message = cassette.explain(error)
    if message is not None:
        return message
    apis = apis_of(item)
    return None if apis is None else apis.no_answer(error)


def _place_in(item: pytest.Item, error: BaseException) -> str:
    """Return a line that says where in the test an error came from; empty if none of it was at work."""
    if getattr(item, "profile_file", None) is not None:
        return ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == str(item.path):
            return f"\n  at line {line} of {os.path.relpath(item.path, item.config.rootpath)}"
    return ""


def _refusals() -> ModuleType | None:
    """Return what keeps hosts out of reach, once a test has needed it."""
    return sys.modules.get("pytest_apiauth.plugin.reach")

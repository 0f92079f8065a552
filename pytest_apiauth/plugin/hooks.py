"""Pytest's door: options, hooks, and nothing that costs time before a profile or a fixture is used.

Importing this module imports the standard library and pytest only; a test holds that.
"""

from __future__ import annotations

import logging
import math
import os
import random
import sys
import zlib
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_apiauth.credentials.redaction import LOGGERS, changed_value, redact_report
from pytest_apiauth.errors import ApiAuthError, UnsetError
from pytest_apiauth.plugin.collecting import WALKS
from pytest_apiauth.plugin.outputs import Outputs
from pytest_apiauth.plugin.run import BENCH, RECORD, STATE, State
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.finding import SUFFIX

pytest_plugins = ["pytest_apiauth.plugin.fixtures"]

REPORTS = (".json", ".md")
OUTPUTS = "apiauth-outputs"
SAFETY_CLASSES = ("consume", "revoke", "lockout", "load")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini keys, all beginning with apiauth."""
    group = parser.getgroup("apiauth", "API authentication")
    group.addoption(
        "--apiauth-live",
        action="store_true",
        help="use the profiles' real URLs; without it nothing here reaches the network",
    )
    group.addoption("--apiauth-profile", metavar="NAME", help="profile that the fixtures use by default")
    group.addoption("--apiauth-http", choices=("httpx", "httpx2"), help="library of the clients (default: httpx)")
    group.addoption("--apiauth-examples", type=int, metavar="N", help="examples per property (default: 30; live: 5)")
    group.addoption("--apiauth-strict", action="store_true", help="warnings of the suite fail too")
    group.addoption(
        "--apiauth-allow",
        action="append",
        default=[],
        metavar="CLASS",
        help=f"safety classes that a live run may touch beyond read-only and issue: {', '.join(SAFETY_CLASSES)}",
    )
    group.addoption(
        "--apiauth-rate", type=float, metavar="N", help="requests per second of a live run, for each profile"
    )
    group.addoption(
        "--apiauth-max-requests", type=int, metavar="N", help="requests that a live run may send, for each profile"
    )
    group.addoption(
        "--apiauth-skip-missing",
        action="store_true",
        help="skip what needs a secret that is not set (pull requests from forks) instead of an error",
    )
    group.addoption(
        "--apiauth-report", action="append", default=[], metavar="FILE", help="write a report (.json, .md); repeatable"
    )
    group.addoption(
        "--apiauth-fault",
        action="append",
        default=[],
        metavar="NAME",
        help="make the embedded server break one rule, to see the suite catch it; warnings then fail too",
    )
    group.addoption(
        "--apiauth-wire",
        action="store_true",
        help="serve the embedded server on a loopback socket, so that rules about connections can run",
    )
    group.addoption(
        "--apiauth-variant",
        action="append",
        default=[],
        metavar="NAME",
        help="make the embedded server differ as a standard allows",
    )
    group.addoption(
        "--apiauth-replay",
        action="store_true",
        help="examine recorded token exchanges (cassettes/NAME) instead of a server",
    )
    group.addoption(
        "--apiauth-drift",
        action="store_true",
        help="compare live token answers with the cassettes of the same grants, and warn of what has changed",
    )
    parser.addini("apiauth_profile", "profile that the fixtures use by default", default="")
    parser.addini("apiauth_http", "library of the clients: httpx or httpx2", default="httpx")
    parser.addini(
        "apiauth_collect",
        "which profiles a folder walk examines: none, servers (default: those with an app, and in a live run those that"
        " say examine = true), or all (on the embedded server)",
        default="servers",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the options and set up what a run shares."""
    config.addinivalue_line(
        "markers",
        "apiauth(profile=None, *, user='default', client='default', key='default'):"
        " which profile the apiauth fixtures use in this test, and who they act as",
    )
    config.addinivalue_line("markers", "apiauth_wire: a rule about connections and bytes; set by the suite itself")
    config.addinivalue_line("markers", "apiauth_smoke: a rule that tells in a few requests whether auth still works")
    config.addinivalue_line("markers", "apiauth_writes: a live test whose clients may use unsafe methods")
    _check_options(config)
    config.stash[STATE] = state = State(config, seed=_seed(config))
    name = config.getoption("apiauth_profile")
    if name:
        try:
            state.named_profile(name)
        except ApiAuthError as error:
            raise pytest.UsageError(printable(f"--apiauth-profile: {error}")) from None
    if config.getoption("apiauth_drift"):
        from pytest_apiauth.recording.drift import Drift

        state.drift = Drift(config.rootpath)
    state.learn_configured()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(state.filter)
    config.pluginmanager.register(Outputs(config, state.clean), OUTPUTS)
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


def _check_options(config: pytest.Config) -> None:
    allowed = [name for entry in config.getoption("apiauth_allow") for name in entry.split(",")]
    for name in allowed:
        if name not in SAFETY_CLASSES:
            raise pytest.UsageError(f"--apiauth-allow: no safety class {name!r}; there are {', '.join(SAFETY_CLASSES)}")
    for file in config.getoption("apiauth_report"):
        if Path(file).suffix not in REPORTS:
            raise pytest.UsageError(f"--apiauth-report: {file!r} should end with one of: {', '.join(REPORTS)}")
    examples = config.getoption("apiauth_examples")
    if examples is not None and examples < 1:
        raise pytest.UsageError(f"--apiauth-examples: expected a positive number, got {examples}")
    for name in ("rate", "max_requests"):
        value = config.getoption(f"apiauth_{name}")
        if value is not None and not 0 < value < math.inf:
            option = name.replace("_", "-")
            raise pytest.UsageError(f"--apiauth-{option}: expected a positive number, got {value}")
    library = config.getini("apiauth_http")
    if library not in ("httpx", "httpx2"):
        raise pytest.UsageError(f"apiauth_http: expected httpx or httpx2, got {library!r}")
    if config.getini("apiauth_collect") not in WALKS:
        raise pytest.UsageError(f"apiauth_collect: expected one of {', '.join(WALKS)}")
    if config.getoption("apiauth_drift") and not config.getoption("apiauth_live"):
        raise pytest.UsageError("--apiauth-drift compares live answers with cassettes: add --apiauth-live")
    if config.getoption("apiauth_replay"):
        for name in ("live", "wire", "fault", "variant"):
            if config.getoption(f"apiauth_{name}"):
                raise pytest.UsageError(f"--apiauth-replay examines cassettes: leave out --apiauth-{name}")
    faults, variants = config.getoption("apiauth_fault"), config.getoption("apiauth_variant")
    if faults or variants:
        if config.getoption("apiauth_live"):
            raise pytest.UsageError("--apiauth-fault and --apiauth-variant change the embedded server, not a live one")
        from pytest_apiauth.embedded import check_names

        try:
            check_names(faults, variants)
        except ApiAuthError as error:
            raise pytest.UsageError(str(error)) from None


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
    """Give every worker of pytest-xdist the same seed, and a folder that all of them share."""
    state = node.config.stash[STATE]
    node.workerinput["apiauth_seed"] = state.seed
    node.workerinput["apiauth_folder"] = str(state.shared_folder())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker of pytest-xdist has found out to the controller."""
    drift = session.config.stash[STATE].drift
    if drift is not None and hasattr(session.config, "workeroutput"):
        session.config.workeroutput["apiauth_drift"] = (drift.compared, drift.lines)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a profile: always where it is named, in a folder walk where it asks to be examined."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from pytest_apiauth.plugin import collecting

    return collecting.collected(file_path, parent)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let tests of an app have its credentials first, and refuse a fault whose own rule has nothing to examine."""
    _put_credentials_first(config, items)
    state = config.stash[STATE]
    if config.getoption("record_mode", None) == "rewrite" and any(_may_have_profile(item, state) for item in items):
        from pytest_apiauth.plugin import recordings

        recordings.take_rewriting(config, state)
    faults = config.getoption("apiauth_fault")
    if not faults or hasattr(config, "workerinput"):
        return
    from pytest_apiauth.plugin.collection import unexamined

    for name, owner in unexamined(faults, items).items():
        raise pytest.UsageError(
            f"--apiauth-fault: {name!r} is caught by the rule {owner}, which is not among the collected tests or"
            " applies to none of these profiles; name a profile that documents what the rule is about"
        )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the controller know, before any worker sends anything, which profiles the tests' clients are for."""
    state = session.config.stash[STATE]
    if state.is_live and hasattr(session.config, "workerinput"):
        from pytest_apiauth.plugin.fixtures import used_live

        state.note_collected(used_live(session.items, state))


def _put_credentials_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Set up the project's credentials before anything of a test's own: outside of the test's transaction, say."""
    from pytest_apiauth.plugin.fixtures import chosen_profile

    state = config.stash[STATE]
    if state.is_live:
        return
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        if "_apiauth_bench" not in names or "apiauth_credentials" in names:
            continue
        try:
            profile = chosen_profile(item, state)
        except (ApiAuthError, pytest.fail.Exception):
            continue  # the test's own fixture will say it
        if state.kind_of(profile) == "app":
            names.insert(0, "apiauth_credentials")


def _may_have_profile(item: pytest.Item, state: State) -> bool:
    """Whether a test may have to do with a profile: any other one is none of our business."""
    from pytest_apiauth.plugin.fixtures import uses_ours

    return uses_ours(item) or (item.get_closest_marker("vcr") is not None and state.may_have_profile())


def _has_cassette(item: pytest.Item) -> bool:
    """Whether a test is recorded or replayed by pytest-recording."""
    return item.get_closest_marker("vcr") is not None and not item.config.getoption("disable_recording", True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep a profile's hosts out of a test's reach, and make its cassette ready, before any fixture."""
    state = item.config.stash[STATE]
    if not (_may_have_profile(item, state) or state.rewrites_cassettes):
        return
    if not state.is_live:
        from pytest_apiauth.plugin import reach

        reach.enter(item)
    if _has_cassette(item):
        from pytest_apiauth.plugin import recordings

        recordings.enter(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Say, once its fixtures are gone, where the cassette of a test could not be written."""
    try:
        yield
    finally:
        refusals = _refusals()
        if refusals is not None:
            refusals.leave(item)
        if item.config.stash[STATE].cassette is not None:
            from pytest_apiauth.plugin import recordings

            recordings.leave(item)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Look for a test's cassettes where pytest-recording begins with it."""
    result = yield
    node = request.node
    if fixturedef.argname == "vcr_markers" and isinstance(result, list) and _has_cassette(node):
        if not _may_have_profile(node, node.config.stash[STATE]):
            return result
        from pytest_apiauth.plugin import recordings

        recordings.settle(request, result)
    return result


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_recording_configure(config: pytest.Config, vcr: Any) -> None:
    """Keep secrets out of the cassette, after whatever the project's own hooks have settled."""
    cassette = config.stash[STATE].cassette
    if cassette is not None:
        cassette.configure(vcr)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reduce errors of ours to their message, hide secrets, and send the verdict along."""
    report = yield
    state = item.config.stash[STATE]
    cassette = state.cassette
    if cassette is not None and call.excinfo is not None:
        cassette.has_failed = True
    if report.failed and call.excinfo is not None:
        error = call.excinfo.value
        if isinstance(error, UnsetError) and state.skips_missing:
            report.outcome, report.longrepr = "skipped", (str(item.path), 1, state.shown(f"Skipped: {error}"))
            return report
        message = _in_one_line(item, error)
        report.longrepr = state.shown(message) if message is not None else report.longrepr
        refusals = _refusals()
        if refusals is not None:
            refusals.add_to_report(item, report)
    record = item.stash.get(RECORD, None)
    if record is not None and report.skipped and isinstance(report.longrepr, tuple):
        # A rule that does not apply is a matter of the profile, not of the place where skip was called.
        report.longrepr = (str(item.reportinfo()[0]), 1, report.longrepr[2])
    if record is not None and record.get("target") == "app" and item.config.get_verbosity() < 2:
        # What the app logs while it refuses hundreds of requests buries what is found; -vv shows it.
        report.sections = []
    redact_report(report, state.clean if record is None else state.shown)
    if record is not None and (report.when == "call" or report.outcome != "passed"):
        # Plain JSON: the attribute crosses from an xdist worker to the controller.
        report.apiauth = changed_value(record, state.shown)  # type: ignore[attr-defined]
    return report


def _in_one_line(item: pytest.Item, error: BaseException) -> str | None:
    """Give the message of an error that no source line explains any better, or None."""
    if isinstance(error, ApiAuthError):
        return str(error)
    refusals, cassette = _refusals(), item.config.stash[STATE].cassette
    message: str | None = None if refusals is None else refusals.offline_error_in(error)
    if message is None and cassette is not None:
        message = cassette.explain(error)
    if message is not None:
        return message
    bench = item.stash.get(BENCH, None)
    return None if bench is None else bench.no_answer(error)


def _refusals() -> ModuleType | None:
    """Give what keeps hosts out of reach, once a test has needed it."""
    return sys.modules.get("pytest_apiauth.plugin.reach")

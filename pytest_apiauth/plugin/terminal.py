"""What a person sees: lines before and in a run, short words for verdicts, a summary after it.

A run without a profile is not to wait for what makes reports: that is imported with the first verdict, or for a report
that was asked for. Standard library and pytest only at import.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_apiauth.plugin import announcements, progress
from pytest_apiauth.plugin.marks import used_live
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.finding import SUFFIX

if TYPE_CHECKING:
    from pytest_apiauth.plugin.verdicts import Verdicts


class Reporter:
    """Gathers the verdicts at the controller; registered as a plug-in of its own there."""

    def __init__(self, config: pytest.Config, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self.progress = progress.Progress(now, config.stash[STATE].limits.requests)
        self._announced = False
        self._told_of: set[Path] = set()
        self._started = datetime.datetime.now(datetime.UTC)
        self._verdicts: Verdicts | None = None
        self._compared = 0
        self._drifted: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker has found out about drift."""
        compared, lines = getattr(node, "workeroutput", {}).get("apiauth_drift", (0, []))
        self._compared += compared
        self._drifted += lines

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Say which profiles are examined, on what, with which seed, and where a live run goes. Else silent."""
        state, nodeids = self._config.stash[STATE], [item.nodeid for item in items]
        return self._announcement(nodeids, announcements.Collected.of(state, nodeids, used_live(items, state)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Say the same in a run with workers, as soon as one of them has collected, and before any of them begins."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if not self._announced and terminal is not None:
            state = self._config.stash[STATE]
            for file in announcements.examined_files(state, ids):
                state.configured.add(file)
            terminal.ensure_newline()
            for line in self._announcement(ids, announcements.take_collected(state)):
                terminal.write_line(line)

    def _announcement(self, nodeids: Sequence[str], found: announcements.Collected) -> list[str]:
        """Return the lines for what is collected."""
        state = self._config.stash[STATE]
        self.progress.total = sum(nodeid.partition("::")[0].endswith(SUFFIX) for nodeid in nodeids)
        self._announced = True
        lines = []
        if found.shown:
            lines.append(f"apiauth: {found.shown}; {state.options.http}, seed {state.seed}")
        if state.options.live:
            examined = announcements.examined_files(state, nodeids)
            places = {path.resolve(): path for path in (*found.used, *examined)}
            self._told_of |= places.keys()
            lines += announcements.warn_of_live(state, places.values())
        lines += announcements.not_examined(state, found.left_alone)
        return list(map(printable, lines))

    def tell_of(self, path: Path) -> None:
        """Say where a live run goes if nobody could know before: a test may ask for a fixture while it runs."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if not self._config.stash[STATE].options.live or path in self._told_of or terminal is None:
            return
        self._told_of.add(path)
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            self._begin_line(terminal)
            for line in announcements.warn_of_live(self._config.stash[STATE], [path]):
                terminal.write_line(printable(line))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say in a long live run, to who sits before a terminal, how far it is and which rule is at work."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if SUFFIX not in nodeid or terminal is None or not progress.is_watched(terminal):
            return
        line = self.progress.line(nodeid) if self._config.stash[STATE].options.live else None
        if line is not None:
            self._begin_line(terminal)
            terminal.write_line(printable(line))

    def _begin_line(self, terminal: pytest.TerminalReporter) -> None:
        terminal.ensure_newline()
        if self._config.get_verbosity() < 0:
            terminal.line("")  # -q prints dots without a file's name, and leaves the line open

    @property
    def verdicts(self) -> Verdicts:
        """What came of the run so far."""
        from pytest_apiauth.plugin.verdicts import Verdicts

        if self._verdicts is None:
            self._verdicts = Verdicts(self._config, self._started)
        return self._verdicts

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name verdicts that pytest has no word for."""
        if report.when != "call" or getattr(report, "apiauth", None) is None:
            return None
        return self.verdicts.status(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter what came of a rule."""
        if getattr(report, "apiauth", None) is not None and self.verdicts.add(report):
            self.progress.done += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; a run in which nothing applied is an error."""
        state = self._config.stash[STATE]
        drift = state.drift
        if drift is not None:
            self._compared += drift.compared
            self._drifted = list(dict.fromkeys([*self._drifted, *drift.lines]))
            if self._drifted and state.options.strict and session.exitstatus == 0:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self._verdicts is not None or state.options.reports:
            self.verdicts.finish()
            if self.verdicts.fails and session.exitstatus == 0:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what each profile came to, and each warning."""
        for line in [] if self._verdicts is None else self._verdicts.errors:
            terminalreporter.line(printable(line), red=True)
        if self._config.stash[STATE].drift is not None:
            count = f"{len(self._drifted)} warnings" if self._drifted else "no change"
            terminalreporter.line(f"apiauth drift: {self._compared} token answers compared with cassettes: {count}")
            for line in self._drifted:
                terminalreporter.line(printable(f"  warning  {line}"), yellow=True)
        if self._verdicts is not None:
            self._verdicts.tell(terminalreporter)

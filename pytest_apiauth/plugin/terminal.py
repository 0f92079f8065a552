"""What a person sees: a line before the run, short words for verdicts, a summary after it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_apiauth.plugin import announcements, progress
from pytest_apiauth.plugin.marks import used_live
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.report import formats, github, plain, statement, summary
from pytest_apiauth.report.ledger import Ledger
from pytest_apiauth.report.lines import MANY, Tone, lines_of
from pytest_apiauth.report.record import Entry, ProfileRecord

COLOURS: Final[dict[Tone, dict[str, bool]]] = {"plain": {}, "bad": {"red": True}, "warning": {"yellow": True}}


class Reporter:
    """Gathers the verdicts at the controller; registered as a plug-in of its own there."""

    def __init__(self, config: pytest.Config, now: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self.progress = progress.Progress(now, config.stash[STATE].limits.requests)
        self._announced = False
        self._told_of: set[Path] = set()
        self.ledger = Ledger()
        self._errors: list[str] = []
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
        return self._announcement((item.nodeid for item in items), used_live(items, self._config.stash[STATE]))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Say the same in a run with workers, as soon as one of them has collected, and before any of them begins."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if not self._announced and terminal is not None:
            terminal.ensure_newline()
            for line in self._announcement(ids, announcements.take_collected(self._config.stash[STATE])):
                terminal.write_line(line)

    def _announcement(self, nodeids: Iterable[str], used: Sequence[Path]) -> list[str]:
        """Return the lines for what is collected; ``used`` are the profiles that clients of ordinary tests are for."""
        state = self._config.stash[STATE]
        of_items = [nodeid.partition("::")[0] for nodeid in nodeids]
        self.progress.total = sum(file.endswith(SUFFIX) for file in of_items)
        files = dict.fromkeys(of_items)
        examined = [self._config.rootpath / file for file in files if file.endswith(SUFFIX)]
        self._announced = True
        lines = []
        if examined:
            shown = announcements.examined(state, examined)
            lines.append(f"apiauth: {shown}; {state.options.http}, seed {state.seed}")
        if state.options.live:
            places = {path.resolve(): path for path in (*used, *examined)}
            self._told_of |= places.keys()
            lines += [*announcements.warn_of_live(state, places.values()), *announcements.not_examined(state)]
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

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name verdicts that pytest has no word for."""
        try:
            entry = _entry_in(report) if report.when == "call" else None
        except plain.DamagedError:
            return None  # said where it is entered
        if entry is not None and entry.verdict == "warning" and report.passed:
            return "passed", "w", "WARNING"
        if entry is not None and entry.verdict == "inconclusive" and report.failed:
            return "failed", "I", "INCONCLUSIVE"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter what came of a rule."""
        try:
            entry = _entry_in(report)
        except plain.DamagedError as error:
            self._errors.append(f"ERROR: {report.nodeid}: what came of it cannot be read: {error}")
            return
        if entry is not None:
            self.progress.done += 1
            self.ledger.add(report.nodeid, entry, report.duration)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; a run in which nothing applied is an error."""
        if any(one.nothing_applied for one in self.ledger.profiles.values()) and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._errors += self._uncaught()
        drift = self._config.stash[STATE].drift
        if drift is not None:
            self._compared += drift.compared
            self._drifted = list(dict.fromkeys([*self._drifted, *drift.lines]))
            if self._drifted and self._config.stash[STATE].options.strict and session.exitstatus == 0:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._write_reports()
        if self._errors and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write_reports(self) -> None:
        files = self._config.stash[STATE].options.reports
        if not files:
            return
        run = self.ledger.record(self._config.stash[STATE].seed)
        for file in files:
            try:
                formats.write(file, run)
            except OSError as error:
                self._errors.append(f"ERROR: {file}: cannot be written: {error.strerror}")
            except statement.RefusedError as error:
                self._errors.append(f"ERROR: {file}: not written: {error}")

    def _uncaught(self) -> list[str]:
        """Return a line for each fault that its owner has examined and not caught: the run must not look green."""
        faults = self._config.stash[STATE].options.faults
        if not faults or not self.ledger.profiles:
            return []
        entries = [entry for one in self.ledger.profiles.values() for entry in one.entries.values()]
        caught = {entry.rule.id for entry in entries if entry.verdict == "fail"}
        owners = {
            name: dict.fromkeys(entry.rule.id for entry in entries if name in entry.rule.catches) for name in faults
        }
        lines = [
            f"ERROR: the fault {name!r} was not caught by its rule {rule_id}: none of these profiles shows it"
            for name in faults
            for rule_id in owners[name]
            if rule_id not in caught
        ]
        # A name of the book's was looked up before the run; one of a project's own was not, if there are workers.
        unknown = [name for name in faults if "." in name and not owners[name]]
        return lines + [f"ERROR: the fault {name!r} was at work in none of these profiles" for name in unknown]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what each profile came to, and each warning."""
        for line in self._errors:
            terminalreporter.line(printable(line), red=True)
        if self._config.stash[STATE].drift is not None:
            count = f"{len(self._drifted)} warnings" if self._drifted else "no change"
            terminalreporter.line(f"apiauth drift: {self._compared} token answers compared with cassettes: {count}")
            for line in self._drifted:
                terminalreporter.line(printable(f"  warning  {line}"), yellow=True)
        if not self.ledger.profiles:
            return
        terminalreporter.section("API authentication")
        profiles = [one.record() for one in self.ledger.profiles.values()]
        for one, profile in zip(self.ledger.profiles.values(), profiles, strict=True):
            self._tell(terminalreporter, profile, is_brief=len(profiles) > MANY)
            if one.nothing_applied:
                terminalreporter.line(f"  ERROR: nothing applied to {one.name}, so nothing was tested", red=True)
        if any(one.note for one in self.ledger.profiles.values()):
            from pytest_apiauth.targets.embedded import EMBEDDED

            terminalreporter.line(f"{EMBEDDED.announced}.")
        if not self._errors:
            for file in self._config.stash[STATE].options.reports:
                terminalreporter.line(f"report: {file}")
        for line in filter(None, map(summary.not_examined, profiles)):
            terminalreporter.line(line, yellow=True)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            terminalreporter.ensure_newline()
            for line in github.commands(profiles):
                terminalreporter.line(line)

    def _tell(self, terminalreporter: pytest.TerminalReporter, profile: ProfileRecord, *, is_brief: bool) -> None:
        """Print what a profile came to."""
        width = self._config.get_terminal_writer().fullwidth if progress.is_watched(terminalreporter) else None
        for line in lines_of(profile, is_verbose=self._config.get_verbosity() > 0, is_brief=is_brief):
            for text in [line.text] if width is None else line.within(width):
                terminalreporter.line(text, **COLOURS[line.tone])


def _entry_in(report: pytest.TestReport) -> Entry | None:
    """Return what the report of a rule brings along, from a worker too; None of any other test.

    Raises DamagedError if it cannot be read.
    """
    found = getattr(report, "apiauth", None)
    return None if found is None else plain.read(Entry, found)

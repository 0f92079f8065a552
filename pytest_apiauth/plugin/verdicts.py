"""The verdicts of a run at the controller: gathered, written to reports, told after it."""

from __future__ import annotations

import datetime
import os
from typing import Final

import pytest

from pytest_apiauth.plugin import progress
from pytest_apiauth.plugin.run import STATE, State
from pytest_apiauth.report import formats, github, plain, statement, summary
from pytest_apiauth.report.ledger import Ledger
from pytest_apiauth.report.lines import MANY, Tone, lines_of
from pytest_apiauth.report.record import Entry, ProfileRecord
from pytest_apiauth.targets.target import EMBEDDED

COLOURS: Final[dict[Tone, dict[str, bool]]] = {"plain": {}, "bad": {"red": True}, "warning": {"yellow": True}}


class Verdicts:
    """What came of the rules of each profile; ``started`` is when the run began."""

    def __init__(self, config: pytest.Config, started: datetime.datetime) -> None:
        self._config = config
        self._ledger = Ledger(started)
        self.errors: list[str] = []
        """What is wrong with the run itself, a line each."""
        self._read: tuple[pytest.TestReport, Entry] | None = None

    @property
    def fails(self) -> bool:
        """Whether a run whose tests have passed is no success: something is wrong, or nothing applied to a profile."""
        return bool(self.errors) or any(one.nothing_applied for one in self._ledger.profiles.values())

    def status(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name a verdict that pytest has no word for; None for the others."""
        try:
            entry = self._entry_in(report)
        except plain.DamagedError:
            return None  # said where it is entered
        if entry.verdict == "warning" and report.passed:
            return "passed", "w", "WARNING"
        if entry.verdict == "inconclusive" and report.failed:
            return "failed", "I", "INCONCLUSIVE"
        return None

    def _entry_in(self, report: pytest.TestReport) -> Entry:
        """Return what the report of a rule brings along, from a worker too. Raises DamagedError if it cannot be read.

        It is asked for twice, and takes time: to name the verdict, and to enter it.
        """
        if self._read is None or self._read[0] is not report:
            self._read = report, plain.read(Entry, report.apiauth)  # whoever calls has seen that it is there
        return self._read[1]

    def add(self, report: pytest.TestReport) -> bool:
        """Enter what came of a rule; whether it can be read."""
        try:
            self._ledger.add(report.nodeid, self._entry_in(report), report.duration)
        except plain.DamagedError as error:
            self.errors.append(f"ERROR: {report.nodeid}: what came of it cannot be read: {error}")
            return False
        return True

    def finish(self) -> None:
        """Look for faults that were not caught, and write the reports."""
        self.errors += self._uncaught()
        state: State = self._config.stash[STATE]
        options = state.options
        run = self._ledger.record(state.seed, options.http)
        for file in options.reports:
            try:
                formats.write(file, run)
            except OSError as error:
                self.errors.append(f"ERROR: {file}: cannot be written: {error.strerror}")
            except statement.RefusedError as error:
                self.errors.append(f"ERROR: {file}: not written: {error}")

    def _uncaught(self) -> list[str]:
        """Return a line for each fault that its owner has examined and not caught: the run must not look green."""
        faults = self._config.stash[STATE].options.faults
        if not faults or not self._ledger.profiles:
            return []
        entries = [entry for one in self._ledger.profiles.values() for entry in one.entries.values()]
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

    def tell(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what each profile came to, and each warning."""
        if not self._ledger.profiles:
            return
        terminalreporter.section("API authentication")
        profiles = [one.record() for one in self._ledger.profiles.values()]
        for one, profile in zip(self._ledger.profiles.values(), profiles, strict=True):
            self._tell_of(terminalreporter, profile, is_brief=len(profiles) > MANY)
            if one.nothing_applied:
                terminalreporter.line(f"  ERROR: nothing applied to {one.name}, so nothing was tested", red=True)
        if any(one.note for one in self._ledger.profiles.values()):
            terminalreporter.line(f"{EMBEDDED.announced}.")
        if not self.errors:
            for file in self._config.stash[STATE].options.reports:
                terminalreporter.line(f"report: {file}")
        for line in filter(None, map(summary.not_examined, profiles)):
            terminalreporter.line(line, yellow=True)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            terminalreporter.ensure_newline()
            for line in github.commands(profiles):
                terminalreporter.line(line)

    def _tell_of(self, terminalreporter: pytest.TerminalReporter, profile: ProfileRecord, *, is_brief: bool) -> None:
        """Print the block of one profile."""
        width = self._config.get_terminal_writer().fullwidth if progress.is_watched(terminalreporter) else None
        for line in lines_of(profile, is_verbose=self._config.get_verbosity() > 0, is_brief=is_brief):
            for text in [line.text] if width is None else line.within(width):
                terminalreporter.line(text, **COLOURS[line.tone])

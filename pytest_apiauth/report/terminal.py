"""What a person sees: a line before the run, short words for verdicts, a summary after it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pytest_apiauth.report import json_report
from pytest_apiauth.report.ledger import Ledger, ProfileLedger
from pytest_apiauth.session import STATE, SUFFIX

EMBEDDED_NOTE = "on the embedded server: proves the profile and the suite, says nothing about the real API"


class Reporter:
    """Gathers the verdicts at the controller; registered as a plug-in of its own there."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.ledger = Ledger()
        self._errors: list[str] = []

    def pytest_report_collectionfinish(self, config: pytest.Config, items: list[pytest.Item]) -> list[str]:
        """Say which profiles are examined, on what, with which seed. Silent where there is none."""
        names = dict.fromkeys(_profile_name(item.nodeid) for item in items if SUFFIX in item.nodeid.partition("::")[0])
        if not names:
            return []
        state = config.stash[STATE]
        files = {p for item in items for p in item.listchain() if hasattr(p, "profile")}
        found = {id(p.profile): p.profile for p in files}
        apps = {_profile_name(p.nodeid): p.profile.app for p in files if state.kind_of(p.profile) == "app"}
        where = "LIVE, over the network" if state.is_live else EMBEDDED_NOTE
        others = [name for name in names if name not in apps]
        shown = [f"{name} in this process: {_shown_app(app)}" for name, app in apps.items()]
        shown += [f"{', '.join(others)} {where}"] if others else []
        lines = [f"apiauth: {'; '.join(shown)}; {state.library}, seed {state.seed}"]
        if state.is_live:
            urls = {state.shown_url(profile) for profile in found.values()}
            lines.append(f"apiauth: about to send requests to {', '.join(sorted(urls))}")
        return lines

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Name verdicts that pytest has no word for."""
        verdict = getattr(report, "apiauth", {}).get("verdict")
        if report.when == "call" and verdict == "warning" and report.passed:
            return "passed", "w", "WARNING"
        if report.when == "call" and verdict == "inconclusive" and report.failed:
            return "failed", "I", "INCONCLUSIVE"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Enter a record."""
        record = getattr(report, "apiauth", None)
        if record is not None and "id" in record:
            self.ledger.add(report.nodeid, record, report.duration)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports; a run in which nothing applied is an error."""
        if any(one.nothing_applied for one in self.ledger.profiles.values()) and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._errors += self._uncaught()
        files = self._config.getoption("apiauth_report")
        if files:
            state = self._config.stash[STATE]
            report = json_report.build(self.ledger, state.seed)
            for file in files:
                try:
                    json_report.write(Path(file), report)
                except OSError as error:
                    self._errors.append(f"ERROR: {file}: cannot be written: {error.strerror}")
        if self._errors and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _uncaught(self) -> list[str]:
        """Give a line for each fault that its owner has examined and not caught: the run must not look green."""
        faults = self._config.getoption("apiauth_fault")
        if not faults or not self.ledger.profiles:
            return []
        from pytest_apiauth.rules import REGISTRY

        owners = {name: rule.id for rule in REGISTRY for name in rule.faults}
        records = [record for one in self.ledger.profiles.values() for record in one.records.values()]
        caught = {record["id"] for record in records if record["verdict"] == "fail"}
        examined = {record["id"] for record in records}
        return [
            f"ERROR: the fault {name!r} was not caught by its rule {owners[name]}: none of these profiles shows it"
            for name in faults
            if owners.get(name) in examined - caught
        ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what each profile came to, and each warning."""
        for line in self._errors:
            terminalreporter.line(line, red=True)
        if not self.ledger.profiles:
            return
        terminalreporter.section("API authentication")
        for one in self.ledger.profiles.values():
            terminalreporter.line(_summary(one))
            if one.nothing_applied:
                terminalreporter.line(f"  ERROR: nothing applied to {one.name}, so nothing was tested", red=True)
            for rule in one.rules():
                if rule["verdict"] == "warning":
                    terminalreporter.line(f"  warning  {rule['id']}: {rule['reason']}", yellow=True)
                    if rule["counterexample"] and self._config.get_verbosity() > 0:
                        terminalreporter.line(f"           {rule['counterexample']['curl']}")
                if rule["verdict"] == "expected failure":
                    terminalreporter.line(f"  expected {rule['id']}: {rule['reason']}")
            broken = {
                name: each
                for record in one.records.values()
                for name, each in record["breaches"].items()
                if name not in record.get("expected", {})
            }
            for rule_id, each in broken.items():
                terminalreporter.line(f"  FAIL     {rule_id}: got {each['got']}: {each['curl']}", red=True)
        if any(one.target == "embedded" for one in self.ledger.profiles.values()):
            terminalreporter.line(f"{EMBEDDED_NOTE}.")
        if not self._errors:
            for file in self._config.getoption("apiauth_report"):
                terminalreporter.line(f"report: {file}")


def _summary(one: ProfileLedger) -> str:
    counts = Counter(rule["verdict"] for rule in one.rules())
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in counts)
    requests = sum(record["requests"] for record in one.records.values())
    return f"{one.name} ({one.target}): {sum(counts.values())} rules: {words}; {requests} requests, {one.seconds:.1f} s"


def _shown_app(app: object) -> str:
    return ", ".join(dict.fromkeys(app.values())) if isinstance(app, dict) else str(app)


def _profile_name(nodeid: str) -> str:
    return nodeid.partition("::")[0].rpartition("/")[2].removesuffix(SUFFIX)

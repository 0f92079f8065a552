"""Print the table: python -m tests.libraries

Each row is a library in the version at hand, each column what is asked of it; all of it is what `test_libraries` tests.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest

from tests.libraries.by_authlib import AUTHLIB
from tests.libraries.clients import SESSIONS

COLUMNS = {
    "test_meets_the_double": "meets",
    "test_authlib_meets_the_double": "meets",
    "test_answer_is_the_same": "same answer",
    "test_request_arrives_as_it_was_sent": "bodies",
    "test_client_is_older_than_the_test": "older client",
    "test_connection_is_good_in_the_next_test": "older client",
    "test_own_route_is_met": "own answers",
    "test_answer_of_the_tests_own_is_met": "own answers",
    "test_time_out_takes_no_time": "time-outs",
    "test_slow_answer_takes_no_time": "time-outs",
    "test_time_out_on_a_kept_connection_takes_no_time": "time-outs",
    "test_is_recorded": "records",
    "test_is_replayed": "replays",
    "test_what_cannot_be_led_is_refused": "refused",
    "test_body_is_recorded": "recorded bodies",
    "test_body_is_replayed": "recorded bodies",
}


class Table:
    """Hears how the tests end."""

    def __init__(self) -> None:
        self.cells: dict[tuple[str, str], list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a test under its library and its column."""
        name, _, case = report.nodeid.rpartition("::")[2].removesuffix("]").partition("[")
        if name in COLUMNS and (report.when == "call" or report.outcome != "passed"):
            self.cells[_row(name, case), COLUMNS[name]].append(report.outcome)

    def lines(self) -> list[str]:
        """Write the table."""
        columns = list(dict.fromkeys(COLUMNS.values()))
        rows = [*SESSIONS, *(f"authlib, {library}" for library in AUTHLIB)]
        head = f"{'':24}{'version':10}" + "".join(f"{column:>16}" for column in columns)
        return [head, *(self._line(row, columns) for row in rows)]

    def _line(self, row: str, columns: list[str]) -> str:
        cells = (self.cells.get((row, column), []) for column in columns)
        return f"{row:24}{_version(row):10}" + "".join(f"{_told(cell):>16}" for cell in cells)


def _row(name: str, case: str) -> str:
    if "authlib" in f"{name} {case}":
        return f"authlib, {case.rpartition('_with_authlib-')[2]}"
    case = case.removeprefix("test_reads-")
    return max((library for library in SESSIONS if case == library or case.startswith(f"{library}-")), key=len)


def _version(row: str) -> str:
    try:
        return metadata.version(row.partition(",")[0].partition("-")[0])
    except metadata.PackageNotFoundError:
        return ".".join(map(str, sys.version_info[:3]))


def _told(outcomes: list[str]) -> str:
    ended = [outcome for outcome in outcomes if outcome != "skipped"]
    failed = len(ended) - ended.count("passed")
    return f"{failed} FAILED" if failed else str(len(ended) or "-")


def main() -> int:
    """Run the tests, print the table."""
    table = Table()
    status = pytest.main([str(Path(__file__).parent), "-q", "-p", "no:randomly"], plugins=[table])
    print("\n".join(table.lines()))
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())

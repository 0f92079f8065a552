"""Run every check of every row and print the table: ``python -m tests.kinds``. Exits with 1 if a check fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from .checks import CHECKS, why_not
from .rows import ROWS, Row


def cell(row: Row, column: str) -> str:
    """Return what a cell says: that its check holds, that it does not, or that there is nothing to check."""
    if why_not(row, column):
        return "-"
    try:
        CHECKS[column](row)
    except Exception as error:
        return f"{type(error).__name__}!"
    return "yes"


def lines() -> Iterator[str]:
    """Yield the table, in Markdown, and the reasons of its empty cells."""
    yield f"| | {' | '.join(CHECKS)} |"
    yield f"|---|{'---|' * len(CHECKS)}"
    for name, row in ROWS.items():
        yield f"| {name} | {' | '.join(cell(row, column) for column in CHECKS)} |"
    yield ""
    for name, row in ROWS.items():
        yield from (f"- {name}, {column}: {why}" for column in CHECKS if (why := why_not(row, column)))


if __name__ == "__main__":
    failed = False
    for line in lines():
        failed = failed or "! |" in line
        print(line, flush=True)
    sys.exit(failed)

"""Each cell of the table of kinds and rooms."""

from __future__ import annotations

import pytest

from .checks import CHECKS, SLOW, why_not
from .rows import ROWS

CELLS = [
    pytest.param(row, column, id=f"{column}-{row}", marks=[pytest.mark.slow] if column in SLOW else [])
    for row in ROWS
    for column in CHECKS
    if not why_not(ROWS[row], column)
]


@pytest.mark.parametrize(("row", "column"), CELLS)
def test_a_credential_is_known_in_a_room(row: str, column: str) -> None:
    """What the column's check says of it holds."""
    CHECKS[column](ROWS[row])


def test_no_cell_is_empty_without_a_reason() -> None:
    """Only documents lack words for some, each of which says so, and no row is of a kind that another one is of."""
    empty = {column for row in ROWS.values() for column in CHECKS if why_not(row, column)}

    assert empty == {"init"}
    assert all(row.document or row.reason for row in ROWS.values())

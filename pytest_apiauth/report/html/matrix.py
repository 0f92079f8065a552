"""What lets whom in, as a table: a row for each set of credentials, a column for each zone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_apiauth.report.record import Admission

Presented = Literal["none", "right", "wrong"]
_ANSWER: Final = re.compile(r"([1-5]\d\d) [A-Za-z -]+?( \(.*\))?")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one zone answered to one set of credentials."""

    is_admitted: bool
    is_due: bool
    got: str

    @property
    def is_wrong(self) -> bool:
        """Whether it is not as the profile says."""
        return self.is_admitted != self.is_due

    @property
    def short(self) -> str:
        """What came, without the words that a status code stands for anyway.

        >>> Cell(True, True, "200 OK (application/json)").short, Cell(False, False, "no answer").short
        ('200 (application/json)', 'no answer')
        """
        found = _ANSWER.fullmatch(self.got)
        return "".join(found.groups("")) if found else self.got


@dataclass(frozen=True, slots=True)
class Row:
    """One set of credentials, and what came of it in each zone; None where it was not tried."""

    presented: tuple[Presented, ...]
    words: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The table: kinds of credentials, zones by their paths, rows."""

    kinds: tuple[str, ...]
    zones: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def wrong(self) -> int:
        """How many answers are not as the profile says."""
        return sum(cell is not None and cell.is_wrong for row in self.rows for cell in row.cells)

    @property
    def is_sparse(self) -> bool:
        """Whether some sets were not tried in some zones: where one credential is needed, nobody presents three."""
        return any(cell is None for row in self.rows for cell in row.cells)

    @property
    def tried(self) -> int:
        """How many answers there are."""
        return sum(cell is not None for row in self.rows for cell in row.cells)


def matrix(admissions: Sequence[Admission]) -> Matrix:
    """Return the table: nothing presented first, then right ones and wrong ones, by how many there are.

    >>> found = matrix([Admission("/user/", ("bearer",), (), True, True, "200 OK")])
    >>> found.kinds, found.zones, found.rows[0].words
    (('bearer',), ('/user/',), 'right bearer')
    """
    kinds = _once(kind for each in admissions for kind in (*each.good, *each.wrong))
    zones = _once(each.path for each in admissions)
    found = {(_presented(each, kinds), each.path): each for each in admissions}
    sets = sorted(dict.fromkeys(presented for presented, _ in found), key=_order)
    rows = (
        Row(presented, _words(presented, kinds), tuple(_cell(found.get((presented, zone))) for zone in zones))
        for presented in sets
    )
    return Matrix(kinds, zones, tuple(rows))


def _presented(admission: Admission, kinds: Sequence[str]) -> tuple[Presented, ...]:
    return tuple(
        "right" if kind in admission.good else "wrong" if kind in admission.wrong else "none" for kind in kinds
    )


def _order(presented: tuple[Presented, ...]) -> tuple[int, int, list[int]]:
    """Nothing first, then by how many are presented, and of those what has more right ones last."""
    ranks = ("right", "wrong", "none")
    count = sum(each != "none" for each in presented)
    return count, presented.count("right"), [ranks.index(each) for each in presented]


def _words(presented: Sequence[Presented], kinds: Sequence[str]) -> str:
    words = [f"{each} {kind}" for each, kind in zip(presented, kinds, strict=True) if each != "none"]
    return ", ".join(words) or "no credentials"


def _cell(admission: Admission | None) -> Cell | None:
    return None if admission is None else Cell(admission.is_admitted, admission.is_due, admission.got)


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))

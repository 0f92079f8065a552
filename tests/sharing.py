"""``--share K/N``: the Kth of N shares of the rows of tables, chosen by their names, and what a change is about.

A table that grows with rules and faults takes longer than a commit can wait for. Its rows say what they are about, by
the mark of `about`; each commit looks at another share of them, at those whose files it has changed (``--changed FILE``
names these, a line each), and at each test that is no such row. The command without the options looks at all.
"""

from __future__ import annotations

import argparse
import inspect
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Share:
    """One of several shares, counted from 1."""

    number: int
    of: int

    @classmethod
    def parsed(cls, text: str) -> Share:
        """Read ``2/3``. Raises ArgumentTypeError for what is no share."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise argparse.ArgumentTypeError(f"expected K/N, from 1/N to N/N, got {text!r}")
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, nodeid: str) -> bool:
        """Whether a test is in it; every test is in exactly one of the shares."""
        return zlib.crc32(nodeid.encode()) % self.of == self.number - 1


def chosen(share: Share, nodeids: Iterable[str]) -> list[str]:
    """Return the tests of a share."""
    return [nodeid for nodeid in nodeids if share.has(nodeid)]


def about(*things: object) -> pytest.MarkDecorator:
    """Mark a row of a table with the files that it is about: paths, or where functions and classes are written."""
    files = [thing if isinstance(thing, Path) else Path(inspect.getfile(thing)) for thing in things]  # type: ignore[arg-type]
    return pytest.mark.about(*sorted({str(file.resolve().relative_to(ROOT)) for file in files}))


def files_of(item: pytest.Item) -> frozenset[str]:
    """Return the files that a row of a table is about, its own too; none if it is no such row."""
    named = frozenset(name for mark in item.iter_markers("about") for name in mark.args)
    return named and named | {str(item.path.relative_to(ROOT))}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    parser.addoption("--share", type=Share.parsed, metavar="K/N", help="only the Kth of N shares of rows of tables")
    parser.addoption(
        "--changed", type=Path, metavar="FILE", help="and those about the files that FILE names, from the root"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "about(*files): a row of a table is about these files; see tests/sharing.py")


SAID = pytest.StashKey[str]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is in other shares and has not changed, of what ``-m`` and ``-k`` leave."""
    share: Share | None = config.getoption("--share")
    if share is None:
        return
    named: Path | None = config.getoption("--changed")
    changed = frozenset(named.read_text(encoding="utf-8").splitlines()) if named else frozenset()
    rows = [item for item in items if files_of(item)]
    others = [item for item in rows if not share.has(item.nodeid)]
    left_out = [item for item in others if files_of(item).isdisjoint(changed)]
    config.stash[SAID] = (
        f"share {share}: {len(rows) - len(left_out)} of {len(rows)} rows, {len(others) - len(left_out)} of them since"
        f" what they are about has changed; {len(left_out)} are NOT RUN, which a run without --share does"
    )
    config.hook.pytest_deselected(items=left_out)
    gone = {id(item) for item in left_out}
    items[:] = [item for item in items if id(item) not in gone]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what was left out."""
    return [config.stash[SAID]] if SAID in config.stash else []

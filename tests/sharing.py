"""``--share K/N``: the Kth of N shares of the collected tests, chosen by their names.

A table that grows with rules and faults takes longer than a commit can wait for. Each commit looks at another share of
it, and the command without the option at all of it.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import pytest


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

    def has(self, nodeid: str) -> bool:
        """Whether a test is in it; every test is in exactly one of the shares."""
        return zlib.crc32(nodeid.encode()) % self.of == self.number - 1


def chosen(share: Share, nodeids: Iterable[str]) -> list[str]:
    """Return the tests of a share."""
    return [nodeid for nodeid in nodeids if share.has(nodeid)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addoption("--share", type=Share.parsed, metavar="K/N", help="only the Kth of N shares of the tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is in other shares."""
    share: Share | None = config.getoption("--share")
    if share is None:
        return
    left_out = [item for item in items if not share.has(item.nodeid)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if share.has(item.nodeid)]

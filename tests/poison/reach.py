"""Which ways do not reach which outputs, and why: text that is quoted nowhere is no poison there.

Every other cell of the matrix, each output by each way that leads to it, has to be seen. So whatever begins to quote a
server's text, or ceases to, changes this table.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Final

from .running import Output

UNSEEN: Final[tuple[tuple[str, str, str], ...]] = ()
"""Patterns of outputs and names of ways, and the reason."""


def excuse(output: str, way: str) -> str:
    """Return why a way does not reach an output; empty if it should."""
    found = (why for pattern, ways, why in UNSEEN if fnmatch.fnmatch(output, pattern) and way in ways.split())
    return next(found, "")


def unreached(found: Iterable[Output]) -> Iterator[str]:
    """Yield a line for each cell that is empty without a reason, and for each reason of a cell that is not."""
    for output in found:
        for way in output.ways:
            why = excuse(output.name, way)
            if not output.seen[way] and not why:
                yield f"{output.name}: nothing of {way} was seen there"
            if output.seen[way] and why:
                yield f"{output.name}: {way} was seen there, although {why}"

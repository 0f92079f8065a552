"""Files that other people wrote, read within bounds: a name may stand for a pipe, or for a stream without end."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 8.0
"""Seconds in which all of a pipe must have come."""
_PIECE: Final = 1 << 20


def read_bounded(path: Path, most: int, *, patience: float = PATIENCE) -> bytes:
    """Return what is in a file of at most ``most`` bytes, or in a pipe that ends within ``patience`` seconds.

    Raises OSError, its reason in ``strerror``, if it cannot be read or is larger, and where a pipe does not end.
    """
    # Without O_NONBLOCK, to open a pipe that nobody writes to would wait for ever.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        is_file = stat.S_ISREG(os.fstat(number).st_mode)
        end = time.monotonic() + patience
        pieces: list[bytes] = []
        left = most + 1
        while left > 0:
            if not is_file:
                _wait(number, end, patience)
            piece = os.read(number, min(left, _PIECE))
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(number)
    raise OSError(errno.EFBIG, f"larger than {most // 1000} kB")


def _wait(number: int, end: float, patience: float) -> None:
    seconds = end - time.monotonic()
    if seconds <= 0 or not select.select([number], [], [], seconds)[0]:
        raise OSError(errno.ETIMEDOUT, f"not complete after {patience:g} seconds")

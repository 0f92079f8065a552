"""Ends its process at a write: Python loads this at its start, so that the product needs no seam for it.

A write is what changes the folder that is watched: a file that is opened for writing, each side of a flush to the
disk, a rename, a removal. In an undisturbed run they are counted, and the number is left in a file.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable

FOLDER = os.environ.get("KILLS_FOLDER", "")
COUNTS = os.environ.get("KILLS_COUNTS", "")
AT = int(os.environ.get("KILLS_AT", "0"))
SIGNAL = int(os.environ.get("KILLS_SIGNAL", "0"))
WRITING = os.O_WRONLY | os.O_RDWR

_seen = 0


def _write() -> None:
    global _seen
    _seen += 1
    if _seen == AT:
        if signal.SIGINT == SIGNAL:
            os.killpg(os.getpgrp(), SIGNAL)  # as a terminal does
        else:
            os.kill(os.getpid(), SIGNAL)


def _is_watched(path: object) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    return os.path.abspath(os.fsdecode(path)).startswith(FOLDER)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        flags = arguments[2]
        if isinstance(flags, int) and flags & WRITING and _is_watched(arguments[0]):
            _write()
    elif event in ("os.rename", "os.remove", "os.rmdir") and _is_watched(arguments[0]):
        _write()


def _around(flush: Callable[[int], None]) -> Callable[[int], None]:
    def flushed(number: int) -> None:
        _write()
        flush(number)
        _write()

    return flushed


def _leave() -> None:
    seen = _seen
    with open(os.path.join(COUNTS, str(os.getpid())), "w") as file:
        file.write(str(seen))


if FOLDER:
    # What is started in the background of a shell is without Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    vars(os)["fsync"] = _around(os.fsync)
    sys.addaudithook(_hook)
    if COUNTS:
        atexit.register(_leave)

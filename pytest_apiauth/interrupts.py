"""Signals that wait for the end of what must not be cut in two: an answer under way that is given once.

Theory of operation. Ctrl-C (SIGINT) and SIGTERM are held back from the first block that asks for it to the end of the
last one: blocks of several tasks of one event loop overlap. Then they come as if they had been sent that moment, to
whoever took them before. A second one does not wait: a server that never answers holds nobody.

Only the main thread may change who takes a signal, and it alone is interrupted by one; other threads go on to their
end, so for them there is nothing to hold back. A block may be left in another thread than it was entered in, by the
garbage collector at worst: a signal that finds no block any more puts everything back and goes on to its taker.
SIGKILL waits for nobody.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

HELD: Final = (signal.SIGTERM, signal.SIGINT)
"""The signals that ask a process to end, and may be answered later; of two the first is answered, and ends it."""


class _Hold:
    """Who takes the signals while they are held back, and what has come meanwhile."""

    def __init__(self) -> None:
        self._blocks = 0
        self._before: dict[int, Any] = {}
        self._came: list[int] = []

    def begin(self) -> None:
        self._blocks += 1
        if self._blocks == 1:
            for number in HELD:
                taker = signal.getsignal(number)
                # One that is not Python's own cannot be put back; one that is ignored stays so.
                if taker is not None and taker is not signal.SIG_IGN and taker != self._take:
                    self._before[number] = taker
                    signal.signal(number, self._take)

    def end(self) -> None:
        self._blocks -= 1
        if not self._blocks and threading.current_thread() is threading.main_thread():
            self._let_go()

    def _take(self, number: int, frame: FrameType | None) -> None:
        is_second = number in self._came
        self._came.append(number)
        if is_second or not self._blocks:
            self._let_go()

    def _let_go(self) -> None:
        """Put back who took the signals before, and raise what has come, each once."""
        for number, taker in self._before.items():
            # Whoever has taken a signal since keeps it.
            if signal.getsignal(number) == self._take:
                signal.signal(number, taker)
        self._before.clear()
        came, self._came = self._came, []
        for number in HELD:
            if number in came:
                signal.raise_signal(number)


_hold: Final = _Hold()


@contextmanager
def held_back() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back until the block ends; a second one of either ends it at once.

    Example::

        with held_back():
            keep(ask())  # Ctrl-C comes behind this line
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _hold.begin()
    try:
        yield
    finally:
        _hold.end()

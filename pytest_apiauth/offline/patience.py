"""Answers that seem to take long, while nobody waits.

Theory of operation. A test has the double answer late, or never, and its client is to see a time-out as it would see
one for real; only the waiting is left out. A client that blocks in a read is told at once, since its socket knows how
long it would have waited. One that runs in asyncio waits by its loop's clock, so that clock is moved on, a little at a
time, until the client has given up, or the time of the answer has come. A loop that is not Python's own (uvloop, trio)
waits for real.
"""

from __future__ import annotations

import asyncio
import math
import socket
import time
from collections.abc import Callable
from typing import Final, TypeVar
from weakref import WeakValueDictionary

Read = TypeVar("Read")
SLICE: Final = 0.02
"""Seconds between two looks at whether the answer is held back."""
PAUSE: Final = 0.002
"""Seconds that a loop is given to act on the time that it has become."""
LONGEST: Final = 3600.0
"""Seconds that a loop's clock is moved on for an answer that never comes."""


class MovedClock:
    """A loop's own ``time``, some seconds ahead. It is never set back, so a loop's time goes on as it should."""

    def __init__(self, below: Callable[[], float]) -> None:
        self._below = below
        self.ahead = 0.0

    def __call__(self) -> float:
        """Return the loop's time in seconds."""
        return self._below() + self.ahead

    def move(self, seconds: float) -> None:
        """Go on."""
        self.ahead += seconds

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> MovedClock | None:
        """Return a loop's moved clock, set when it is first asked for; None for a loop that lets nobody set one."""
        if isinstance(loop.time, cls):
            return loop.time
        made = cls(loop.time)
        try:
            loop.time = made  # type: ignore[method-assign]
        except AttributeError:
            return None
        return made


class Patience:
    """The connections to one server on this machine, by their port, and how long each seems to have to wait."""

    def __init__(self) -> None:
        self._held: dict[int, float] = {}
        self._loops: WeakValueDictionary[int, asyncio.AbstractEventLoop] = WeakValueDictionary()

    def meet(self, own: socket.socket) -> None:
        """Note who waits for the answers on a connection that has just been begun."""
        try:
            port = own.getsockname()[1]
        except OSError:
            return
        self._held.pop(port, None)
        self._loops.pop(port, None)
        if own.gettimeout() == 0:
            try:
                self._loops[port] = asyncio.get_running_loop()
            except RuntimeError:
                return

    def hold(self, port: int, seconds: float, has_gone: Callable[[float], bool]) -> None:
        """Have the answer on a connection seem to take some seconds; `math.inf` if it never comes.

        ``has_gone`` waits some seconds for the client to give up, and says whether it has.
        """
        loop = self._loops.get(port)
        if loop is None:
            self._held[port] = seconds
            return
        clock = MovedClock.of(loop) if seconds else None
        left = min(seconds, LONGEST)
        while clock is not None and left > 0:
            step = min(left, max(1.0, (LONGEST - left) / 10))
            left -= step
            try:
                loop.call_soon_threadsafe(clock.move, step)
            except RuntimeError:
                return
            if has_gone(PAUSE):
                return

    def reading(self, own: socket.socket, read: Callable[[], Read]) -> Read:
        """Read from a socket. Raises TimeoutError at once if the answer takes longer than it would wait."""
        patience = own.gettimeout()
        if patience == 0:
            return read()
        limit = math.inf if patience is None else patience
        began, port = time.monotonic(), own.getsockname()[1]
        try:
            while True:
                left = limit - (time.monotonic() - began)
                if left <= 0:
                    raise TimeoutError("timed out")
                # That there are bytes does not say that TLS has anything to read, so it is asked for by slices.
                own.settimeout(min(SLICE, left))
                try:
                    found = read()
                except TimeoutError:
                    is_late = self._held.get(port) == math.inf
                else:
                    is_late = self._held.get(port, 0.0) > limit
                    if not is_late:
                        return found
                if is_late:
                    self._held.pop(port, None)
                    raise TimeoutError("timed out")
        finally:
            own.settimeout(patience)

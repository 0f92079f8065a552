"""How far a long live run is, in a line now and then, for who sits before a terminal.

A live run keeps to a pace, so that it may take minutes in which nothing but dots is seen. Where output goes to a file
or a CI job's log, nobody waits for it, and nothing is said. Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

EVERY: Final = 10.0
"""Seconds between two lines."""


def is_watched(terminal: pytest.TerminalReporter) -> bool:
    """Whether output goes to a terminal. What says so is a method since pytest 9, and was its result before."""
    found: object = terminal.isatty
    return bool(found() if callable(found) else found)


class Progress:
    """Counts rules and requests; ``requests`` gives how many were sent so far and how many may be sent in all."""

    def __init__(self, now: Callable[[], float], requests: Callable[[], tuple[int, int]]) -> None:
        self._now, self._requests = now, requests
        self._told_at: float | None = None
        self._sent_then = 0
        self.total = 0
        """Items that are to be run."""
        self.done = 0

    def line(self, nodeid: str) -> str | None:
        """Return what to say as an item begins; None if it is too early for that. The first item begins the count."""
        now = self._now()
        if self._told_at is not None and now - self._told_at < EVERY:
            return None
        sent, most = self._requests()
        before, then = self._told_at, self._sent_then
        self._told_at, self._sent_then = now, sent
        if before is None:
            return None
        pace = (sent - then) / (now - before)
        count = f"{self.done} of {self.total} rules, {sent} of {most} requests, {pace:.1f} a second"
        return f"apiauth: {count}; at work: {nodeid}"

"""What a live run may do to a server: a pace, a budget of requests, a bound of wrong passwords.

Theory of operation. Every request of a live run takes its turn here before it leaves, whoever sends it: a rule,
a fixture's client, a connection of a rule's own. A turn is a place in one line of a `Book`: the time of the next
request that may leave, and how many have left. Under pytest-xdist the book is a locked file in the run's own
folder, so that all workers stand in the same line. Nothing waits while it holds the lock.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Protocol

from pytest_apiauth.auth.shared import SharedFile
from pytest_apiauth.errors import BudgetError

LONGEST_WAIT = 60.0
"""Seconds that a server may ask a run to wait at once; what asks for more is not waited for."""
PATIENCE = 300.0
"""Seconds that a run waits in all because a server asks for it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a profile's runs may do.

    ``rate`` is in requests per second, None for no pace; ``max_requests`` counts the requests of a run;
    ``wrong_passwords`` counts those of one user in a run.
    """

    rate: float | None
    max_requests: int
    wrong_passwords: int


@dataclass(slots=True)
class Page:
    """What is written down about one profile's run. Times are of the machine's monotonic clock, in seconds."""

    sent: int = 0
    free_at: float = 0.0
    waited: float = 0.0
    guesses: dict[str, int] = field(default_factory=dict)


class Book(Protocol):
    """Where a page is kept."""

    def opened(self) -> AbstractContextManager[Page]:
        """Return the page, for this caller alone until it is closed; what was changed then holds."""


class MemoryBook:
    """A page for the threads of this process."""

    def __init__(self) -> None:
        self._page = Page()
        self._mutex = Lock()

    @contextmanager
    def opened(self) -> Iterator[Page]:
        """Provide the page."""
        with self._mutex:
            yield self._page


class SharedBook:
    """A page that the workers of one run share."""

    def __init__(self, file: SharedFile) -> None:
        self._file = file

    @contextmanager
    def opened(self) -> Iterator[Page]:
        """Provide the page."""
        with self._file.locked():
            text = self._file.read()
            page = Page(**json.loads(text)) if text else Page()
            yield page
            self._file.write(json.dumps(asdict(page)))


class Throttle:
    """Lets the requests of one profile's live run leave, one at a time."""

    def __init__(
        self,
        name: str,
        limits: Limits,
        book: Book | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._name = name
        self._book = book or MemoryBook()
        self._now = now

    def turn(self) -> float:
        """Take the next turn and give the seconds until it comes. Raises BudgetError if none is left."""
        with self._book.opened() as page:
            if page.sent >= self.limits.max_requests:
                raise BudgetError(
                    f"{self._name}: the budget of {self.limits.max_requests} requests is spent; raise"
                    " --apiauth-max-requests or live.max_requests, or examine less with -k or -m"
                )
            page.sent += 1
            now = self._now()
            at = max(now, page.free_at)
            if self.limits.rate is not None:
                page.free_at = at + 1 / self.limits.rate
            return at - now

    def hold(self, seconds: float) -> bool:
        """Let nothing leave for so many seconds, as a server has asked; False if that would be too long."""
        with self._book.opened() as page:
            if seconds > LONGEST_WAIT or page.waited + seconds > PATIENCE:
                return False
            page.waited += seconds
            page.free_at = max(page.free_at, self._now() + seconds)
            return True

    def guess(self, username: str) -> bool:
        """Take note of a wrong password for a user before it leaves; False if the bound is reached."""
        who = hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()
        with self._book.opened() as page:
            made = page.guesses.get(who, 0)
            if made >= self.limits.wrong_passwords:
                return False
            page.guesses[who] = made + 1
            return True

    @property
    def sent(self) -> int:
        """How many requests have left, of all workers."""
        with self._book.opened() as page:
            return page.sent

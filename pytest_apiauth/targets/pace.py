"""How long a server takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_apiauth.messages import Response


@dataclass(slots=True)
class Pace:
    """How long the answers of a run took, in seconds; on the way to a live server the wait for a turn included.

    >>> times = iter([1.0, 1.5])
    >>> pace = Pace(lambda: next(times))
    >>> pace.measured(lambda: Response(200)).status, pace.seconds, pace.mean
    (200, 0.5, 0.5)
    """

    now: Callable[[], float] = time.monotonic
    answers: int = 0
    seconds: float = 0.0

    def measured(self, send: Callable[[], Response]) -> Response:
        """Return an answer, and note how long it took; what raised is no answer."""
        began = self.now()
        response = send()
        self.answers += 1
        self.seconds += self.now() - began
        return response

    @property
    def mean(self) -> float:
        """How long one answer took."""
        return self.seconds / self.answers if self.answers else 0.0

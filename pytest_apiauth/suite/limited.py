"""A rate that a server limits, as far as a run meets it: how often, where, and whether the server keeps its word.

Nothing here provokes a limit. Each 429 that comes is counted at its endpoint: with a time to ask again or without, and,
where the run has held still for that time, whether the same request got another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.messages import Response, described
from pytest_apiauth.printable import one_line
from pytest_apiauth.suite.outcomes import Counterexample
from pytest_apiauth.targets.retries import retry_after

LIMIT_RULE: Final = "err-throttle"
"""The rule that a limit says when to ask again."""
EXPECTED: Final = "Retry-After beside 429, in seconds or as a date"


@dataclass(slots=True)
class Limited:
    """What one endpoint said of its limit."""

    answers: int = 0
    timed: int = 0
    """Those with a time to ask again."""
    waited_for: int = 0
    """Those after which the run held still for that time and asked again."""
    again: int = 0
    """Those of them after which another 429 came."""


class RateLimits:
    """Every 429 of one examination; ``curl`` writes a request as its line.

    >>> limits = RateLimits(lambda draft: f"curl {draft.url}")
    >>> limits.see(Draft("GET", "https://api.example/me"), Response(429))
    >>> limits.untimed[0].got
    '429 Too Many Requests, without one'
    >>> list(limits.taken())
    ['GET /me']
    """

    def __init__(self, curl: Callable[[Draft], str]) -> None:
        self._curl = curl
        self._places: dict[str, Limited] = {}
        self._told = 0
        self.count = 0
        """How many there were in all."""
        self.untimed: list[Counterexample] = []
        """Those that do not say when to ask again: the first without the field, and the first with something else."""

    def see(self, draft: Draft, response: Response) -> None:
        """Take note of an answer."""
        if response.status != 429:
            return
        self.count += 1
        place = self._place(draft)
        place.answers += 1
        if retry_after(response) is not None:
            place.timed += 1
            return
        text = response.header("retry-after")
        got = f"{described(response)}, " + ("without one" if text is None else f"with {one_line(text, 60)!r}")
        if all((text is None) != found.got.endswith("without one") for found in self.untimed):
            self.untimed.append(Counterexample(EXPECTED, got, self._curl(draft), ""))

    def see_again(self, draft: Draft, response: Response) -> None:
        """Take note of what came once the run had waited as a 429 had asked it to."""
        place = self._place(draft)
        place.waited_for += 1
        place.again += response.status == 429

    def _place(self, draft: Draft) -> Limited:
        return self._places.setdefault(draft.place, Limited())

    def untold(self) -> Counterexample | None:
        """Return the next of `untimed` that was not returned yet, to be filed once."""
        if self._told == len(self.untimed):
            return None
        self._told += 1
        return self.untimed[self._told - 1]

    def taken(self) -> dict[str, Limited]:
        """Return what was seen since the last call, by endpoint."""
        found, self._places = self._places, {}
        return found

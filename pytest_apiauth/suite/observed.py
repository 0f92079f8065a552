"""What a run sees beside its verdicts, for reports: what lets whom into which zone, and what becomes of a token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.suite.steps import passing

MOST_EVENTS: Final = 40
"""Events of one rule on one part that are kept."""
Happening: TypeAlias = Literal["issued", "renewed", "used", "refused", "passed"]
"""What happens to tokens: a grant or a refresh gives them, a request takes one or is refused with it, time passes."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What a zone answered to one set of credentials."""

    path: str
    good: tuple[str, ...]
    """The kinds of those that are good."""
    wrong: tuple[str, ...]
    """The kinds of those that are not."""
    is_due: bool
    """Whether the profile says that they open the zone."""
    is_admitted: bool
    got: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to tokens."""

    at: int
    """Whole seconds since the chain began, by the server's clock as far as the run moves it."""
    what: Happening
    tokens: tuple[str, ...]
    """Placeholder names: ``ACCESS_TOKEN_2``. None if time passed."""
    words: str
    """What was asked, and what came."""
    times: int = 1
    """How often that happened, one after another."""


class Life:
    """The life of the tokens that one rule has to do with."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._names: dict[Ref, str] = {}
        self.events: list[Event] = []

    def give(self, now: float, refs: Iterable[Ref], words: str, *, is_renewal: bool) -> None:
        """Enter tokens that came with an answer."""
        given = tuple(refs)
        self._names |= {ref: ref.name for ref in given}
        self._enter(now, "renewed" if is_renewal else "issued", tuple(ref.name for ref in given), words)

    def meet(self, now: float, refs: Iterable[Ref], words: str, *, is_taken: bool) -> None:
        """Enter a request with tokens of this life; one with others is none of it."""
        carried = tuple(dict.fromkeys(self._names[ref] for ref in refs if ref in self._names))
        if carried:
            self._enter(now, "used" if is_taken else "refused", carried, words)

    def knows_refresh(self, refs: Iterable[Ref]) -> bool:
        """Whether a request carries a refresh token of this life."""
        return any(ref in self._names and ref.role is Role.REFRESH_TOKEN for ref in refs)

    def wait(self, now: float, seconds: int) -> None:
        """Enter time that has passed."""
        self._enter(now, "passed", (), passing(seconds))

    def _enter(self, now: float, what: Happening, tokens: tuple[str, ...], words: str) -> None:
        last = self.events[-1] if self.events else None
        if last is not None and (last.what, last.tokens, last.words) == (what, tokens, words):
            self.events[-1] = replace(last, times=last.times + 1)
        elif len(self.events) < MOST_EVENTS:
            self.events.append(Event(max(int(now - self._began), 0), what, tokens, words))

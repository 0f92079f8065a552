"""What came of each row of a rule's table: one row's trouble does not hide the rest.

A row that breaks the rule is counted, and the first of them is what a reader is shown. A row that the server
answered with its own trouble (a server error, a limited rate, no answer) cannot be judged: it is left out, and a
rule of which rows were left out has not passed. A budget that is spent and a valid request that is refused end
the rule: no later row could be judged either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from pytest_apiauth.errors import BudgetError, UnreachableError
from pytest_apiauth.suite.outcomes import Breach, Counterexample, Follows, Inconclusive, Unjudged, Violation

SERVER_ERROR_RULE = "invalid-never-5xx"
IN_A_ROW = 3
"""Rows one after another that could not be judged, valid requests neither, after which a rule tries no more."""
IN_ALL = 10
"""The same for rows anywhere in the table. A server error is an answer, and does not count here."""


@dataclass(slots=True)
class Rows:
    """The rows of one rule's run. ``sent`` tells how many requests were sent so far: a row without any is none."""

    sent: Callable[[], int]
    shown: Callable[[str], Counterexample | None] = lambda got: None
    """Makes an example of the request that was sent last, which got nothing."""
    word: str = "rows"
    tried: int = 0
    failed: int = 0
    unjudged: int = 0
    left_out: int = 0
    """Rows that were not tried, since the server is slow."""
    lost: int = 0
    """How many of these for another reason than a breach that is filed elsewhere."""
    trouble: str = ""
    """That reason, of the first of them."""
    unanswered: Counterexample | None = None
    """The first request to which no answer came, if that is why."""
    follows: str = ""
    """What another rule has to say that explains a row, if there is such a thing."""
    cause: str = ""
    """The name of that."""
    first: Violation | None = None
    """The first breach of the rule itself."""
    breaches: dict[str, Counterexample] = field(default_factory=dict)
    """Failures of other rules, by id; of several, what is shortest to read."""
    _lost_in_a_row: int = 0
    _is_open: bool = False
    _is_spoilt: bool = False

    def row(
        self, *, is_drawn: bool = False, forget: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[None]:
        """Judge one row. Raises Inconclusive if too many could not be judged.

        A row within a row is a part of it: its breach ends the outer one. The breach of a drawn example goes on to
        whoever draws, who makes it simpler. ``forget`` is called for a breach, and for what could not be judged.
        """
        return self._noting(forget) if self._is_open else self._opened(forget, is_drawn=is_drawn)

    @contextmanager
    def _opened(self, forget: Callable[[], object], *, is_drawn: bool) -> Iterator[None]:
        self._is_open, self._is_spoilt = True, False
        before = self.sent()
        try:
            with self._noting(forget):
                yield
            self.tried += self._is_spoilt or self.sent() > before
        except Breach:
            raise
        except Violation as violation:
            self.tried += 1
            if is_drawn:
                raise
            self.failed += 1
            self.first = self.first or violation
        finally:
            self.unjudged += self._is_spoilt
            self._is_open = False

    def server_answers(self) -> None:
        """Take note that a valid request has succeeded: whatever row was lost, the server is there."""
        self._lost_in_a_row = 0

    def note(self, breach: Breach) -> None:
        """Keep a breach of another rule."""
        known = self.breaches.get(breach.rule_id)
        if known is None or _length(breach.counterexample) < _length(known):
            self.breaches[breach.rule_id] = breach.counterexample

    @contextmanager
    def _noting(self, forget: Callable[[], object]) -> Iterator[None]:
        try:
            try:
                yield
            except (Violation, Inconclusive, UnreachableError):
                forget()
                raise
        except Breach as breach:
            if breach.rule_id != SERVER_ERROR_RULE:
                raise
            self.note(breach)
            self._is_spoilt, self._lost_in_a_row = True, 0
        except Follows as reason:
            self.follows, self.cause, self._lost_in_a_row = str(reason), reason.cause, 0
        except BudgetError:
            raise
        except (Unjudged, UnreachableError) as reason:
            self._is_spoilt = True
            if self.unanswered is None and not self.lost and isinstance(reason, UnreachableError):
                self.unanswered = self.shown(str(reason))
            self.lost += 1
            self._lost_in_a_row += 1
            self.trouble = self.trouble or str(reason)
            if self._lost_in_a_row >= IN_A_ROW or self.lost >= IN_ALL:
                self.tried += 1
                raise Inconclusive(self.trouble) from None
        else:
            self._lost_in_a_row = 0

    @property
    def is_complete(self) -> bool:
        """Whether everything that was tried could be judged."""
        return not (self.unjudged or self.breaches)

    def told(self) -> str:
        """Say how many rows failed and how many could not be judged; empty if there is nothing to say."""
        found = []
        if self.failed and self.tried > 1:
            found.append(f"{self.failed} of {self.tried} {self.word} failed")
        if self.unjudged:
            known = str(self.unjudged) if found else f"{self.unjudged} of {self.tried} {self.word}"
            found.append(f"{known} could not be judged")
        return ", ".join(found)


def _length(found: Counterexample) -> tuple[int, int]:
    return len(found.steps), len(found.curl)

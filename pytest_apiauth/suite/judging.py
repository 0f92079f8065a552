"""From one rule and one part of a profile to a verdict.

A rule that draws runs under Hypothesis with settings of our own: a seed derived from the run's seed and
the rule's id, no deadline, no example database (a rule never flips between two runs with one seed). A
failing example is shrunk; after `SHRINK_LIMIT` further examples a live server is not asked any more, and
the best counterexample so far is reported. What every run tries comes before the draws, is complete, and is shown as
it is where it fails. Of a slow server fewer draws are tried; how many depends on how long its answers take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pytest_apiauth.auth.texts import Unchanged
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import NotSendable
from pytest_apiauth.suite import own_rules
from pytest_apiauth.suite.api import Api
from pytest_apiauth.suite.book import Control, Level, Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.limited import LIMIT_RULE, Limited
from pytest_apiauth.suite.observed import Admission, Event
from pytest_apiauth.suite.outcomes import (
    Breach,
    Counterexample,
    Follows,
    Inconclusive,
    NotApplicable,
    OutOfGuesses,
    OutOfReach,
    Violation,
)
from pytest_apiauth.suite.rows import SERVER_ERROR_RULE, Rows

SHRINK_LIMIT = 60
DRAW_SECONDS = 6.0
"""How long the draws of one rule on one part may take: of a slow server fewer are tried, and the report says so."""
REQUESTS_A_DRAW = 3
"""A control, the altered request and the control again: what a draw takes if none was seen to take more."""
MOST_ADVICE = 10
"""Pieces of advice of one rule on one part that are kept."""
NOTHING_SENT = "nothing could be sent: no credential here can be altered that way"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a run is made: examples per property, the run's seed."""

    examples: int
    seed: int


@dataclass(slots=True)
class Outcome:
    """What came of one rule on one part."""

    verdict: Verdict
    level: Level
    reason: str = ""
    counterexample: Counterexample | None = None
    requests: int = 0
    examples: int = 0
    tokens_issued: int = 0
    advice: tuple[Counterexample, ...] = ()
    """What is recommended and did not hold: warnings, whatever the verdict and the rule's level."""
    is_advice: bool = False
    """Whether advice alone makes it a warning, so that the level that warns is that of advice."""
    breaches: dict[str, Counterexample] = field(default_factory=dict)
    """Failures of other rules, by id."""
    filed: dict[str, Counterexample] = field(default_factory=dict)
    """Warnings of other rules, by id."""
    cause: str = ""
    """What a failure is one of, by a name that other rules' failures may share; what a skipped one follows from.

    Of one that met nothing but the breach of another rule, that rule.
    """
    rows: int = 0
    """Rows of the rule's table that were tried, if it has one; examples, if it draws."""
    failed_rows: int = 0
    unjudged_rows: int = 0
    told: str = ""
    """The same in words; empty if no row is to be told of."""
    left_out: int = 0
    """Draws that were not tried, since the server is slow."""
    rows_left_out: int = 0
    """Rows of its table that were not."""
    seconds_an_answer: float = 0.0
    """How long an answer of it takes."""
    limited: dict[str, Limited] = field(default_factory=dict)
    """What was met of a limited rate, by endpoint."""
    admissions: tuple[Admission, ...] = ()
    """What lets whom in."""
    found_out: tuple[str, ...] = ()
    """What was found out that other rules wait for."""
    life: tuple[Event, ...] = ()
    """What became of tokens."""
    has_open_end: bool = False
    """Whether an inconclusive one is so for another reason than the failures of other rules."""

    is_out_of_reach: bool = False
    """Whether a skipped one is so although the profile promises what it is about."""

    @property
    def advice_level(self) -> Level:
        """How binding the advice of a rule of this level is."""
        return Level.MAY if self.level is Level.MAY else Level.SHOULD

    @property
    def deciding_level(self) -> Level:
        """The level of what decided the verdict."""
        return self.advice_level if self.is_advice else self.level


class _Halt(BaseException):
    """Carries a verdict that is no failure out of Hypothesis, which would otherwise try to shrink it."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def judge(rule: Rule, examination: Examination, argument: object, conditions: Conditions) -> Outcome:
    """Run a rule on one part of a profile and say what came of it."""
    level = rule.level_for(examination.profile)
    api = Api(examination, rule.id)
    api.rows.word = "examples" if rule.draws else "rows"
    requests, tokens = examination.requests, examination.tokens_issued
    run = _Drawn(rule, api, argument, conditions) if rule.draws else _Once(rule, api, argument)
    ending = _ending(rule, run, api.rows)
    outcome = _verdict(rule, api, level, ending, run)
    outcome.cause = _cause(rule, outcome.verdict, ending, api.rows)
    outcome.requests = examination.requests - requests
    outcome.tokens_issued = examination.tokens_issued - tokens
    outcome.examples = run.examples
    outcome.breaches, outcome.filed = api.rows.breaches, api.filed
    outcome.advice = tuple(api.advice[:MOST_ADVICE])
    rows = api.rows
    outcome.rows, outcome.failed_rows, outcome.unjudged_rows = rows.tried, rows.failed, rows.unjudged
    outcome.told = rows.told()
    outcome.admissions = tuple(api.admissions)
    outcome.found_out = tuple(sorted(api.found_out))
    outcome.life = () if api.life is None else tuple(api.life.events)
    outcome.left_out, outcome.rows_left_out = run.left_out, rows.left_out
    outcome.seconds_an_answer = examination.target.seconds_an_answer
    recovery = examination.told_once()
    if recovery is not None:
        outcome.filed.setdefault(SERVER_ERROR_RULE, recovery)
    outcome.limited, untimed = examination.rate_limits.taken(), examination.rate_limits.untold()
    if untimed is not None and rule.id != LIMIT_RULE:
        outcome.filed.setdefault(LIMIT_RULE, untimed)
    return outcome


def _ending(rule: Rule, run: _Once | _Drawn, rows: Rows) -> Exception | None:
    """Run a rule to its end, and return what ended it before its time, if that is no breach.

    An error in a rule of a project's own says nothing of the server, and does not show what it had in its hands.
    """
    try:
        run()
    except Breach as breach:
        rows.note(breach)
    except Violation as violation:
        rows.first = rows.first or violation
    except (NotApplicable, NotSendable, Inconclusive, UnreachableError) as reason:
        return reason
    except Exception as error:
        if rule.file is None:
            raise
        if isinstance(error, Unchanged):
            return NotApplicable(NOTHING_SENT)
        return Inconclusive(own_rules.error_in(rule, error))
    return None


def _verdict(rule: Rule, api: Api, level: Level, ending: Exception | None, run: _Once | _Drawn) -> Outcome:
    rows, told = api.rows, api.rows.told()
    violation = rows.first
    found = None if violation is None else violation.counterexample
    words = [f"{violation}{run.remark}"] if violation is not None else []
    if violation is not None and level in (Level.MUST, Level.DOC):
        return Outcome(Verdict.FAIL, level, _joined(*words, told), found)
    is_open = isinstance(ending, (Inconclusive, UnreachableError))
    if is_open or rows.unjudged or rows.breaches:
        words += dict.fromkeys([rows.trouble, str(ending) if is_open else ""])
        words += [f"expected {one.expected}, got {one.got}; filed under {name}" for name, one in rows.breaches.items()]
        words += ["no more was tried"] if is_open and rows.tried else []
        found = found or next(iter(rows.breaches.values()), None) or rows.unanswered
        return Outcome(Verdict.INCONCLUSIVE, level, _joined(*words, told), found, has_open_end=is_open or rows.lost > 0)
    if violation is not None:
        return Outcome(Verdict.WARNING, level, _joined(*words, told), found)
    if isinstance(ending, NotApplicable):
        return Outcome(Verdict.SKIP, level, str(ending), is_out_of_reach=isinstance(ending, OutOfReach))
    if ending is not None:
        return Outcome(Verdict.SKIP, level, f"not sendable: {ending}")
    if rows.follows and not api.advice:
        return Outcome(Verdict.SKIP, level, rows.follows)
    if rule.control is Control.PAIRED and not api.controls:
        return Outcome(Verdict.SKIP, level, NOTHING_SENT)
    if api.advice:
        first, more = api.advice[0], len(api.advice) - 1
        reason = f"advised {first.expected}, got {first.got}{f'; and {more} more' if more else ''}"
        return Outcome(Verdict.WARNING, level, reason, first, is_advice=True)
    return Outcome(Verdict.PASS, level, _joined(run.remark, _left_out(api, run.left_out)))


def _cause(rule: Rule, verdict: Verdict, ending: Exception | None, rows: Rows) -> str:
    """Name what a failure is one of, what a skipped rule follows from, and which rule's breach left one without an end.

    Empty for whatever else came.
    """
    if verdict is Verdict.FAIL and rows.first is not None:
        return rows.first.cause or rule.id
    # Where nothing else came: what a rule found itself, or lost, is told with all its words.
    if verdict is Verdict.INCONCLUSIVE and ending is None and rows.first is None and not rows.lost:
        return next(iter(rows.breaches), "")
    if verdict is not Verdict.SKIP:
        return ""
    if isinstance(ending, Follows):
        return ending.cause
    return rows.cause if ending is None else ""


def _left_out(api: Api, draws: int) -> str:
    """Say what was not tried of a slow server; empty if all was."""
    found = [f"{count} {word}" for count, word in ((draws, "draws"), (api.rows.left_out, "rows")) if count]
    took = f"an answer takes {api.examination.target.seconds_an_answer * 1000:.0f} ms"
    return f"{' and '.join(found)} left out: {took}" if found else ""


def _joined(*words: str) -> str:
    return "; ".join(word for word in words if word)


class _Once:
    """A rule whose cases are a table."""

    left_out = 0

    def __init__(self, rule: Rule, api: Api, argument: object) -> None:
        self._rule, self._api, self._argument = rule, api, argument
        self.examples = 0
        self.remark = ""

    def __call__(self) -> None:
        self.examples = 1
        try:
            self._rule.function(self._api, self._argument)
        except OutOfGuesses as reason:
            if not (self._api.controls and self._api.rows.tried):
                raise
            self.remark = f"{self._api.rows.tried} rows, then: {reason}"


INTERMITTENT = " (intermittent: not on every repetition)"


class _Drawn:
    """A rule whose cases are drawn."""

    def __init__(self, rule: Rule, api: Api, argument: object, conditions: Conditions) -> None:
        self._rule, self._api, self._argument, self._conditions = rule, api, argument, conditions
        self._found: dict[str, Violation] = {}
        self._began = api.examination.requests
        self._last: Violation | None = None
        self._after = 0
        self.examples = 0
        self.left_out = 0
        self.remark = ""

    def __call__(self) -> None:
        try:
            if not self._fails_in_its_table():
                self._draw()
        except OutOfGuesses as reason:
            if not (self._api.controls and self.examples > 1):
                raise
            self.examples -= 1
            self.remark = f"{self.examples} examples, then: {reason}"

    def _draw(self) -> None:
        from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
        from hypothesis.errors import Flaky, Unsatisfiable

        property_test: Callable[[], None] = given(**self._strategies())(self._example)
        property_test = settings(
            max_examples=self._affordable(),
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(property_test)
        digest = hashlib.sha256(f"{self._conditions.seed} {self._rule.id}".encode()).digest()
        try:
            seed(int.from_bytes(digest[:8], "big"))(property_test)()
        except _Halt as halt:
            if self._last is not None:
                # The server or the budget gave out while the counterexample was made simpler.
                raise self._last from None
            raise halt.reason from None
        except Unsatisfiable:
            # Every example was rejected: a token of digits, say, has no case to change.
            if not self._api.rows.tried:
                raise NotApplicable(NOTHING_SENT) from None
        except Flaky:
            # The same request was accepted once and refused once: that is a finding, not a pass.
            if self._last is None:
                raise
            self.remark = INTERMITTENT
            raise self._last from None

    def _affordable(self) -> int:
        """Return how many draws to try: as many as asked for, or as a slow server gives in the time for them.

        The table is complete whatever it takes, and there is one draw at least.
        """
        asked, examination = self._conditions.examples, self._api.examination
        sent = examination.requests - self._began
        each = max(sent / self.examples if self.examples else 0, REQUESTS_A_DRAW)
        seconds = each * examination.target.seconds_an_answer
        tried = asked if not seconds else max(1, min(asked, int(DRAW_SECONDS / seconds)))
        self.left_out = asked - tried
        return tried

    def _fails_in_its_table(self) -> bool:
        """Try every row that is tried in each run. What breaks the rule there is shown as it is."""
        rows = self._api.rows
        failing: Mapping[str, object] | None = None
        for row in self._rule.first:
            self.examples += 1
            with suppress(Unchanged, NotSendable), self._api.row():
                self._rule.function(self._api, self._argument, **row)
            failing = row if failing is None and rows.failed else failing
        if failing is not None and not self._fails_again(failing):
            self.remark = INTERMITTENT
        return failing is not None

    def _fails_again(self, row: Mapping[str, object]) -> bool:
        """Try the first failing row once more; whatever is no clear success counts as failing."""
        kept, self._api.rows = self._api.rows, Rows(lambda: 0)
        try:
            with self._api.row(is_drawn=True):
                self._rule.function(self._api, self._argument, **row)
            return bool(self._api.rows.unjudged)
        except Exception:
            return True
        finally:
            self._api.rows = kept

    def _strategies(self) -> Mapping[str, Any]:
        from hypothesis.strategies import SearchStrategy

        return {
            name: draw if isinstance(draw, SearchStrategy) else draw(self._argument)
            for name, draw in self._rule.draws.items()
        }

    def _example(self, **drawn: object) -> None:
        from hypothesis import reject
        from hypothesis.errors import HypothesisException

        self.examples += 1
        if self._last is not None and not self._api.examination.target.kind.is_double:
            self._after += 1
            if self._after > SHRINK_LIMIT:
                known = self._found.get(_mark(drawn))
                if known is not None:
                    raise known
                return
        try:
            with self._api.row(is_drawn=True):
                self._rule.function(self._api, self._argument, **drawn)
        except Violation as violation:
            self._last = self._found[_mark(drawn)] = violation
            raise
        except (Unchanged, NotSendable):
            reject()
        except (Inconclusive, NotApplicable, UnreachableError) as reason:
            raise _Halt(reason) from None
        except HypothesisException:
            raise
        except Exception as error:
            if self._rule.file is None:
                raise
            raise _Halt(error) from None  # an error of the rule need not be made simpler


def _mark(drawn: Mapping[str, object]) -> str:
    """Return what tells an example again."""
    return repr(sorted(drawn.items()))

"""From one rule and one part of a profile to a verdict.

A rule that draws runs under Hypothesis with settings of our own: a seed derived from the run's seed and
the rule's id, no deadline, no example database (a rule never flips between two runs with one seed). A
failing example is shrunk; after `SHRINK_LIMIT` further examples a live server is not asked any more, and
the best counterexample so far is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_apiauth.drafts import Unchanged
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.examination import Examination
from pytest_apiauth.exchange import Exchange
from pytest_apiauth.findings import Breach, Counterexample, Inconclusive, NotApplicable, OutOfGuesses, Violation
from pytest_apiauth.http import NotSendable
from pytest_apiauth.rules import Control, Level, Rule, Verdict

SHRINK_LIMIT = 60
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
    breaches: dict[str, Counterexample] = field(default_factory=dict)
    """Failures of other rules, by id."""
    filed: dict[str, Counterexample] = field(default_factory=dict)
    """Warnings of other rules, by id."""


class _Halt(BaseException):
    """Carries a verdict that is no failure out of Hypothesis, which would otherwise try to shrink it."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def judge(rule: Rule, examination: Examination, argument: object, conditions: Conditions) -> Outcome:
    """Run a rule on one part of a profile and say what came of it."""
    level = rule.level_for(examination.profile)
    exchange = Exchange(examination, rule.id)
    requests, tokens = examination.requests, examination.tokens_issued
    run = _Drawn(rule, exchange, argument, conditions) if rule.draws else _Once(rule, exchange, argument)
    outcome = _verdict(run, exchange, level, rule)
    outcome.requests = examination.requests - requests
    outcome.tokens_issued = examination.tokens_issued - tokens
    outcome.examples = run.examples
    outcome.filed = exchange.filed
    return outcome


def _verdict(run: _Once | _Drawn, exchange: Exchange, level: Level, rule: Rule) -> Outcome:
    try:
        run()
    except NotApplicable as reason:
        return Outcome(Verdict.SKIP, level, str(reason))
    except NotSendable as reason:
        return Outcome(Verdict.SKIP, level, f"not sendable: {reason}")
    except (Inconclusive, UnreachableError) as reason:
        return Outcome(Verdict.INCONCLUSIVE, level, str(reason))
    except Breach as breach:
        return Outcome(
            Verdict.INCONCLUSIVE, level, f"{breach}; filed under {breach.rule_id}",
            breaches={breach.rule_id: breach.counterexample}, counterexample=breach.counterexample,
        )  # fmt: skip
    except Violation as violation:
        fails = level in (Level.MUST, Level.DOC)
        verdict = Verdict.FAIL if fails else Verdict.WARNING
        return Outcome(verdict, level, str(violation) + run.remark, violation.counterexample)
    if rule.control is Control.TWIN and not exchange.controls:
        return Outcome(Verdict.SKIP, level, NOTHING_SENT)
    if exchange.advice:
        advice = exchange.advice[0]
        return Outcome(Verdict.WARNING, level, f"advised {advice.expected}, got {advice.got}", advice)
    return Outcome(Verdict.PASS, level, run.remark)


class _Once:
    """A rule whose cases are a table."""

    remark = ""

    def __init__(self, rule: Rule, exchange: Exchange, argument: object) -> None:
        self._rule, self._exchange, self._argument = rule, exchange, argument
        self.examples = 0

    def __call__(self) -> None:
        self.examples = 1
        self._rule.function(self._exchange, self._argument)


INTERMITTENT = " (intermittent: not on every repetition)"


class _Drawn:
    """A rule whose cases are drawn."""

    def __init__(self, rule: Rule, exchange: Exchange, argument: object, conditions: Conditions) -> None:
        self._rule, self._exchange, self._argument, self._conditions = rule, exchange, argument, conditions
        self._found: dict[str, Violation] = {}
        self._last: Violation | None = None
        self._failing: dict[str, object] = {}
        self._after = 0
        self.examples = 0
        self.remark = ""

    def __call__(self) -> None:
        from hypothesis import HealthCheck, Phase, Verbosity, example, given, seed, settings
        from hypothesis.errors import Flaky, Unsatisfiable

        property_test: Callable[[], None] = given(**self._strategies())(self._example)
        property_test = settings(
            max_examples=self._conditions.examples,
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(property_test)
        for row in reversed(self._rule.first):
            property_test = example(**row)(property_test)
        digest = hashlib.sha256(f"{self._conditions.seed} {self._rule.id}".encode()).digest()
        try:
            seed(int.from_bytes(digest[:8], "big"))(property_test)()
        except _Halt as halt:
            if self._last is not None:
                # The server or the budget gave out while the counterexample was made simpler.
                raise self._last from None
            if isinstance(halt.reason, OutOfGuesses) and self._exchange.controls and self.examples > 1:
                self.examples -= 1
                self.remark = f"{self.examples} examples, then: {halt.reason}"
                return
            raise halt.reason from None
        except Unsatisfiable:
            # Every example was rejected: a token of digits, say, has no case to change.
            raise NotApplicable(NOTHING_SENT) from None
        except Flaky:
            # The same request was accepted once and refused once: that is a finding, not a pass.
            if self._last is None:
                raise
            self.remark = INTERMITTENT
            raise self._last from None
        except Violation:
            # A row of the table is tried once only, so it is tried again here.
            if not self._fails_again():
                self.remark = INTERMITTENT
            raise

    def _fails_again(self) -> bool:
        """Try the last failing example once more; whatever is no clear success counts as failing."""
        try:
            self._rule.function(self._exchange, self._argument, **self._failing)
        except Exception:
            return True
        return False

    def _strategies(self) -> Mapping[str, Any]:
        from hypothesis.strategies import SearchStrategy

        return {
            name: draw if isinstance(draw, SearchStrategy) else draw(self._argument)
            for name, draw in self._rule.draws.items()
        }

    def _example(self, **drawn: object) -> None:
        from hypothesis import reject

        self.examples += 1
        mark = repr(sorted(drawn.items()))
        if self._last is not None and self._exchange.examination.target.kind != "embedded":
            self._after += 1
            if self._after > SHRINK_LIMIT:
                if mark in self._found:
                    raise self._found[mark]
                return
        try:
            self._rule.function(self._exchange, self._argument, **drawn)
        except Violation as violation:
            self._last = self._found[mark] = violation
            self._failing = drawn
            raise
        except (Unchanged, NotSendable):
            reject()
        except (Inconclusive, NotApplicable, UnreachableError) as reason:
            raise _Halt(reason) from None

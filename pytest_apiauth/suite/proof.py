"""Whether a fault proves a rule: it passes on a server that keeps its promise, and fails on one with the fault."""

from __future__ import annotations

from collections.abc import Callable

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.suite.book import Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.readiness import made_ready
from pytest_apiauth.targets.target import Target


def why_unproven(
    rule: Rule, good: Callable[[], Target], broken: Callable[[], Target], redactor: Redactor, conditions: Conditions
) -> str:
    """Return in one line why the fault of a ``broken`` target does not prove a rule; nothing if it does.

    A warning counts as failing, and a rule that could not be finished does not. Raises ApiAuthError if the promise
    itself cannot be kept by the ``good`` target.
    """
    for part, outcome in _judged(rule, good, redactor, conditions).items():
        if outcome.verdict not in (Verdict.PASS, Verdict.SKIP):
            return f"it does not pass without the fault: {_told(part, outcome)}"
    try:
        outcomes = _judged(rule, broken, redactor, conditions)
    except ApiAuthError as error:
        return f"with the fault no rule can be examined, and it should break what the rule is about alone: {error}"
    if not outcomes:
        return f"it applies to nothing in this profile: {rule.applies.otherwise}"
    if any(outcome.verdict in (Verdict.FAIL, Verdict.WARNING) for outcome in outcomes.values()):
        return ""
    return f"the fault is not caught: {'; '.join(_told(part, outcome) for part, outcome in outcomes.items())}"


def _judged(rule: Rule, make: Callable[[], Target], redactor: Redactor, conditions: Conditions) -> dict[str, Outcome]:
    """Judge a rule on every part of a profile, on a target of its own."""
    examination: Examination = made_ready(make, redactor, None, asks=True)
    try:
        parts = rule.applies.find(examination.profile)
        return {part: judge(rule, examination, argument, conditions) for part, argument in parts.items()}
    finally:
        examination.target.close()


def _told(part: str, outcome: Outcome) -> str:
    words = f"{part}: {outcome.verdict.value}" if part else outcome.verdict.value
    return f"{words}, {outcome.reason}" if outcome.reason else words

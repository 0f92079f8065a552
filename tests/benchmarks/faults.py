"""How many requests it takes to find a fault: each fault by the rule that owns it, as `tests/faults` examines them.

Of N altered requests of one valid request N + 1 controls are sent: before the first, and after each refusal. Until a
control counted for the next altered request too, each had two of its own. What that would have sent is counted in the
same examinations: a control that was seen to succeed, and so was not sent again, would have been.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from pytest_apiauth.auth.drafts import Control
from pytest_apiauth.embedded import FAULTS
from pytest_apiauth.suite.answer import Seen
from pytest_apiauth.suite.api import Api
from tests.faults.examining import CAUGHT, EXAMINED, QUICK, examine, owners

from .figures import Measured, Plan, Value

QUICK_SAMPLE: Final = 24


@contextmanager
def _spared() -> Iterator[list[int]]:
    """Count controls that were not sent since they were seen to succeed."""
    spared, see = [0], Api.see

    def counted(self: Api, control: Control) -> Seen:
        before = self.controls
        seen = see(self, control)
        spared[0] += self.controls == before
        return seen

    Api.see = counted  # type: ignore[method-assign]
    try:
        yield spared
    finally:
        Api.see = see  # type: ignore[method-assign]


@cache
def _found(plan: Plan) -> tuple[list[tuple[str, int, int]], list[str]]:
    """Return for each fault that was caught what its rule sent, and what it would have; and those that were not."""
    rows: list[tuple[str, int, int]] = []
    missed: list[str] = []
    for name in sorted(FAULTS)[:: max(plan.sample, QUICK_SAMPLE if plan.quick else 1)]:
        for profile in EXAMINED:
            with _spared() as spared:
                outcomes = examine(profile, [owners()[name]], faults=[name], conditions=QUICK).values()
            if any(outcome.verdict in CAUGHT for outcome in outcomes):
                sent = sum(outcome.requests for outcome in outcomes)
                rows.append((name, sent, sent + spared[0]))
                break
        else:
            missed.append(name)
    return rows, missed


def requests_per_fault(plan: Plan) -> Measured:
    """Requests of the rule that finds a fault, with its controls and what makes a counterexample simple."""
    rows, missed = _found(plan)
    sent = [row[1] for row in rows]
    most = max(rows, key=lambda row: row[1])
    told = f"median {statistics.median(sent):.0f}, most {most[1]} of {most[0]}; {len(rows)} of {len(FAULTS)} faults"
    return Measured(
        Value(statistics.mean(sent), beside=told),
        notes=(f"not caught with {QUICK.examples} examples: {', '.join(missed)}",) if missed else (),
    )


def over_two_controls(plan: Plan) -> Measured:
    """The same over what it was when each altered request had two controls of its own."""
    rows, _ = _found(plan)
    now, before = (statistics.mean(column) for column in list(zip(*rows, strict=True))[1:])
    return Measured(Value(now / before, beside=f"{now:.1f} over {before:.1f} requests"))

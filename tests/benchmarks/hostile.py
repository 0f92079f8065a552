"""What a hostile server costs: the longest that any answer of it takes anything of ours, beyond nothing at all."""

from __future__ import annotations

import time
from typing import Final

from tests.hostile.running import chosen, run_all, total

from .figures import Measured, Plan, Value

SAMPLE: Final = 40
"""Behaviours that are met, always the same ones; `python -m tests.hostile` meets all."""


def longest(plan: Plan) -> Measured:
    """Seconds of the longest way through the longest behaviour; what is over a bound is told of."""
    began = time.monotonic()
    rows = list(run_all(chosen(sample=SAMPLE)))
    return Measured(Value(max(row.seconds for row in rows), "s", total(rows, time.monotonic() - began)))

"""Whole runs of the suite on the three APIs that come with it: time with one worker and two, and memory."""

from __future__ import annotations

import statistics
import sys
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Final

from .figures import Measured, Plan, Value
from .measuring import ROOT, Cost, alternating, run
from .starting import TEST

SUITE: Final = (sys.executable, "-m", "pytest", "conformance", "-q", "--hypothesis-seed=0", "-p", "no:cacheprovider")


@cache
def _runs(plan: Plan) -> dict[str, list[Cost]]:
    """Run the suite with one process and with two workers, in turn."""
    sides = {
        "one": partial(run, [*SUITE, "-p", "no:xdist"], cwd=ROOT),
        "two": partial(run, [*SUITE, "-n", "2"], cwd=ROOT),
    }
    return alternating(sides, plan.rounds(3, 1))


def wall(plan: Plan) -> Measured:
    """Seconds by the wall of `pytest conformance`; the best of the rounds, since others slow it down only."""
    costs = _runs(plan)["one"]
    best = min(costs, key=lambda cost: cost.wall)
    told = f"CPU {best.cpu:.1f} s, median wall {statistics.median(cost.wall for cost in costs):.1f} s"
    summary = tuple(line for line in best.output.splitlines() if "requests," in line)
    return Measured(Value(best.wall, "s", told), notes=summary)


def faster(plan: Plan) -> Measured:
    """How many times as fast it is with two workers, by the best of each."""
    costs = _runs(plan)
    one, two = (min(cost.wall for cost in costs[name]) for name in ("one", "two"))
    more = min(cost.cpu for cost in costs["two"]) / min(cost.cpu for cost in costs["one"])
    return Measured(Value(one / two, "x", f"{two:.1f} s; CPU {more:.2f} times that of one process"))


def memory(plan: Plan) -> Measured:
    """Megabytes at the peak of the whole suite in one process, above a run of one trivial test."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_one.py").write_text(TEST, encoding="utf-8")
        bare = run([sys.executable, "-m", "pytest", "-q", "-p", "no:apiauth"], cwd=Path(folder))
    peak = max(cost.peak for cost in _runs(plan)["one"])
    return Measured(Value(peak - bare.peak, "MB", f"{peak:.0f} over {bare.peak:.0f} MB"))

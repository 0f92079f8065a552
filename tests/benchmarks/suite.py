"""Whole runs of the suite on the three APIs that come with it: time with one worker and two, and memory."""

from __future__ import annotations

import re
import statistics
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Final

from . import environments
from .figures import Measured, Plan, Value
from .measuring import ROOT, Cost, alternating, run
from .starting import TEST

PLAIN: Final = """
import time

import pytest


@pytest.mark.parametrize("number", range({tests}))
def test_one(number):
    end = time.process_time() + {seconds}
    while time.process_time() < end:
        pass
"""
OWN: Final = "tests of pytest's own"
PEERS: Final = (OWN,)
RAN: Final = re.compile(r"(\d+) passed, (\d+) skipped")
SUITE: Final = ("-m", "pytest", "conformance", "-q", "--hypothesis-seed=0", "-p", "no:cacheprovider")


def _python(plan: Plan) -> str:
    """Return the interpreter of an environment that has what users have: the peers' plug-ins take time of each run."""
    python = environments.python_of("suite", plan)
    if python is None:
        raise RuntimeError("no environment could be made: that takes pip and the network")
    return python


@cache
def _runs(plan: Plan) -> dict[str, list[Cost]]:
    """Run the suite with one process and with two workers, in turn."""
    sides = {
        "one": partial(run, [_python(plan), *SUITE, "-p", "no:xdist"], cwd=ROOT),
        "two": partial(run, [_python(plan), *SUITE, "-n", "2"], cwd=ROOT),
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
    told = f"{two:.1f} s; CPU {more:.2f} times that of one process"
    return Measured(Value(one / two, "x", told), peers={OWN: _plain(plan)})


def _plain(plan: Plan) -> Value:
    """Return how many times as fast two workers are with as many tests that do nothing but take as long.

    They share no memory, want no library and report nothing: what workers cost here is not the suite's.
    """
    best = min(_runs(plan)["one"], key=lambda cost: cost.wall)
    ran = RAN.search(best.output)
    assert ran is not None, best.output[-500:]
    count = sum(map(int, ran.groups()))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "test_one.py").write_text(TEST, encoding="utf-8")
        bare = run([_python(plan), "-m", "pytest", "-q", "-p", "no:xdist"], cwd=project)
        text = PLAIN.format(tests=count, seconds=max(best.cpu - bare.cpu, 0.1) / count)
        (project / "test_one.py").write_text(text, encoding="utf-8")
        command = [_python(plan), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        sides = {
            "one": partial(run, [*command, "-p", "no:xdist"], cwd=project),
            "two": partial(run, [*command, "-n", "2"], cwd=project),
        }
        costs = alternating(sides, plan.rounds(3, 1))
    one, two = (min(cost.wall for cost in costs[name]) for name in ("one", "two"))
    return Value(one / two, "x", f"{one:.1f} and {two:.1f} s")


def memory(plan: Plan) -> Measured:
    """Megabytes at the peak of the whole suite in one process, above a run of one trivial test."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_one.py").write_text(TEST, encoding="utf-8")
        bare = run([_python(plan), "-m", "pytest", "-q", "-p", "no:apiauth"], cwd=Path(folder))
    peak = max(cost.peak for cost in _runs(plan)["one"])
    return Measured(Value(peak - bare.peak, "MB", f"{peak:.0f} over {bare.peak:.0f} MB"))

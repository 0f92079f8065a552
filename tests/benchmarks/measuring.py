"""How things are measured here: turn by turn, in processes of their own, as medians and minima.

A machine's speed drifts by more than most of what is looked for. So the sides of a comparison take turns, request by
request or process by process, and one of them takes part twice: what it differs from itself is the control, and a
ratio means nothing that is not further from 1 than that.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .figures import Value

ROOT: Final = Path(__file__).parent.parent.parent

# The peak of a child is never below that of the process which starts it, as the kernel counts (exec keeps the larger
# of the two), and ours has everything imported. So a small process starts the child, and says what that took.
_STARTER: Final = """
import json, os, resource, sys, time
began = time.perf_counter()
status = os.waitstatus_to_exitcode(os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)[1])
wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.write("\\n" + json.dumps([status, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: seconds by the wall and of CPU, and megabytes at its peak, with those of its children."""

    wall: float
    cpu: float
    peak: float
    output: str = ""


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    statuses: tuple[int, ...] = (0,),
) -> Cost:
    """Run a command to its end, and say what it took. Raises RuntimeError for another exit status."""
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *command]
    # What is compiled is kept, as it is for users.
    env = {name: value for name, value in (env or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(starter, cwd=cwd, env=env, capture_output=True, text=True, check=True)
    errors, _, told = done.stderr.rpartition("\n")
    status, wall, cpu, peak = json.loads(told)
    if status not in statuses:
        raise RuntimeError(f"exit status {status} of {' '.join(command)}: {(done.stdout + errors)[-1500:]}")
    return Cost(wall, cpu, peak, done.stdout)


def alternating(commands: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Run commands in turn, round by round; of every second round the order is reversed."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in list(commands)[:: -1 if number % 2 else 1]:
            costs[name].append(commands[name]())
    return costs


def turns(sides: Mapping[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Call sides in turn, and return the seconds that each call took. The first tenth warms up and is left out.

    The order is drawn anew each round, always the same way: what a call takes depends on what ran before it.
    """
    spent: dict[str, list[float]] = {name: [] for name in sides}
    calls = [(call, spent[name]) for name, call in sides.items()]
    clock, shuffle = time.perf_counter, random.Random(0).shuffle
    for _ in range(count + count // 10):
        shuffle(calls)
        for call, taken in calls:
            start = clock()
            call()
            taken.append(clock() - start)
    return {name: taken[count // 10 :] for name, taken in spent.items()}


async def turns_async(sides: Mapping[str, Callable[[], Awaitable[object]]], count: int) -> dict[str, list[float]]:
    """Do the same with what is awaited."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    calls = [(call, spent[name]) for name, call in sides.items()]
    clock, shuffle = time.perf_counter, random.Random(0).shuffle
    for _ in range(count + count // 10):
        shuffle(calls)
        for call, taken in calls:
            start = clock()
            await call()
            taken.append(clock() - start)
    return {name: taken[count // 10 :] for name, taken in spent.items()}


def ratio(ours: Sequence[float], base: Sequence[float], *, unit: str = "us", scale: float = 1e6) -> Value:
    """Return the ratio of two medians, with that of the lower quartiles and the difference beside it."""
    middle, below = statistics.median(ours) / statistics.median(base), quartile(ours) / quartile(base)
    more = scale * (statistics.median(ours) - statistics.median(base))
    return Value(middle, beside=f"lower quartiles {below:.3f}, {more:+.1f} {unit}")


def quartile(numbers: Sequence[float]) -> float:
    """Return the lower quartile."""
    return statistics.quantiles(numbers, n=4)[0] if len(numbers) > 1 else numbers[0]


def median(numbers: Sequence[float], unit: str = "", scale: float = 1.0) -> Value:
    """Return the median with its quartiles."""
    scaled = [scale * number for number in numbers]
    if len(scaled) < 3:
        return Value(statistics.median(scaled), unit)
    low, middle, high = statistics.quantiles(scaled, n=4)
    return Value(middle, unit, f"quartiles {low:.3g} to {high:.3g}")

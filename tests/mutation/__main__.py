"""Run the conformance suite on every mutant of the embedded server's decisions: ``python -m tests.mutation``.

A mutant counts as caught where a rule fails, warns or is inconclusive on one of the profiles of ``tests.faults``. What
survives is listed in ``survivors.toml``, each with its reason. Exits with 1 below `GOAL`, for a survivor that is not
listed, and for a listed one that is caught or gone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mutants import MODULES, Mutant, mutants
from .trial import FOLDER, Catch, Job, Usual, first_catch, install, jobs, usual

GOAL = 0.9
SAMPLE = 1000
"""How many mutants a run tries at most, unless told to try all."""
MUTANT_LIMIT = 240
"""Seconds until a mutant is given up; it then counts as a survivor, since nothing was found against it."""
SURVIVORS = Path(__file__).with_name("survivors.toml")
CONTEXT: Any = multiprocessing.get_context("fork")
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a mutant."""

    mutant: Mutant
    catch: Catch | None
    seconds: float


def main() -> int:
    """Print what was caught and what was not. Returns the exit status."""
    options = _options()
    start = time.perf_counter()
    made = mutants(options.module or MODULES)
    chosen = made if options.all else sample(made, SAMPLE)
    print(f"{len(made)} mutants, {len(made) - len(chosen)} left out, made in {time.perf_counter() - start:.0f} s")
    known = usual(jobs())
    print(
        f"{len(known)} rules on profiles pass on the server as it is, at {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    listed = {key: reason for key, reason in reasons().items() if key[0] in (options.module or MODULES)}
    trials = run(chosen, known, options.workers, options.verbose)
    status = report(trials, listed, {mutant.key for mutant in made})
    print(f"{time.perf_counter() - start:.0f} s")
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--all", action="store_true", help=f"try more than {SAMPLE} mutants, if there are more")
    parser.add_argument("--module", action="append", choices=MODULES, help="only this module of the embedded server")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--verbose", action="store_true", help="print each mutant and what has caught it")
    return parser.parse_args()


def sample(made: Sequence[Mutant], size: int) -> list[Mutant]:
    """Give the same mutants in every run, spread over all of them."""

    def place(mutant: Mutant) -> bytes:
        return hashlib.sha256(repr(mutant.key).encode()).digest()

    chosen = {mutant.key for mutant in sorted(made, key=place)[:size]}
    return [mutant for mutant in made if mutant.key in chosen]


def run(chosen: Sequence[Mutant], known: dict[Job, Usual], workers: int, verbose: bool = False) -> list[Trial]:
    """Try mutants, each in a process of its own, and first by the rules that have caught its neighbours."""
    trials: list[Trial] = []
    caught: Counter[tuple[object, Job]] = Counter()
    running: dict[Any, tuple[Mutant, Any, float]] = {}
    waiting = list(reversed(chosen))
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            place = (mutant.module, mutant.function)
            reached = [job for job in known if place in known[job].functions] if mutant.is_called else list(known)
            order = sorted(
                reached, key=lambda job: (-caught[place, job], -caught[mutant.module, job], known[job].seconds)
            )
            here, there = CONTEXT.Pipe(duplex=False)
            process = CONTEXT.Process(target=_child, args=(mutant, order, there), daemon=True)
            process.start()
            there.close()
            running[here] = (mutant, process, time.perf_counter())
        ready = multiprocessing.connection.wait(list(running), timeout=1)
        now = time.perf_counter()
        for connection, (mutant, process, start) in list(running.items()):
            if connection not in ready and now - start < MUTANT_LIMIT:
                continue
            trial = Trial(mutant, _received(connection) if connection in ready else None, now - start)
            process.kill()
            process.join()
            del running[connection]
            trials.append(trial)
            if trial.catch is not None:
                caught[(mutant.module, mutant.function), trial.catch.job] += 1
                caught[mutant.module, trial.catch.job] += 1
            if verbose:
                what = f"{trial.catch.how} by {' '.join(reversed(trial.catch.job))}" if trial.catch else "SURVIVES"
                print(f"{mutant}\n    {what}, {trial.seconds:.1f} s", flush=True)
    return trials


def _child(mutant: Mutant, order: Sequence[Job], connection: Any) -> None:
    try:
        install(mutant.module, FOLDER / f"{mutant.module}.py", mutant.source)
    except Exception as error:
        connection.send(Catch(("", "start"), f"error: {type(error).__name__}"))
    else:
        connection.send(first_catch(order))


def _received(connection: Any) -> Catch | None:
    try:
        catch: Catch | None = connection.recv()
    except EOFError:
        return Catch(("", "process"), "died")
    return catch


def reasons(path: Path = SURVIVORS) -> dict[Key, str]:
    """Read the list of survivors, and give the reason of each. Raises ValueError where one has none or two."""
    found: dict[Key, str] = {}
    for table in tomllib.loads(path.read_text(encoding="utf-8")).get("because", []):
        for module, function, before, after, *nth in table["mutants"]:
            key = (module, function, before, after, *(nth or [1]))
            if key in found or not table.get("reason", "").strip():
                raise ValueError(f"{path.name}: one reason is needed for {key}")
            found[key] = table["reason"]
    return found


def report(trials: Sequence[Trial], listed: dict[Key, str], made: set[Key]) -> int:
    """Print the figures and the survivors. Returns 1 where the goal is missed or the list of survivors is wrong."""
    survivors = [trial.mutant for trial in trials if trial.catch is None]
    by_reason: dict[str, list[Mutant]] = {}
    for mutant in sorted(survivors, key=lambda mutant: (MODULES.index(mutant.module), mutant.line)):
        by_reason.setdefault(listed.get(mutant.key, ""), []).append(mutant)
    unexplained = by_reason.pop("", [])
    for reason, alike in sorted(by_reason.items(), key=lambda row: -len(row[1])):
        print(f"\n{len(alike)} survive: {reason}", *(f"  {mutant}" for mutant in alike), sep="\n")
    if unexplained:
        print(f"\n{len(unexplained)} survive, and {SURVIVORS.name} gives no reason:")
        print(*(f"    {json.dumps(mutant.key)}," for mutant in unexplained), sep="\n")
    wrong = [f"{t.mutant.key} is caught by {t.catch.job}" for t in trials if t.catch and t.mutant.key in listed]
    wrong += [f"there is no mutant {key}" for key in listed if key not in made]
    if wrong:
        print(f"\n{len(wrong)} are listed as survivors and are none:", *wrong, sep="\n    ")
    hows = Counter(trial.catch.how for trial in trials if trial.catch)
    rate = 1 - len(survivors) / len(trials)
    print(f"\ncaught: {', '.join(f'{how} {count}' for how, count in hows.most_common())}")
    print(f"{len(trials) - len(survivors)} of {len(trials)} mutants are caught by a rule, {rate:.1%}; goal {GOAL:.0%}")
    return int(rate < GOAL or bool(unexplained or wrong))


if __name__ == "__main__":
    sys.exit(main())

"""Run the conformance suite on every mutant of the embedded server's decisions: ``python -m tests.mutation``.

A mutant counts as caught where a rule fails, warns or is inconclusive on one of the profiles of ``tests.faults``. What
survives is listed in ``survivors.toml``, each with its reason. Exits with 1 below the goal, for a survivor that is not
listed, and for a listed one that is caught or gone.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .mutants import MODULES, Mutant, mutants
from .survivors import Trial, reasons, report
from .trial import MUTANT_LIMIT, Catch, Job, Usual, first_catch, install_mutant, install_probes, jobs, usual

PATIENCE = 4 * MUTANT_LIMIT
"""Seconds until a mutant is given up that does no work and does not end."""
CONTEXT: Any = multiprocessing.get_context("fork")


def main() -> int:
    """Print what was caught and what was not. Returns the exit status."""
    options = _options()
    start = time.perf_counter()
    made = mutants(options.module or MODULES)
    listed = {key: reason for key, reason in reasons().items() if key[0] in (options.module or MODULES)}
    eligible = [mutant for mutant in made if mutant.key in listed] if options.listed else made
    chosen = sample(eligible, options.sample or len(eligible))
    print(f"{len(made)} mutants, {len(made) - len(chosen)} left out, made in {time.perf_counter() - start:.0f} s")
    known = as_it_is(jobs(), options.workers)
    print(
        f"{len(known)} rules on profiles pass on the server as it is, at {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    trials = run(chosen, known, options.workers, options.verbose)
    status = report(trials, listed, {mutant.key for mutant in made})
    print(f"{time.perf_counter() - start:.0f} s")
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="try only N mutants, always the same")
    parser.add_argument(
        "--listed", action="store_true", help="only what survivors.toml lists: is any of it caught now?"
    )
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


def as_it_is(order: Sequence[Job], workers: int) -> dict[Job, Usual]:
    """Do every job on the server as it is. Raises AssertionError if one does not pass."""
    with CONTEXT.Pool(workers, install_probes) as pool:
        return dict(zip(order, pool.map(usual, order, chunksize=20), strict=True))


def run(chosen: Sequence[Mutant], known: dict[Job, Usual], workers: int, verbose: bool = False) -> list[Trial]:
    """Try mutants, each in a process of its own, and first by the rules that have caught its neighbours."""
    trials: list[Trial] = []
    caught: Counter[tuple[object, Job]] = Counter()
    running: dict[Any, tuple[Mutant, Any, float]] = {}
    waiting = list(reversed(chosen))
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            order = _order(mutant, known, caught)
            here, there = CONTEXT.Pipe(duplex=False)
            process = CONTEXT.Process(target=_child, args=(mutant, order, there), daemon=True)
            process.start()
            there.close()
            running[here] = (mutant, process, time.perf_counter())
        ready = multiprocessing.connection.wait(list(running), timeout=1)
        now = time.perf_counter()
        for connection, (mutant, process, start) in list(running.items()):
            if connection not in ready and now - start < PATIENCE:
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


def _order(mutant: Mutant, known: dict[Job, Usual], caught: Counter[tuple[object, Job]]) -> list[Job]:
    """Give what can make a difference, first what has caught neighbours, then what is quick."""
    reach = {(mutant.module, line) for line in mutant.reach}
    near = (mutant.module, mutant.function)
    jobs = [job for job, each in known.items() if not reach or not reach.isdisjoint(each.lines)]
    return sorted(jobs, key=lambda job: (-caught[near, job], -caught[mutant.module, job], known[job].seconds))


def _child(mutant: Mutant, order: Sequence[Job], connection: Any) -> None:
    try:
        install_mutant(mutant.module, mutant.source)
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


if __name__ == "__main__":
    sys.exit(main())

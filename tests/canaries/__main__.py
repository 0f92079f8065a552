"""Run projects full of planted values and search all that comes out: ``python -m tests.canaries``.

Prints runs, outputs and values found; exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .places import PLACES
from .running import PLANS, Result, plan_named, run, run_all


def main() -> int:
    """Print the table. Returns the exit status."""
    options = _options()
    start = time.perf_counter()
    if options.each:
        status = each_place(options.workers)
    elif options.without:
        status = 0 if without(options.without, options.verbose) else 1
    else:
        status = everything(options.only, options.workers, options.verbose)
    print(f"{time.perf_counter() - start:.0f} s")
    return status


def everything(only: list[str] | None, workers: int, verbose: bool) -> int:
    """Run all plans, or some of them. Returns 1 where a value was found or a run did not come to its end."""
    plans = [plan for plan in PLANS if not only or any(word in plan.name for word in only)]
    results = []
    for result in run_all(plans, workers):
        results.append(result)
        _show(result, verbose)
    runs, outputs = sum(each.runs for each in results), sum(each.outputs for each in results)
    found = sum(len(each.finds) for each in results)
    print(f"\n{runs} runs, {outputs} outputs, {found} values found")
    return 1 if found or any(each.trouble for each in results) else 0


def without(name: str, verbose: bool) -> int:
    """Run the plan of one place with redaction switched off there. Returns how many values were found."""
    result = run(plan_named(PLACES[name].plan), name)
    print(f"without {name:28} {result.outputs:4} outputs {len(result.finds):4} found", flush=True)
    if verbose or result.trouble:
        _show(result, verbose)
    return 0 if result.trouble else len(result.finds)


def each_place(workers: int) -> int:
    """Switch redaction off in each place in turn. Returns 1 where that shows nowhere."""
    with ThreadPoolExecutor(workers) as pool:
        found = dict(zip(PLACES, pool.map(lambda name: without(name, False), PLACES), strict=True))
    blind = [name for name, count in found.items() if not count]
    print(f"\n{len(found)} places, {len(blind)} that nothing depends on{': ' if blind else ''}{', '.join(blind)}")
    return 1 if blind else 0


def _show(result: Result, verbose: bool) -> None:
    slots = Counter(f"{find.slot} as {find.form} in {place}" for place, find in result.finds)
    print(
        f"{result.plan.name:32} {result.runs:3} runs {result.outputs:4} outputs {len(result.finds):4} found", flush=True
    )
    if result.trouble:
        print(f"    TROUBLE: {result.trouble}")
    for text in slots if verbose else list(slots)[:3]:
        print(f"    {text}")
    if verbose:
        for place, find in result.finds:
            print(f"      {place}: {find.slot}: {find.around}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=__doc__)
    parser.add_argument("--without", choices=PLACES, help="switch redaction off in one place; values must be found")
    parser.add_argument("--each", action="store_true", help="do that for each place")
    parser.add_argument("--only", action="append", metavar="WORD", help="only plans with this word in their names")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--verbose", action="store_true", help="print what was found, with its surroundings")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

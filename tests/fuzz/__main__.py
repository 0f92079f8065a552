"""Try input that nobody has thought of: ``python -m tests.fuzz --minutes N``.

Prints a table: of each target how many cases were tried, refused in a line, taken, and how many did what must not
be; and how often werkzeug reads a challenge in another way, with the reason. Exits with 1 if there was a breach; its
input is saved in a file that is named. The same seed makes the same cases; how many of them, the time decides.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .comparing import told
from .running import Result, run_target
from .targets import TARGETS

logging.getLogger("dotenv").setLevel(logging.CRITICAL)


def main() -> int:
    """Print the table. Returns the exit status."""
    options = _options()
    start = time.perf_counter()
    names = options.only or list(TARGETS)
    workers = min(options.workers, len(names))
    seconds = options.minutes * 60 * workers / len(names)
    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(lambda name: run_target(name, options.seed, seconds), names))
    print(f"{'target':12} {'tried':>8} {'refused':>8} {'taken':>8} {'breaches':>9}")
    for result in results:
        print(f"{result.name:12} {result.tried:8} {result.refused:8} {result.accepted:8} {len(result.breaches):9}")
    # What is tried to make a breach smaller, and one of a known kind, has not survived either.
    tried, survived = sum(each.tried for each in results), sum(each.refused + each.accepted for each in results)
    breaches = sum(len(each.breaches) for each in results)
    print(f"{'in all':12} {tried:8}, {survived} survived, {breaches} kinds of breach; seed {options.seed}")
    differed = sum((result.differed for result in results), Counter[str]())
    if differed:
        print("challenges that werkzeug reads in another way:")
        print("\n".join(told(differed)))
    for result in results:
        _save(result, options.found)
    print(f"{time.perf_counter() - start:.0f} s")
    return 1 if breaches else 0


def _save(result: Result, folder: Path) -> None:
    for number, (what, case) in enumerate(result.breaches, 1):
        file = folder / f"{result.name}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(case.content)
        kind = "" if case.kind == "file" else f" (a {case.kind} in the place of the file)"
        print(f"BREACH {result.name}: {what}: saved in {file}{kind}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, metavar="N", help="for all targets together")
    parser.add_argument("--seed", type=int, default=14, metavar="S")
    parser.add_argument("--only", action="append", choices=TARGETS, metavar="TARGET", help="only this target")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), metavar="FOLDER", help="for what was found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

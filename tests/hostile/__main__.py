"""Every behaviour of the hostile server against everything that goes to a network: ``python -m tests.hostile``.

Prints a line for each behaviour: the ways that met it, the longest time and the most memory that one took. Exits with
1 if anything that must hold of a run did not.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.hostile.bodies import missing
from tests.hostile.running import Ran, chosen, retried, run_all, total


def main() -> int:
    """Run what is asked for, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--only", metavar="NAME", default="", help="behaviours whose name has this in it")
    parser.add_argument("--way", metavar="NAME", default="", help="this way only")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="N behaviours, the same ones each time, of each family one"
    )
    parser.add_argument("--every-coding", action="store_true", help="fail if bombs are left out for want of a package")
    asked = parser.parse_args()
    behaviours = chosen(asked.only, asked.sample)
    if not behaviours:
        parser.error(f"no behaviour has {asked.only!r} in its name")
    began = time.monotonic()
    rows: list[Ran] = []
    for ran in run_all(behaviours, asked.way):
        rows.append(ran)
        print(ran.line(), flush=True)
        for breach in ran.breaches:
            print(f"    BREACH {breach}", flush=True)
    print(total(rows, time.monotonic() - began))
    for line in retried(rows):
        print(line)
    for coding in missing():
        print(f"bombs by {coding}: NOT RUN, its package is not installed (the group codings has it)")
    return 1 if any(row.breaches for row in rows) or (asked.every_coding and missing()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Benchmarks: ``python -m tests.benchmarks``. One table, in which everything is measured beside something real.

Each figure has its goal, a control row where there is a ratio, and peers in the same run. The exit status is 1 where a
count is not what it has to be, or a figure could not be measured; no time decides it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from .figures import Plan, printed
from .table import FIGURES, GROWTH


def main() -> int:
    """Print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and nothing that takes environments")
    parser.add_argument("--only", metavar="WORDS", default="", help="only figures with these words in their names")
    parser.add_argument("--environments", metavar="DIR", type=Path, help="where peers' environments are, and stay")
    parser.add_argument("--sample", metavar="N", type=int, default=1, help="only every N-th fault")
    parser.add_argument("--markdown", action="store_true", help="the table in Markdown")
    parser.add_argument("--growth", action="store_true", help="1, 10 and 100 profiles and zones, 1 and 2 workers")
    asked = parser.parse_args()
    plan = Plan(asked.quick, asked.environments, asked.sample)
    figures = [
        figure
        for figure in (GROWTH if asked.growth else FIGURES)
        if asked.only in figure.name and (figure.in_quick or not plan.quick)
    ]
    if not figures:
        parser.error(f"no figure has {asked.only!r} in its name")
    began = time.monotonic()
    busy = os.getloadavg()[0]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load average {busy:.1f} at the start\n")
    rows = printed(figures, plan, markdown=asked.markdown)
    broken = [row.figure.name.strip() for row in rows if row.is_broken]
    print(f"\n{len(rows)} figures, {time.monotonic() - began:.0f} s, load average {os.getloadavg()[0]:.1f} at the end")
    print(*(f"broken: {name}" for name in broken), sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())

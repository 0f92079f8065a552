"""Print which rules see which faults: ``python -m tests.faults``.

A row is a fault of the embedded server: the rule that owns it, the profile on which that one catches it, and every
other rule that sees it there. Exits with 1 for a fault that its owner does not catch when the whole book is examined.
That each owner catches its faults alone is tested in ``test_faults.py``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from pytest_apiauth.embedded import FAULTS

from .table import row


def main() -> int:
    """Print the rows. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="only every N-th fault, always the same ones")
    start, names = time.perf_counter(), sorted(FAULTS)[:: parser.parse_args().sample or 1]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows = list(pool.map(row, names))
    missed = [name for name, is_caught, _ in rows if not is_caught]
    print(*(line for _, _, line in rows), sep="\n")
    print(*(f"missed: {name}" for name in missed), sep="\n")
    print(f"{len(rows)} of {len(FAULTS)} faults, {len(missed)} missed, {time.perf_counter() - start:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

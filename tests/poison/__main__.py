"""Send poisonous text through every way in, and look for it in every way out: ``python -m tests.poison``.

Prints a matrix: of each output by each way that leads to it, how often text of the server was seen there, and raw. A
cell in which none was seen says nothing: each has a reason in `reach`, which is printed too. Exits with 1 if any was
raw, if a cell is empty without a reason, and if one is not that has a reason.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from .reach import UNSEEN, unreached
from .running import ENVIRONMENT, Output, outputs


def main() -> int:
    """Print the matrix. Returns the exit status."""
    start = time.perf_counter()
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="poison-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        found = outputs(Path(folder))
    ways = sorted({way for output in found for way in (*output.ways, *output.raw)})
    print(f"{'output':26} {'ways':>9} {'seen':>6} {'raw':>5}  seen (raw) by way")
    for output in found:
        told = " ".join(_cell(output, way) for way in ways if output.seen[way] or output.raw[way])
        reached = f"{sum(output.seen[way] > 0 for way in output.ways)} of {len(output.ways)}"
        print(f"{output.name:26} {reached:>9} {output.seen.total():6} {output.raw.total():5}  {told}")
    raw, wrong = sum(each.raw.total() for each in found), list(unreached(found))
    cells = sum(len(output.ways) for output in found)
    seen = sum(output.seen[way] > 0 for output in found for way in output.ways)
    print(f"{len(found)} outputs, {len(ways)} ways, {seen} of {cells} cells seen, {raw} raw")
    for places, names, why in UNSEEN:
        print(f"not in {places}: {names}: {why}")
    for line in wrong:
        print(f"WRONG {line}")
    print(f"{time.perf_counter() - start:.0f} s")
    return 1 if raw or wrong else 0


def _cell(output: Output, way: str) -> str:
    return f"{way}:{output.seen[way]}" + (f"({output.raw[way]} RAW)" if output.raw[way] else "")


if __name__ == "__main__":
    sys.exit(main())

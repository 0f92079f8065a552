"""Send poisonous text through every way in, and look for it in every way out: ``python -m tests.poison``.

Prints a matrix: of each output by each way, how often text of the server was seen there, and raw. Exits with 1 if any
was raw, and if there is an output in which none was seen at all: that says nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from .running import ENVIRONMENT, Output, outputs


def main() -> int:
    """Print the matrix. Returns the exit status."""
    start = time.perf_counter()
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="poison-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        found = outputs(Path(folder))
    ways = sorted({way for output in found for way in (*output.seen, *output.raw)})
    print(f"{'output':26} {'ways':>5} {'seen':>6} {'raw':>5}  seen (raw) by way")
    for output in found:
        told = " ".join(_cell(output, way) for way in ways if output.seen[way] or output.raw[way])
        print(f"{output.name:26} {len(output.seen):5} {output.seen.total():6} {output.raw.total():5}  {told}")
    raw, blind = sum(each.raw.total() for each in found), [each.name for each in found if not each.seen]
    print(f"{len(found)} outputs, {len(ways)} ways, {raw} raw")
    if blind:
        print(f"of no server text at all: {', '.join(blind)}")
    print(f"{time.perf_counter() - start:.0f} s")
    return 1 if raw or blind else 0


def _cell(output: Output, way: str) -> str:
    return f"{way}:{output.seen[way]}" + (f"({output.raw[way]} RAW)" if output.raw[way] else "")


if __name__ == "__main__":
    sys.exit(main())

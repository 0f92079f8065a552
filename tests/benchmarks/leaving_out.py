"""What a project pays for files that its runs leave out."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from .figures import Measured, Plan, Value
from .measuring import Cost, alternating, quartile, run

FILES: Final = 50_000
FOLDERS: Final = ("node_modules", "build", "left-out", ".cache", "env")


def left_out(plan: Plan) -> Measured:
    """CPU of a run that uses a profile beside 50,000 files in folders that it leaves out, over one without them."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("without", "with"):
            project = Path(folder, name)
            project.mkdir()
            (project / "pytest.ini").write_text("[pytest]\nnorecursedirs = left-* node_modules build .*\n")
            (project / "shop.apiauth.toml").write_text('schema = 1\nextends = "dastra"\n')
            (project / "test_one.py").write_text("def test_one(apiauth_client): pass\n")
        for each in FOLDERS:
            for number in range(FILES // len(FOLDERS) // 100):
                place = Path(folder, "with", each, str(number))
                place.mkdir(parents=True)
                for file in range(100):
                    (place / f"{file}.apiauth.toml").touch()
        Path(folder, "with", "env", "pyvenv.cfg").touch()
        projects = {"without": "without", "again": "without", "with": "with"}
        sides = {
            name: partial(run, [sys.executable, "-m", "pytest", "-q", str(Path(folder, place))])
            for name, place in projects.items()
        }
        costs = alternating(sides, plan.rounds(9, 5))
    return Measured(_over(costs["with"], costs["without"]), _over(costs["again"], costs["without"]))


def _over(ours: list[Cost], base: list[Cost]) -> Value:
    fastest = min(cost.cpu for cost in ours) / min(cost.cpu for cost in base)
    below = quartile([cost.cpu for cost in ours]) / quartile([cost.cpu for cost in base])
    return Value(fastest, beside=f"of minima; lower quartiles {below:.3f}")

"""Start-up: what a run of pytest pays for the plug-in although no test uses it."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final

from . import environments
from .figures import NOT_INSTALLED, Measured, Plan, Value
from .measuring import Cost, alternating, median, run

PEERS: Final = ("pytest-recording", "hypothesis", "respx", "pytest-httpx", "schemathesis")
TEST: Final = "def test_one():\n    pass\n"
# What an entry point costs that leads to an empty module: a plug-in can have no less.
EMPTY: Final = {
    "empty_plugin.py": "",
    "empty_plugin-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: empty-plugin\nVersion: 1\n",
    "empty_plugin-1.dist-info/entry_points.txt": "[pytest11]\nempty = empty_plugin\n",
}
TELLING: Final = """
import json, sys


def pytest_unconfigure():
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


def _project(folder: str, **files: str) -> Path:
    project = Path(folder)
    for name, text in {"test_one.py": TEST, "pytest.ini": "[pytest]\n", **EMPTY, **files}.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    return project


def _pytest(project: Path, *options: str, python: str = sys.executable, autoload: bool = False) -> Cost:
    """Run the project's test; without autoload pytest loads what the options name and nothing else."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(project)} | ({} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    return run([python, "-m", "pytest", "-q", *options], cwd=project, env=env)


def added_cpu(plan: Plan) -> Measured:
    """CPU that a run of one trivial test takes more with our entry point than with an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        project = _project(folder)
        sides = {name: partial(_pytest, project, "-p", plugin) for name, plugin in (
            ("empty", "empty"), ("again", "empty"), ("ours", "apiauth"))}  # fmt: skip
        costs = alternating(sides, plan.rounds(21, 7))
    return Measured(_added(costs["ours"], costs["empty"]), _added(costs["again"], costs["empty"]))


def _added(ours: list[Cost], base: list[Cost]) -> Value:
    fastest = 1000 * (min(cost.cpu for cost in ours) - min(cost.cpu for cost in base))
    middle = 1000 * (statistics.median(cost.cpu for cost in ours) - statistics.median(cost.cpu for cost in base))
    share = min(cost.cpu for cost in ours) / min(cost.cpu for cost in base)
    return Value(round(fastest, 1), "ms", f"of minima, {share:.3f}; medians {middle:+.0f} ms")


def imported(plan: Plan) -> Measured:
    """Modules that our entry point imports and an empty one does not, outside the standard library and pytest."""
    modules: dict[str, set[str]] = {}
    for plugin in ("empty", "apiauth"):
        with tempfile.TemporaryDirectory() as folder:
            project = _project(folder, **{"telling.py": TELLING})
            _pytest(project, "-p", plugin, "-p", "telling")
            modules[plugin] = set(json.loads((project / "modules.json").read_text(encoding="utf-8")))
    more = modules["apiauth"] - modules["empty"]
    foreign = {name for name in more if name.partition(".")[0] not in {*sys.stdlib_module_names, "pytest_apiauth"}}
    own = sum(name.partition(".")[0] == "pytest_apiauth" for name in more)
    beside = f"{own} of ours, {len(more) - own - len(foreign)} of the standard library"
    notes = (f"foreign: {', '.join(sorted(foreign)[:20])}",) if foreign else ()
    return Measured(Value(len(foreign), beside=beside), notes=notes)


def over_bare(plan: Plan) -> Measured:
    """CPU of the same run where a package and all that it depends on is installed, over pytest alone: also of peers.

    What our dependencies register at pytest (Hypothesis, respx, anyio, pytest-recording) is loaded with them and is
    counted here; the row above has the plug-in by itself.
    """
    costs = _of_environments(plan)
    if "bare" not in costs or "pytest-apiauth" not in costs:
        raise RuntimeError("no environment could be made: that takes pip and the network")
    peers: dict[str, Value | str] = {name: _over(costs, name) if name in costs else NOT_INSTALLED for name in PEERS}
    return Measured(_over(costs, "pytest-apiauth"), _over(costs, "again"), peers)


def _over(costs: Mapping[str, list[Cost]], name: str) -> Value:
    base = statistics.median(cost.cpu for cost in costs["bare"])
    ratio = median([cost.cpu / base for cost in costs[name]])
    added = 1000 * (min(cost.cpu for cost in costs[name]) - min(cost.cpu for cost in costs["bare"]))
    return Value(ratio.number, beside=f"{added:+.0f} ms")


@cache
def _of_environments(plan: Plan) -> dict[str, list[Cost]]:
    pythons = {name: environments.python_of(name, plan) for name in ("bare", "pytest-apiauth", *PEERS)}
    pythons["again"] = pythons["bare"]
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "test_one.py").write_text(TEST, encoding="utf-8")
        (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        sides = {
            name: partial(_pytest, project, python=python, autoload=True)
            for name, python in pythons.items()
            if python is not None
        }
        return alternating(sides, plan.rounds(9, 3))

"""Run the tests of a client library on each engine, and print its branch coverage: python -m tests.workbench

The library in ``project`` asks two APIs: pages, creation, errors, patience, trouble with tokens. All that its tests
have is the plug-in. Each engine's run has to reach every branch of what it can reach: all but the other engines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Final

ENGINES: Final = ("httpx", "httpx2", "requests", "aiohttp")
PROJECT: Final = Path(__file__).parent / "project"
APART: Final = {"PYTEST_ADDOPTS": "-p no:randomly -p no:cov -p no:xdist", "COVERAGE_CORE": "sysmon"}


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in a folder, without what a caller's environment says of coverage."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    told = [sys.executable, "-m", *words]
    return subprocess.run(told, cwd=folder, env={**kept, **APART}, capture_output=True, text=True, check=False)


def tried(folder: Path, engine: str) -> tuple[bool, str]:
    """Run the tests on an engine; whether they pass and reach every branch, and what is to be told of them."""
    others = ",".join(f"acme/engines/on_{name}.py" for name in ENGINES if name != engine)
    tests = command(folder, "coverage", "run", "--branch", "--source=acme", "-m", "pytest", "-q", f"--engine={engine}")
    if tests.returncode:
        return False, tests.stdout + tests.stderr
    report = command(folder, "coverage", "report", "--fail-under=100", "--show-missing", f"--omit={others}")
    if report.returncode:
        return False, report.stdout + report.stderr
    passed, total = tests.stdout.strip().splitlines()[-1], report.stdout.strip().splitlines()[-1]
    return True, f"{engine:10}{metadata.version(engine):10}{passed:32}{' '.join(total.split())}"


def main() -> int:
    """Run all, print a line an engine; the exit status says whether one failed."""
    status = 0
    with tempfile.TemporaryDirectory(prefix="apiauth-") as made:
        for engine in ENGINES:
            folder = Path(made) / engine
            shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
            has_passed, told = tried(folder, engine)
            print(told, flush=True)
            status = status if has_passed else 1
    return status


if __name__ == "__main__":
    raise SystemExit(main())

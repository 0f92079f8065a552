"""The reports that are opened: of real runs, good and bad, and of a run that found as much as one should."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from pytest_apiauth.report import formats
from tests.report.records import crowded

ROOT: Final = Path(__file__).resolve().parents[2]
FAULTS: Final = (
    "token-case-folded", "refresh-any-client", "every-second-admitted", "key-name-folded", "token-expires-early",
    "token-answer-as-text", "scope-misreported", "refusal-succeeds",
)  # fmt: skip
LIMIT: Final = 400


def good(folder: Path) -> Path:
    """Examine the three built-in profiles."""
    return _report(folder / "good.html", ROOT / "conformance", cwd=ROOT)


def faulty(folder: Path) -> Path:
    """Examine them on a server that breaks many rules."""
    faults = [f"--apiauth-fault={name}" for name in FAULTS]
    return _report(folder / "faulty.html", ROOT / "conformance", *faults, cwd=ROOT)


def real(folder: Path) -> Path | None:
    """Examine an app of FastAPI as its documentation has it; None where that is not installed."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("python_multipart") is None:
        return None
    project = folder / "fastapi_shop"
    shutil.copytree(ROOT / "tests/servers/projects/fastapi_shop", project, ignore=shutil.ignore_patterns("__pycache__"))
    return _report(folder / "real.html", Path("shop.apiauth.toml"), cwd=project)


def many(folder: Path) -> Path:
    """Write three profiles with three hundred findings, made of records."""
    path = folder / "many.html"
    formats.write(str(path), crowded())
    return path


REPORTS: Final = {"built-in profiles": good, "faulty server": faulty, "real server": real, "300 findings": many}


def _report(path: Path, what: Path, *words: str, cwd: Path) -> Path:
    """Run pytest in a project; whatever came of the rules, the report must be there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(what),
        "-q",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
    ]
    done = subprocess.run(
        [*command, f"--apiauth-report={path}", *words], cwd=cwd, env=kept | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1) or not path.is_file():
        raise RuntimeError(f"no report of {what}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return path

"""Environments with one peer each: what a plug-in adds is seen where nothing else is installed.

They are made once, in a folder that is given or in one that goes away with the run. Making them is the only thing here
that needs the network; a package that cannot be had is a cell that says so.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import venv
from functools import cache
from pathlib import Path
from typing import Final

from .figures import Plan
from .measuring import ROOT

PACKAGES: Final = {
    "bare": (),
    "pytest-apiauth": (str(ROOT),),
    "suite": (str(ROOT), "pytest-xdist"),
    "pytest-recording": ("pytest-recording",),
    "hypothesis": ("hypothesis",),
    "respx": ("respx",),
    "pytest-httpx": ("pytest-httpx",),
    "schemathesis": ("schemathesis",),
}
"""What is installed besides pytest, by the name of the environment."""


@cache
def _temporary() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="benchmarks-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def python_of(name: str, plan: Plan) -> str | None:
    """Return the interpreter of an environment, which is made if it is missing; None if that cannot be."""
    return _made(name, plan.environments or _temporary())


@cache
def _made(name: str, folder: Path) -> str | None:
    place = folder.resolve() / name
    python, mark = place / "bin" / "python", place / "made"
    if not mark.exists():
        venv.EnvBuilder(clear=True, symlinks=True).create(place)
        command = [sys.executable, "-m", "pip", f"--python={python}", "install", "-q", "pytest", *PACKAGES[name]]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return None
        mark.touch()
    return str(python)

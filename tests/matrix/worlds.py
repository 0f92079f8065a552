"""Environments that lack a library, made of the one that runs this by leaving out what brings it.

Nothing is downloaded: the packages are the same files (hard links where the file system has them). Whatever needs a
library that is left out is left out too, so that nobody finds in an environment what its metadata promises in vain.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

PACKAGES: Final = Path(sysconfig.get_path("purelib")).resolve()
OURS: Final = "pytest-apiauth"
"""It declares httpx and respx, and is what is tested without them."""


@dataclass(frozen=True, slots=True)
class World:
    """What one environment has and has not, by the names of packages; ``modules`` are those that must be absent."""

    name: str
    leaves_out: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


WORLDS: Final = (
    World("httpx", ("httpx2", "httpcore2"), ("httpx2", "httpcore2")),
    World("httpx2", ("httpx", "httpcore", "respx"), ("httpx", "httpcore", "respx")),
    World("both"),
)


@contextlib.contextmanager
def environment(world: World, folder: Path) -> Iterator[Path]:
    """Make an environment in a folder, and give its interpreter; it is gone after the block."""
    place = folder / world.name
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    theirs = Path(_printed(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    without = left_out(world)
    files = {file for name in without for file in _files_of(name)}
    for file in _packages():
        if file not in files:
            target = theirs / file.relative_to(PACKAGES)
            target.parent.mkdir(parents=True, exist_ok=True)
            _linked(file, target)
    for name in world.modules:
        found = _printed(python, f"import importlib.util; print(importlib.util.find_spec({name!r}))")
        if found != "None":
            raise SystemExit(f"{world.name}: {name} can be imported there: {found}")
    try:
        yield python
    finally:
        shutil.rmtree(place)


def left_out(world: World) -> list[str]:
    """Return the packages that an environment lacks: what it is to be without, and all that needs it."""
    needs = {_folded(each.name): _needs(each) for each in metadata.distributions()}
    missing = {*world.leaves_out} & needs.keys()
    while True:
        more = {name for name, wanted in needs.items() if wanted & missing} - missing - {OURS}
        if not more:
            return sorted(missing)
        missing |= more


def _needs(distribution: metadata.Distribution) -> set[str]:
    """Return the packages that one cannot do without: not those of its extras."""
    lines = [line for line in distribution.requires or [] if "extra ==" not in line]
    return {_folded(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0]) for line in lines}


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _files_of(name: str) -> set[Path]:
    return {Path(str(file.locate())).resolve() for file in metadata.distribution(name).files or ()}


def _packages() -> Iterator[Path]:
    for folder, names, files in os.walk(PACKAGES):
        names[:] = [name for name in names if name != "__pycache__"]
        yield from (Path(folder, file) for file in files)


def _linked(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def _printed(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd="/").stdout.strip()


def version_of(python: Path, name: str) -> str:
    """Return the version of a package in an environment; empty if it is not there."""
    code = f"from importlib.metadata import distributions; print(*(d.version for d in distributions(name={name!r})))"
    return _printed(python, code)

"""Where a project's profiles are, and which of them is the nearest.

They are looked for in one walk, which goes into no folder that nobody keeps profiles in.

Standard library only: a run that uses no profile pays for nothing else.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIX: Final = ".apiauth.toml"
NEVER_ENTERED: Final = frozenset({"site-packages", "node_modules", "build", "dist", "__pycache__"})
"""Folders of installed, copied and generated files; hidden folders and virtual environments are left out too."""
DEEPEST_EXTENDS: Final = 20
"""Profiles that one may be made of, one upon the other."""
ROOT_FILES: Final = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "setup.py")
"""What lies in a project's root folder: the files by which pytest tells it, too."""
FIRST: Final = 10_000
"""Letters of a file that are looked at, where it may be a profile by another name."""
ENVIRONMENT: Final = "pyvenv.cfg"
"""The file that makes a folder a virtual environment (PEP 405)."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Folders that a run is told to leave out.

    ``patterns`` are those of pytest's ``norecursedirs``: one with a separator is for the whole path, any other for the
    folder's name. ``paths`` and ``globs`` are those of ``--ignore`` and ``--ignore-glob``, absolute.
    """

    patterns: tuple[str, ...] = ()
    paths: frozenset[str] = frozenset()
    globs: tuple[str, ...] = ()

    def names(self, folder: str) -> bool:
        """Whether a folder, by its absolute path, is one of them."""
        if folder in self.paths or any(fnmatch.fnmatch(folder, glob) for glob in self.globs):
            return True
        return any(_matches(folder, pattern) for pattern in self.patterns)


def _matches(folder: str, pattern: str) -> bool:
    if os.sep not in pattern:
        return fnmatch.fnmatch(os.path.basename(folder), pattern)
    return fnmatch.fnmatch(folder, pattern if os.path.isabs(pattern) else f"*{os.sep}{pattern}")


NOTHING: Final = Ignored()


def profiles_under(root: Path, ignored: Ignored = NOTHING) -> tuple[Path, ...]:
    """Return the profile files of a project, sorted, without entering a folder that holds none of its own."""
    return tuple(sorted(file for file in _files_under(root, ignored) if file.name.endswith(SUFFIX)))


def misnamed_under(root: Path, ignored: Ignored = NOTHING) -> tuple[Path, ...]:
    """Return files that read like profiles and are not called so, for those who find no profile."""
    files = (file for file in _files_under(root, ignored) if file.suffix == ".toml" and not file.name.endswith(SUFFIX))
    return tuple(sorted(file for file in files if _has_schema(file)))


def _has_schema(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8") as text:
            return re.search(r"^schema\s*=\s*\d", text.read(FIRST), re.MULTILINE) is not None
    except (OSError, ValueError):
        return False


def _files_under(root: Path, ignored: Ignored) -> Iterator[Path]:
    for folder, inner, files in os.walk(os.path.abspath(root)):
        # What os.walk is left with here is what it goes into.
        inner[:] = _entered(folder, inner, ignored)
        yield from (Path(folder, name) for name in files if name.endswith(".toml"))


def _entered(folder: str, names: Iterable[str], ignored: Ignored) -> list[str]:
    own = (name for name in names if not name.startswith(".") and name not in NEVER_ENTERED)
    paths = ((name, os.path.join(folder, name)) for name in own)
    return [
        name for name, path in paths if not ignored.names(path) and not os.path.lexists(os.path.join(path, ENVIRONMENT))
    ]


def profiles_around(places: Iterable[Path], root: Path, ignored: Ignored = NOTHING) -> tuple[Path, ...]:
    """Return the profile files below some folders, and in those between them and a root that is not walked itself."""
    found: set[Path] = set()
    for place in places:
        found.update(profiles_under(place, ignored))
        for folder in place.parents:
            if folder.is_relative_to(root):
                found.update(file for file in folder.glob(f"*{SUFFIX}") if file.is_file())
    return tuple(sorted(found))


def nearest(files: Collection[Path], place: Path) -> tuple[Path, ...]:
    """Return the files that are nearest to a folder; several if they are equally near.

    Nearer is what shares the deeper folder with it, then what lies fewer steps below that folder.
    """
    ways = {file: _way(file, place) for file in files}
    return tuple(file for file in files if ways[file] == min(ways.values()))


def _way(file: Path, place: Path) -> tuple[int, int]:
    shared = 0
    for one, other in zip(file.parent.parts, place.parts, strict=False):
        if one != other:
            break
        shared += 1
    return -shared, len(file.parent.parts) - shared


def in_folders_above(files: Collection[Path], place: Path) -> tuple[Path, ...]:
    """Return the files in the first folder that holds any, going up from a folder."""
    for folder in (place, *place.parents):
        here = tuple(file for file in files if file.parent == folder)
        if here:
            return here
    return ()


def is_root(folder: Path) -> bool:
    """Whether a folder has a file that makes it the root of a project."""
    return any((folder / name).is_file() for name in ROOT_FILES)


def root_above(place: Path) -> Path:
    """Return the root of the project that a folder lies in, which is the folder itself if nothing tells."""
    folders = (place, *place.parents)
    return next((each for each in folders if is_root(each)), place)

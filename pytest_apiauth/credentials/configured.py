"""The values that a project's profiles name, learnt before anything of the run is shown.

Which variables hold secrets is read from the files themselves, without the validation library: a run that uses no
profile pays for a walk and a few small files. Standard library only, python-dotenv aside, if there is an ``.env``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_apiauth.bounded import read_bounded
from pytest_apiauth.profile.finding import SUFFIX

PUBLIC: Final = frozenset({"client_id", "username", "redirect_uri", "key_id", "public_key"})
"""Names of what may be seen, and so may all URLs."""
CREDENTIALS: Final = "credentials"
LARGEST: Final = 1_000_000
"""Bytes of a profile's file."""
Learn = Callable[[str, str], None]
"""Takes a value and its label."""


class Configured:
    """Knows which variables hold secrets, and tells their values whenever they have changed."""

    def __init__(self, root: Path, learn: Learn) -> None:
        self._root = root
        self._learn = learn
        self._seen: set[Path] = set()
        self._labels: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def add(self, path: Path) -> None:
        """Learn what a profile names, and what it extends."""
        new = {}
        for label, name in _references(path, path.name.removesuffix(SUFFIX), self._seen):
            if name not in self._labels:
                new[name] = self._labels[name] = label
        if not new:
            return
        self.look()
        values = _dotenv(self._root / ".env")
        for name, label in new.items():
            value = values.get(name)
            if value:
                self._learn(value, label)

    def add_named(self, name: str, folder: Path) -> None:
        """Learn what a profile names that is chosen by name or path; those of the project need no choice."""
        self.add(_base(folder / "-", name))

    def look(self) -> None:
        """Tell the values that the environment has now: a test, or a fixture, may set them at any time."""
        # Asked before each report: what is set is less than what a hundred profiles name.
        changed = {}
        for name in self._labels.keys() & os.environ.keys():
            value = os.environ.get(name)
            if value and self._told.get(name) != value:
                changed[name] = value
        # In the order of the files, as of two variables with one value the first one's label is shown.
        for name, label in self._labels.items() if changed else ():
            if name in changed:
                self._told[name] = changed[name]
                self._learn(changed[name], label)


def _references(path: Path, profile: str, seen: set[Path]) -> Iterator[tuple[str, str]]:
    """Yield label and variable of each secret. A file that cannot be read is for those who use it to complain about."""
    import tomllib

    while (path := Path(os.path.abspath(path))) not in seen:
        seen.add(path)
        try:
            table = tomllib.loads(read_bounded(path, LARGEST).decode())
        except (OSError, ValueError, RecursionError):
            return
        for place, name in _variables(table, ()):
            if place[-1] not in PUBLIC and not place[-1].endswith("_url"):
                yield f"{profile}.{'.'.join(place)}", name
        base = table.get("extends")
        if not isinstance(base, str):
            return
        path = _base(path, base)


def _variables(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("env"), str):
            yield (*above, key), value["env"]
        else:
            yield from _variables(value, (*above, key))


def _base(path: Path, name: str) -> Path:
    from pytest_apiauth import bundled

    builtin = bundled.folder() / f"{Path(name).name}{SUFFIX}"
    # Unlike those of pathlib, it says no to a name that no file can have.
    is_builtin = name == Path(name).name and os.path.isfile(builtin)
    return builtin if is_builtin and builtin != path else path.parent / name


def _dotenv(file: Path) -> Mapping[str, str | None]:
    if not os.path.isfile(file):
        return {}
    from pytest_apiauth.credentials.dotenv import values_of

    try:
        return values_of(file)
    except (OSError, ValueError):
        return {}

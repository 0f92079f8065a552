"""Which profile a test uses: by the mark, the option, a conftest, the ini, or the folders around it.

Standard library and pytest only at import, as in `run`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.plugin.options import Options
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.finding import (
    SUFFIX,
    Ignored,
    in_folders_above,
    is_root,
    misnamed_under,
    profiles_around,
    profiles_under,
)

VARIABLE: Final = "apiauth_profile"
"""What a conftest.py calls the profile of its folder; the ini key is called the same."""


class Choice:
    """The profiles of a run's project, looked for on first use and once."""

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._root = config.rootpath
        self._here = config.invocation_params.dir
        self._files: tuple[Path, ...] | None = None
        self._seen = 0
        self._said: dict[Path, object] = {}
        self._defaults: dict[Path, Path] = {}

    def files(self) -> tuple[Path, ...]:
        """Return every profile file under the root folder, as far as the run is not told to leave it out.

        Where nothing makes that folder a project's root and nobody stands in it, it is only what the paths that were
        given have in common, a home folder say: then what lies around these paths counts, and the rest is not walked.
        """
        if self._files is None:
            if self._is_project():
                self._files = profiles_under(self._root, self._ignored())
            else:
                self._files = profiles_around(self._named_folders(), self._root, self._ignored())
        return self._files

    def _is_project(self) -> bool:
        return self._config.inipath is not None or self._root == self._here or is_root(self._root)

    @cached_property
    def _misnamed(self) -> str:
        """What to say of files that seem to be meant as profiles."""
        files = misnamed_under(self._root, self._ignored()) if self._is_project() else ()
        if not files:
            return ""
        shown = os.path.relpath(files[0], self._root)
        name = "NAME" if files[0].name == SUFFIX.removeprefix(".") else files[0].stem
        return f" ({one_line(shown)} reads like one: call it {one_line(name)}{SUFFIX})"

    def _named_folders(self) -> Iterator[Path]:
        """Return the folders of the paths that the run was given."""
        for argument in self._config.args:
            path = Path(os.path.abspath(self._here / argument.partition("::")[0]))
            yield path if path.is_dir() else path.parent

    def _ignored(self) -> Ignored:
        paths, globs = (
            [os.path.abspath(self._here / each) for each in given or ()]
            for given in (self._config.getoption("ignore"), self._config.getoption("ignore_glob"))
        )
        return Ignored(tuple(self._config.getini("norecursedirs")), frozenset(paths), tuple(globs))

    def named(self, name: str, place: Path | None = None) -> Path:
        """Return the file that a name or path means to a test in the folder ``place``, or to the user.

        Raises ProfileError.
        """
        near = place or self._here
        return self._find(name, near, (near, self._root))

    def default(self, place: Path | None = None) -> Path:
        """Return the file for a test in the folder ``place`` that names none. Raises ProfileError, in one line.

        Without option, conftest and ini, it is the only one of the nearest folder above that has any, or the project's
        only one.
        """
        folder = place or self._root
        # First of all, since a conftest that has come since may say something else.
        choices = self.in_conftests()
        if folder not in self._defaults:
            self._defaults[folder] = self._default(folder, choices)
        return self._defaults[folder]

    def _default(self, place: Path, choices: Mapping[Path, object]) -> Path:
        from pytest_apiauth.profile import loading

        if self._options.profile:
            return self.named(self._options.profile)
        choice = self._in_conftest(place, choices)
        if choice is not None:
            folder, name = choice
            return self._find(name, folder, (folder, self._root))
        name = self._options.usual_profile
        if name:
            # A path in a file starts where the file lies, and not where somebody stands.
            ini = self._config.inipath.parent if self._config.inipath else self._root
            return self._find(name, self._here, (ini, self._root))
        found = in_folders_above(self.files(), place) or self.files()
        if len(found) == 1:
            return found[0]
        if not found:
            builtin = ", ".join(loading.builtin_profiles())
            raise ProfileError(
                f"no profile chosen and none under {self._root}{self._misnamed}; write NAME{SUFFIX}, in no hidden"
                f" folder, or name a built-in one ({builtin}) with --apiauth-profile, apiauth_profile in the ini, or"
                " @pytest.mark.apiauth"
            )
        raise ProfileError(
            f"several profiles and none chosen: {loading.listed(found, self._root)}; choose with --apiauth-profile,"
            " apiauth_profile in the ini or a folder's conftest.py, or @pytest.mark.apiauth"
        )

    def in_conftests(self) -> dict[Path, object]:
        """Return what the conftest files that pytest has loaded say, by their folders.

        A fixture of that name, which a project may have to change the profile, is no name of one.
        """
        plugins = self._config.pluginmanager.get_plugins()
        if len(plugins) != self._seen:
            # Every test asks, and pytest loads conftest files as it comes upon them; none ever goes.
            self._seen, self._said = len(plugins), self._read(plugins)
            self._defaults.clear()
        return self._said

    @staticmethod
    def _read(plugins: Iterable[object]) -> dict[Path, object]:
        found: dict[Path, object] = {}
        for plugin in plugins:
            file, said = getattr(plugin, "__file__", None), getattr(plugin, VARIABLE, None)
            if said is not None and not callable(said) and file and Path(file).name == "conftest.py":
                found[Path(os.path.abspath(file)).parent] = said
        return found

    def _in_conftest(self, place: Path, choices: Mapping[Path, object]) -> tuple[Path, str] | None:
        """Return what the nearest conftest above a folder chooses, and the folder that it lies in."""
        for folder in (place, *place.parents) if choices else ():
            said = choices.get(folder)
            if isinstance(said, str | os.PathLike):
                return folder, os.fspath(said)
            if said is not None:
                raise ProfileError(
                    f"{os.path.relpath(folder / 'conftest.py', self._root)}: {VARIABLE}: expected the name or path of a"
                    f" profile, got {type(said).__name__}"
                )
        return None

    def _find(self, name: str, place: Path, bases: tuple[Path, ...]) -> Path:
        from pytest_apiauth.profile import loading

        return loading.find(name, folder=self._root, place=place, bases=bases, files=self.files)

"""The walk that looks for a project's profiles: which folders it enters, by count."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from pytest_apiauth.profile.finding import Ignored, profiles_under


@pytest.fixture
def entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the folders that are listed, by their path below the project."""
    found: Counter[str] = Counter()
    scandir = os.scandir

    def counting(path: str) -> object:
        found[os.path.relpath(path, tmp_path)] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    return found


def write(root: Path, *names: str) -> None:
    """Write empty files, with their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found_in(root: Path, ignored: Ignored | None = None) -> list[str]:
    """Give what the walk finds, by its path below the project."""
    files = profiles_under(root) if ignored is None else profiles_under(root, ignored)
    return [path.relative_to(root).as_posix() for path in files]


NOBODYS = ("node_modules", "site-packages", "build", "dist", ".git", ".hidden", "__pycache__")


@pytest.mark.parametrize("name", NOBODYS)
@pytest.mark.parametrize("above", ["", "deep/er/"])
def test_folder_of_other_peoples_files_is_not_entered(
    tmp_path: Path, entered: Counter[str], name: str, above: str
) -> None:
    """What is installed, generated or hidden is not even listed, however deep it lies."""
    write(tmp_path, "shop.apiauth.toml", f"{above}tests/more.apiauth.toml", f"{above}{name}/sub/no.apiauth.toml")

    assert found_in(tmp_path) == sorted(["shop.apiauth.toml", f"{above}tests/more.apiauth.toml"])
    assert f"{above}tests" in entered
    assert not [folder for folder in entered if name in folder.split("/")]


def test_virtual_environment_is_not_entered(tmp_path: Path, entered: Counter[str]) -> None:
    """A folder with pyvenv.cfg is a virtual environment, whatever its name."""
    write(tmp_path, "env-of-mine/pyvenv.cfg", "env-of-mine/share/no.apiauth.toml", "tests/shop.apiauth.toml")

    assert found_in(tmp_path) == ["tests/shop.apiauth.toml"]
    assert set(entered) == {".", "tests"}


def test_project_inside_of_such_a_folder_is_walked(tmp_path: Path) -> None:
    """What lies above the project decides nothing, nor does an environment that is the project's own folder."""
    root = tmp_path / "build" / ".work"
    write(root, "pyvenv.cfg", "tests/shop.apiauth.toml")

    assert found_in(root, Ignored(patterns=(".*", "build"))) == ["tests/shop.apiauth.toml"]


IGNORED = {
    "a name": Ignored(patterns=("leg*",)),
    "a path in norecursedirs": Ignored(patterns=("old/legacy",)),
    "--ignore": Ignored(paths=frozenset({"ROOT/old/legacy"})),
    "--ignore-glob": Ignored(globs=("ROOT/*/leg*",)),
}


@pytest.mark.parametrize("way", IGNORED)
def test_ignored_folder_is_not_entered(tmp_path: Path, entered: Counter[str], way: str) -> None:
    """What a run is told to leave out is left out, and what lies beside it is not."""
    given = IGNORED[way]
    ignored = Ignored(
        given.patterns,
        frozenset(path.replace("ROOT", str(tmp_path)) for path in given.paths),
        tuple(glob.replace("ROOT", str(tmp_path)) for glob in given.globs),
    )
    write(tmp_path, "old/legacy/deep/no.apiauth.toml", "old/other/shop.apiauth.toml")

    assert found_in(tmp_path, ignored) == ["old/other/shop.apiauth.toml"]
    assert set(entered) == {".", "old", "old/other"}


def test_each_folder_is_entered_once(tmp_path: Path, entered: Counter[str]) -> None:
    """A walk lists each folder once."""
    write(tmp_path, "a/b/one.apiauth.toml", "a/c/other.apiauth.toml")

    found_in(tmp_path)

    assert entered == {".": 1, "a": 1, "a/b": 1, "a/c": 1}

"""Folders for a moment are gone when their block ends, or when somebody finds them without an owner."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from pytest_apiauth import scratch
from pytest_apiauth.scratch import scratch_folder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have temporary files in a place of one's own, that nobody has swept yet."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch._sweep.cache_clear()
    return tmp_path


def test_a_folder_is_gone_with_its_block(place: Path) -> None:
    """It is this user's alone, empty at first, and gone with all that is in it."""
    with scratch_folder() as folder:
        assert (folder.parent, stat.S_IMODE(folder.stat().st_mode), list(folder.glob("*.pem"))) == (place, 0o700, [])
        (folder / "key.pem").write_text("key")

    assert os.listdir(place) == []


def test_what_a_killed_process_has_left_is_removed(place: Path) -> None:
    """The next process removes folders whose lock nobody holds; that of another program, which has none, stays."""
    left, empty, another = place / "apiauth-left", place / "apiauth-empty", place / "apiauth-another"
    for folder in (left, empty, another):
        folder.mkdir()
    (left / ".owner").touch()
    (left / "token").write_text("text")
    (another / "file").touch()
    (place / "apiauth-link").symlink_to(another)

    with scratch_folder() as folder:
        assert set(os.listdir(place)) == {folder.name, "apiauth-another", "apiauth-link"}


def test_the_folder_of_a_process_that_lives_stays(place: Path) -> None:
    """Whoever comes later does not take away what somebody is using."""
    with scratch_folder() as folder:
        scratch._sweep.cache_clear()
        with scratch_folder():
            assert folder.is_dir()


def test_who_is_swept_before_having_a_lock_makes_another(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a folder and its lock there is a moment in which it has no owner to see."""
    make, made = tempfile.mkdtemp, list[str]()

    def swept(prefix: str) -> str:
        made.append(make(prefix=prefix))
        if len(made) == 1:
            os.rmdir(made[0])
        return made[-1]

    monkeypatch.setattr("tempfile.mkdtemp", swept)

    with scratch_folder() as folder:
        assert (str(folder), len(made)) == (made[1], 2)

"""What is written is there whole, or the file is as it was before."""

from __future__ import annotations

import ast
import os
import stat
import threading
from pathlib import Path

import pytest

from pytest_apiauth.whole import PRIVATE, room_for, write_whole

from .test_architecture import ROOT, tree_of

PACKAGE = ROOT / "pytest_apiauth"
WRITERS = {"whole.py", "embedded/authority.py", "credentials/certificates.py"}
"""Who makes files by itself: the others make some for OpenSSL, which are gone a moment later."""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """The new text stands in the old one's place, with the old one's mode, and nothing is left beside it."""
    file = tmp_path / "report.json"
    file.write_text("old")
    file.chmod(0o640)

    write_whole(file, "new")

    assert (file.read_text(), mode_of(file), os.listdir(tmp_path)) == ("new", 0o640, ["report.json"])


def test_folders_are_made(tmp_path: Path) -> None:
    """A private file lies in a folder that nobody else may enter; another one is as any new file."""
    old = os.umask(0o022)
    try:
        write_whole(tmp_path / "kept" / "token", "text", mode=PRIVATE)
        write_whole(tmp_path / "build" / "report", "text")
    finally:
        os.umask(old)

    assert (mode_of(tmp_path / "kept"), mode_of(tmp_path / "kept" / "token")) == (0o700, 0o600)
    assert (mode_of(tmp_path / "build"), mode_of(tmp_path / "build" / "report")) == (0o755, 0o644)


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_what_fails_changes_nothing(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full at any moment, or a run that is stopped, leaves the old text and nothing beside it."""
    file = tmp_path / "cassette.yaml"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "write":
        with monkeypatch.context() as patch:
            patch.setattr("pytest_apiauth.whole._Fresh.fill", fail)
            with pytest.raises(OSError, match="No space left"):
                write_whole(file, "new")
    else:
        with monkeypatch.context() as patch:
            patch.setattr(os, failing, fail)
            with pytest.raises(OSError, match="No space left"):
                write_whole(file, "new")

    assert (file.read_text(), os.listdir(tmp_path)) == ("old", ["cassette.yaml"])


def test_what_a_killed_writer_has_left_is_swept(tmp_path: Path) -> None:
    """The next writer in a folder removes the new files that have no owner, whatever they were for, and no others."""
    left, another = tmp_path / ".cassette.yaml.0a1b2c3d.new", tmp_path / ".notes.new"
    left.touch(mode=0o400)
    another.touch()
    (tmp_path / ".link.0a1b2c3d.new").symlink_to(another)

    write_whole(tmp_path / "report.json", "text")

    assert sorted(os.listdir(tmp_path)) == [".link.0a1b2c3d.new", ".notes.new", "report.json"]


def test_what_somebody_is_writing_is_not_swept(tmp_path: Path) -> None:
    """Two writers of one file at once both come to an end, and the last one's text stands."""
    with room_for(tmp_path / "report.json", 10) as put:
        write_whole(tmp_path / "report.json", "first")
        put("second")

    assert ((tmp_path / "report.json").read_text(), os.listdir(tmp_path)) == ("second", ["report.json"])


def test_there_is_room_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where room was made a text needs no more of it; nothing is left of room that was not needed."""
    with room_for(tmp_path / "token", 4096):
        (beside,) = tmp_path.iterdir()
        assert beside.stat().st_size == 4096

    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")
def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the block for which room is made does not run."""
    full = os.open("/dev/full", os.O_WRONLY)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *_: full)
        with pytest.raises(OSError, match="No space left"), room_for(tmp_path / "token", 4096):
            raise AssertionError("the block has begun")


def test_a_file_that_is_not_to_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without the right to write stays, although its folder would take another of its name."""
    file = tmp_path / "report.json"
    file.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever is root may write to any file

    with pytest.raises(PermissionError):
        write_whole(file, "new")

    assert file.read_text() == "old"


def test_a_new_file_is_new(tmp_path: Path) -> None:
    """A file that is said to be new does not take another's place."""
    file = tmp_path / "shop.apiauth.toml"
    write_whole(file, "mine", is_new=True)

    with pytest.raises(FileExistsError):
        write_whole(file, "other", is_new=True)

    assert file.read_text() == "mine"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What a link leads to is replaced, the link is not."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)

    write_whole(link, "new")

    assert (link.is_symlink(), target.read_text()) == (True, "new")


def test_a_pipe(tmp_path: Path) -> None:
    """What is no file gets the text as it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()

    write_whole(pipe, "text")
    reader.join()

    assert read == ["text"]


def test_it_is_the_only_way_to_a_file() -> None:
    """Nothing in the package writes to a file in another way."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and _writes(node)
    }
    assert found == WRITERS


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("write_text", "write_bytes", "mkstemp", "NamedTemporaryFile"):
        return True
    modes = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    return name == "open" and any(isinstance(mode, str) and set(mode) & set("wax+") and len(mode) < 4 for mode in modes)

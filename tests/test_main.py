"""The commands' own manners: where their output goes, and when it goes nowhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import pytest_apiauth
from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import VARIANTS
from pytest_apiauth.profile import loading
from tests.plugin.own_projects import write_own
from tests.plugin.test_own_faults import PROVED


def test_reader_that_leaves() -> None:
    """``rules | head -1`` is no error that anybody has to read about."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "pytest_apiauth", "rules"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package, to the command and to Python alike."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pytest-apiauth {metadata.version('pytest-apiauth')}\n"
    assert pytest_apiauth.__version__ == metadata.version("pytest-apiauth")


def test_exported_names_are_listed() -> None:
    """What there is to import an interpreter lists, and all of it can be."""
    assert {*pytest_apiauth.__all__, "__version__"} <= set(dir(pytest_apiauth))
    assert not [name for name in pytest_apiauth.__all__ if getattr(pytest_apiauth, name) is None]


def test_terminal_without_the_letter() -> None:
    """A terminal that cannot show a letter is shown its number."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest_apiauth", "init", "caf\u00e9.json"],
        capture_output=True,
        check=False,
        env=environment,
    )

    assert (done.returncode, done.stderr) == (2, b"caf\\xe9.json: cannot be read: No such file or directory\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full")
def test_full_disk_behind_standard_output_is_one_line() -> None:
    """What cannot be printed ends the command with a line that says why, and no traceback."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_apiauth", "profile", "dastra"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (2, b"profile: No space left on device\n")


def test_without_a_folder_for_temporary_files_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that needs one says which is not there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))

    assert main(["record", "jindexe", "--folder", str(tmp_path / "cassettes")]) == 2

    told = capsys.readouterr().err
    assert told.startswith(f"record: {tmp_path / 'gone'}")
    assert told.endswith(": No such file or directory\n")


@pytest.mark.parametrize("taken", ["jindexe", "README.md"])
def test_recorded_into_a_place_that_takes_no_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: str
) -> None:
    """A file in place of the folder, or a folder in place of the page: the line names it."""
    if taken == "README.md":
        (tmp_path / taken).mkdir()
    else:
        (tmp_path / taken).write_text("", encoding="utf-8")

    assert main(["record", "jindexe", "--folder", str(tmp_path)]) == 2

    out, told = capsys.readouterr()
    assert "not written: " in told
    assert told.startswith(str(tmp_path / taken))
    assert told.count("\n") == 1
    assert ("recorded" in out) == (taken == "README.md")


def test_profiles_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``profile dastra`` prints the built-in file as it is; an unknown name is one line that names those there are."""
    assert main(["profile", "dastra"]) == 0
    assert capsys.readouterr().out == loading.builtin_profiles()["dastra"].read_text(encoding="utf-8")
    assert main(["profile", "dastar"]) == 2
    assert "did you mean 'dastra'?" in capsys.readouterr().err


def test_variants_and_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, name and sentence; a word picks those that have it; a word that none has is one line."""
    assert main(["variants"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(VARIANTS)
    assert re.fullmatch(
        r"token-type-lower-case +token_type is spelt bearer, .+", next(line for line in lines if "-lower" in line)
    )
    assert main(["faults", "TOKEN_TYPE"]) == 0
    assert "token-type-missing" in capsys.readouterr().out
    assert main(["variants", "token type"]) == 2
    assert capsys.readouterr().err == "no variant has 'token type' in its name or its sentence\n"


def test_own_faults_are_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a profile's own rules too, with ``--profile``."""
    monkeypatch.chdir(tmp_path)
    write_own(PROVED)

    assert main(["faults", "--profile", "shop", "in what"]) == 0
    assert capsys.readouterr().out == "shop_rules.says_nothing  Answers without saying in what.\n"

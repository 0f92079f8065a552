"""The commands' own manners: where their output goes, and when it goes nowhere."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.profile import loading


def test_reader_that_leaves() -> None:
    """``rules | head -1`` is no error that anybody has to read about."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "pytest_apiauth", "rules"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


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


def test_profiles_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``profile dastra`` prints the built-in file as it is; an unknown name is one line that names those there are."""
    assert main(["profile", "dastra"]) == 0
    assert capsys.readouterr().out == loading.builtin_profiles()["dastra"].read_text(encoding="utf-8")
    assert main(["profile", "dastar"]) == 2
    assert "did you mean 'dastra'?" in capsys.readouterr().err

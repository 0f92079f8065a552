"""The commands' own manners: where their output goes, and when it goes nowhere."""

from __future__ import annotations

import os
import subprocess
import sys


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

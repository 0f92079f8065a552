"""Files of other people are read within bounds of size and time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pytest_apiauth.bounded import read_bounded


def test_a_file(tmp_path: Path) -> None:
    """A file up to the bound is read, one byte more is too much."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3_000_000)

    assert read_bounded(file, 3_000_000) == b"x" * 3_000_000
    with pytest.raises(OSError, match="larger than 2999 kB"):
        read_bounded(file, 2_999_999)


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    """What is no file is said as the system says it."""
    with pytest.raises(IsADirectoryError):
        read_bounded(tmp_path, 1)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "none", 1)


def test_a_stream_without_end() -> None:
    """A device that never ends is read up to the bound."""
    with pytest.raises(OSError, match="larger than 1000 kB"):
        read_bounded(Path("/dev/zero"), 1_000_000)


def test_a_pipe(tmp_path: Path) -> None:
    """A pipe is read to its end, however it is cut; one that nobody writes to is not waited for longer than told."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"not complete after 0\.01 seconds"):
        read_bounded(pipe, 10, patience=0.01)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for _ in range(100):
                file.write(b"x" * 1000)

    writer = threading.Thread(target=write)
    writer.start()
    read = read_bounded(pipe, 100_000, patience=30)
    writer.join()

    assert read == b"x" * 100_000

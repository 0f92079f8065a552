"""Folders for what a run needs for a moment: a key that OpenSSL reads from a file, what workers share.

Theory of operation. Such a folder lies where temporary files do, is entered by this user only and is gone when its
block ends. A process that is killed cannot see to that, so its folder is removed by the next one that makes any: the
owner holds the lock of a file in it, and a lock dies with its owner. Between a folder and its lock there is a moment
in which it looks like one without an owner; whoever loses it there makes another.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows, where folders of killed processes stay
    fcntl = None  # type: ignore[assignment]

_PREFIX: Final = "apiauth-"
_OWNER: Final = ".owner"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Have an empty folder while the block runs, which nobody else may enter.

    >>> with scratch_folder() as folder:
    ...     (folder / "key.pem").touch()
    >>> folder.exists()
    False
    """
    _sweep(tempfile.gettempdir())
    with contextlib.ExitStack() as opened:
        folder, number = _owned()
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        if number is not None:
            opened.callback(os.close, number)
        yield folder


def _owned() -> tuple[Path, int | None]:
    """Make a folder and take its lock, if files have locks here."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if fcntl is None:
            return folder, None
        with contextlib.suppress(FileNotFoundError):
            number = os.open(folder / _OWNER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(number)  # it is being swept
                continue
            except OSError:
                return folder, number  # no locks here, so nobody sweeps
            if os.fstat(number).st_nlink:
                return folder, number
            os.close(number)


@cache
def _sweep(place: str) -> None:
    """Remove the folders of processes that were killed, once a run."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                is_own = entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False)
                if is_own and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    _remove_if_left(Path(entry.path))


def _remove_if_left(folder: Path) -> None:
    assert fcntl is not None
    try:
        number = os.open(folder / _OWNER, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        folder.rmdir()  # killed before it had a lock; one with something in it is another program's
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(number)

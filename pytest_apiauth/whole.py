"""Files that are written whole or not at all: the only way in which this package writes to one that somebody keeps.

Theory of operation. The text goes into a new file beside the old one, down to the disk, and then takes the old one's
name in a single step. Whoever is killed in between leaves the old file as it was, and whoever reads meanwhile reads
one of the two. What is no regular file, a pipe or ``/dev/stdout``, has no place beside it and is written as it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
"""The mode of a file that nobody but its owner may read."""
_BEGINNING: Final = 100
"""How many letters of a name begin the name of the file beside it: a name has 255 bytes at most."""


def write_whole(path: Path, text: str | bytes, *, mode: int | None = None, is_new: bool = False) -> None:
    """Put a text, in UTF-8, into the place of what a file holds, or make the file. Folders are made as needed.

    ``mode`` are the permissions of the file; by default those that it has, or those of any new file. A link stays a
    link: what it leads to is replaced. Raises OSError, its reason in ``strerror``, and then nothing has changed:
    FileExistsError if there is a file already and it is said to be a new one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "report" / "all.txt", "42 rules")
    ...     (Path(folder) / "report" / "all.txt").read_text()
    '42 rules'
    """
    content = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o777 if mode is None else 0o700)
    place = Path(os.path.realpath(path))
    found = _status(place)
    if found is not None and is_new:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if found is not None and not stat.S_ISREG(found.st_mode):
        place.write_bytes(content)
        return
    if found is not None and not os.access(place, os.W_OK):
        # A rename asks the folder alone; a file that is not to be written to stays as it is.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    kept = stat.S_IMODE(found.st_mode) if mode is None and found is not None else mode
    fresh = place.with_name(f".{place.name[:_BEGINNING]}.{os.urandom(4).hex()}.new")
    try:
        _fill(fresh, content, kept)
        os.replace(fresh, place)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def _fill(fresh: Path, content: bytes, mode: int | None) -> None:
    """Make a new file, and have it on the disk before anybody relies on it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(fresh, flags, 0o666 if mode is None else mode), "wb") as file:
        if mode is not None:
            # The mode of a new file is less what the umask takes away.
            os.chmod(fresh, mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _status(place: Path) -> os.stat_result | None:
    try:
        return place.stat()
    except FileNotFoundError:
        return None

"""Files that are written whole or not at all: the only way in which this package writes to one that somebody keeps.

Theory of operation. The text goes into a new file beside the old one, down to the disk, and then takes the old one's
name in a single step. Whoever is killed in between leaves the old file as it was, and whoever reads meanwhile reads
one of the two. What is no regular file, a pipe or ``/dev/stdout``, has no place beside it and is written as it is.

Who is killed in between leaves the new file too, under a name that nobody reads. It is removed by whoever writes next
to any file of that folder. That it has no owner is told by its lock: the writer holds one from the file's beginning
to its end, and a lock dies with its owner, in whatever container that ran. Where files have no locks they stay.

What must not fail once its moment has come has `room_for` it made beforehand.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PRIVATE: Final = 0o600
"""The mode of a file that nobody but its owner may read."""
_BEGINNING: Final = 100
"""How many letters of a name begin the name of the file beside it: a name has 255 bytes at most."""
_BESIDE: Final = re.compile(r"\..+\.[0-9a-f]{8}\.new", re.DOTALL)
"""The names of files beside others."""


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
    with room_for(path, 0, mode=mode, is_new=is_new) as put:
        put(text)


@contextlib.contextmanager
def room_for(
    path: Path, size: int, *, mode: int | None = None, is_new: bool = False
) -> Iterator[Callable[[str | bytes], None]]:
    """Have room on the disk for a text of so many bytes, and put it in place when it is there, or never.

    For what comes once and is lost if it cannot be written. Raises OSError as `write_whole` does, before the block
    begins if the folder takes no file, or the disk is full.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, room_for(Path(folder) / "token", 1000) as put:
    ...     put("what the server answered")
    ...     (Path(folder) / "token").read_text(), len(os.listdir(folder))
    ('what the server answered', 1)
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o777 if mode is None else 0o700)
    place = Path(os.path.realpath(path))
    found = _status(place)
    if found is not None and is_new:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if found is not None and not stat.S_ISREG(found.st_mode):
        yield lambda text: _written_as_it_is(place, text)
        return
    if found is not None and not os.access(place, os.W_OK):
        # A rename asks the folder alone; a file that is not to be written to stays as it is.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    kept = stat.S_IMODE(found.st_mode) if mode is None and found is not None else mode
    _sweep(place.parent)
    fresh = _Fresh(place, kept)
    try:
        if size:
            fresh.fill(bytes(size))
        yield fresh.put
    finally:
        fresh.close()


class _Fresh:
    """A new file beside another one, whose place it takes with what is put into it. Its owner holds its lock."""

    def __init__(self, place: Path, mode: int | None) -> None:
        self._place = place
        self._path, number = _beside(place, 0o666 if mode is None else mode)
        self._file = os.fdopen(number, "wb")
        self._is_in_place = False
        try:
            if mode is not None:
                # The mode of a new file is less what the umask takes away.
                os.chmod(self._path, mode)
        except BaseException:
            self.close()
            raise

    def put(self, text: str | bytes) -> None:
        """Write the text, have it on the disk before anybody relies on it, and take the place."""
        self.fill(_encoded(text))
        if fcntl is None:
            self._file.close()  # Windows renames no file that is open
        os.replace(self._path, self._place)
        self._is_in_place = True
        _flush_folder(self._place.parent)

    def fill(self, content: bytes) -> None:
        """Write a content in place of the one before, down to the disk."""
        self._file.seek(0)
        self._file.write(content)
        self._file.truncate()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """End the file, which is removed if it has not taken its place."""
        with contextlib.suppress(OSError):
            if not self._is_in_place:
                self._path.unlink()
        # What a full disk has not taken is still in the buffer, and is not wanted any more.
        with contextlib.suppress(OSError):
            self._file.close()


def _beside(place: Path, mode: int) -> tuple[Path, int]:
    """Make a file beside another one, and return it, open and locked."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = place.with_name(f".{place.name[:_BEGINNING]}.{os.urandom(4).hex()}.new")
        number = os.open(path, flags, mode)
        # Before it has its lock it has no owner, and somebody may have swept it.
        if not _is_somebody_elses(number) and os.fstat(number).st_nlink:
            return path, number
        os.close(number)


def _sweep(folder: Path) -> None:
    """Remove what writers have left in a folder that were killed."""
    if fcntl is None:
        return
    left: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left += (each.path for each in entries if _BESIDE.fullmatch(each.name) and each.is_file(follow_symlinks=False))
    for path in left:
        with contextlib.suppress(OSError):
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
            finally:
                os.close(number)


def _is_somebody_elses(number: int) -> bool:
    """Take the lock of a file, if files have some here; whether somebody else has it."""
    if fcntl is not None:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass  # a file system without locks, where nobody can sweep either
    return False


def _flush_folder(folder: Path) -> None:
    """Have a new name on the disk too, where folders can be flushed."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _written_as_it_is(place: Path, text: str | bytes) -> None:
    place.write_bytes(_encoded(text))


def _encoded(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def _status(place: Path) -> os.stat_result | None:
    try:
        return place.stat()
    except FileNotFoundError:
        return None

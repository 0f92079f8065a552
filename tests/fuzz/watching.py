"""What must hold of every case: nothing is run, fetched or written elsewhere, it comes to its end, and what is said is
fit for a terminal.

Theory of operation. Python tells an audit hook of everything that reaches the world: files, processes, sockets,
code. A hook cannot be taken away, so there is one, which looks while a case runs and at no other time. What it finds
is raised there, so that it is not done, and kept, so that no ``except`` hides it. Code is compiled and run when a
module is imported too: that is known by the machinery of imports among the callers.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

LONGEST_LINE: Final = 2000
SECONDS: Final = 10.0
"""Of the processor, for one case."""
ROOT: Final = Path(__file__).resolve().parents[2]
READABLE: Final = tuple(
    f"{os.path.realpath(place)}{os.sep}"
    for place in (ROOT, sys.prefix, sys.base_prefix, "/usr/lib", "/usr/share/zoneinfo", "/etc/ssl", "/proc/self")
)
DEVICES: Final = frozenset({os.devnull, "/dev/urandom", "/dev/random"})
WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES: Final = {
    "os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.link": 2, "os.symlink": 2, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.move": 2, "shutil.copyfile": 2,
}  # fmt: skip
"""Events that change files, and how many of their arguments are paths."""
FORBIDDEN: Final = frozenset(
    {
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn",
        "os.kill", "os.putenv", "os.unsetenv", "pickle.find_class", "webbrowser.open", "urllib.Request",
        "socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname",
        "http.client.connect",
    }
)  # fmt: skip
CODE: Final = frozenset({"exec", "compile", "code.__new__", "ctypes.dlopen", "socket.bind"})
"""Events that an import may have too: urllib3 looks for IPv6 when it is imported."""
TELLTALES: Final = frozenset({"antigravity", "this", "turtle"})
"""Modules that nothing here imports, and that seeds try to have imported."""


class Breach(BaseException):
    """Something that must never happen. No ``except Exception`` of the code under test takes it."""


@dataclass(slots=True)
class _Watch:
    folder: str
    reads_elsewhere: bool
    found: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.found.append(what)
        raise Breach(what)


_watch: _Watch | None = None
_is_hooked = False


@contextmanager
def watched(folder: Path, *, reads_elsewhere: bool = False, seconds: float | None = None) -> Iterator[None]:
    """Raise Breach if what runs in the block does what no file may make it do, or takes too long."""
    global _watch, _is_hooked
    if not _is_hooked:
        sys.addaudithook(_audit)
        _is_hooked = True
    watch = _Watch(os.path.realpath(folder), reads_elsewhere)
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS if seconds is None else seconds)
    _watch = watch
    try:
        yield
    finally:
        _watch = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if watch.found and not isinstance(sys.exc_info()[1], Breach):
            raise Breach(f"{watch.found[0]}, and nobody was told")


def check_said(text: str) -> None:
    """Raise Breach if a text that somebody is shown has a line that is too long, or what a terminal obeys."""
    for line in text.split("\n"):
        if len(line) > LONGEST_LINE:
            raise Breach(f"a line of {len(line)} letters: {line[:60]!r}…")
        odd = next((letter for letter in line if not letter.isprintable() and letter != "\t"), None)
        if odd is not None:
            raise Breach(f"{odd!r} in a line: {line[:200]!r}")


def _too_long(number: int, frame: FrameType | None) -> None:
    raise Breach(f"took too long, in {frame.f_code.co_qualname if frame is not None else 'C'}")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _watch
    if watch is None:
        return
    if event == "open":
        _check_open(watch, *arguments)
    elif event in CHANGES:
        for path in arguments[: CHANGES[event]]:
            if not _is_in(path, (watch.folder,)):
                watch.note(f"{event} outside of the folder: {path!r}")
    elif event in FORBIDDEN or (event in CODE and not _is_import()):
        watch.note(f"{event} {str(arguments)[:200]}")
    elif event == "import" and arguments[0] in TELLTALES:
        watch.note(f"import of {arguments[0]}")


def _check_open(watch: _Watch, path: Any, mode: Any, flags: int) -> None:
    if isinstance(path, int):
        return
    place = os.fsdecode(path)
    writes = flags & WRITES or (isinstance(mode, str) and set(mode) & set("wax+"))
    if writes and not _is_in(place, (watch.folder,)):
        watch.note(f"written outside of the folder: {place!r}")
    may_read = watch.reads_elsewhere or place in DEVICES
    if not writes and not may_read and not _is_in(place, (watch.folder, *READABLE)):
        watch.note(f"read outside of the folder: {place!r}")


def _is_in(path: Any, roots: tuple[str, ...]) -> bool:
    if isinstance(path, int):
        return True
    place = os.path.abspath(os.fsdecode(path))
    # The folder of a case has links of its own, so a path is taken by its name; its folder may be one by itself.
    named = os.path.join(os.path.realpath(os.path.dirname(place)), os.path.basename(place))
    return any(named.startswith(root.rstrip(os.sep) + os.sep) or named == root for root in roots)


def _is_import() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False

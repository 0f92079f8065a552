"""Which library it is that reaches for the network: told by the functions that are at work."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import metadata
from types import FrameType, TracebackType
from typing import Final

PLUMBING: Final = frozenset(
    (
        "_pytest", "pluggy", "pytest", "pytest_apiauth", "pytest_recording", "xdist", "vcr", "wrapt", "respx", "anyio",
        "trio", "outcome", "sniffio", "uvloop", "gevent", "greenlet", "aiohappyeyeballs", "aiodns", "pycares",
        "hypothesis", "pytest_asyncio", "h11", "h2",
    )
)  # fmt: skip
"""What carries other libraries' requests, or tests; never what a person asks with."""
HTTP: Final = frozenset(
    ("httpx", "httpx2", "requests", "aiohttp", "urllib3", "httplib2", "niquests", "tornado", "httpcore", "httpcore2")
)
LOOPS: Final = frozenset(("asyncio.events", "asyncio.runners", "trio._core._run", "uvloop"))
"""Where an event loop begins a task: who stands behind it is not the one who asked for the task."""
STANDARD: Final = {"urllib.request": "urllib", "http.client": "http.client"}
BARE: Final = "a socket"


def culprit(functions: Iterable[tuple[str, str]]) -> str | None:
    """Name the library that reached for the network.

    ``functions`` are those at work, the innermost first, by module and file. Of the libraries before the first function
    of the project's own it is the outermost, with the HTTP library that it uses; None if nothing but plumbing is
    at work, as in a thread or a task that a library has begun.
    """
    libraries: list[str] = []
    standard = None
    is_own = False
    for module, file in functions:
        root = module.partition(".")[0]
        if module in LOOPS:
            break
        if root in PLUMBING:
            continue
        if module in STANDARD:
            standard = STANDARD[module]
        elif root in sys.stdlib_module_names:
            continue
        elif root == "__main__" or not _is_installed(file):
            is_own = True
            break
        else:
            libraries.append(root)
    if not libraries:
        return standard or (BARE if is_own else None)
    outermost = libraries[-1]
    by = next((name for name in reversed(libraries) if name in HTTP), outermost)
    return outermost if by == outermost else f"{outermost} (by {by})"


def versioned(name: str) -> str:
    """Return a library's name as `culprit` tells it, with the versions that are installed."""
    words = re.findall(r"\w+", name)
    found = [f"{word} {version}" for word in words if (version := _version(word)) is not None]
    return " by ".join(found) or name


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def of_stack(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    """Yield the functions at work in this thread, from a frame on."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
        frame = frame.f_back


def of_traceback(trace: TracebackType | None) -> list[tuple[str, str]]:
    """Return the functions that an error came through, the innermost first: those of other threads and tasks too."""
    found = []
    while trace is not None:
        frame = trace.tb_frame
        found.append((str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename))
        trace = trace.tb_next
    return found[::-1]


@lru_cache(maxsize=4096)
def _is_installed(file: str) -> bool:
    """Whether a file of source is somebody else's: installed, or part of no file at all."""
    return file.startswith("<") or "site-packages" in file or "dist-packages" in file or _lies_with_python(file)


def _lies_with_python(file: str) -> bool:
    return os.path.abspath(file).startswith(sysconfig.get_path("stdlib") + os.sep)

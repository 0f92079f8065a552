"""Which of the two HTTP libraries a project has, and which one is taken where nobody says.

httpx2 goes on where httpx ended. A project has one of them, or both on its way from one to the other; what it has is
looked up by name and never imported, so asking costs no start-up. Standard library only at import.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Final

LIBRARIES: Final = ("httpx", "httpx2")
"""The first that a project has is its usual one."""


@cache
def has(name: str) -> bool:
    """Whether a package could be imported here, without importing it."""
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False  # somebody keeps it out, or a half-made module is in its place


def usual() -> str:
    """Return the library that is taken where nobody says: httpx, or httpx2 where only that is installed."""
    return next(filter(has, LIBRARIES), LIBRARIES[0])


def lacking(name: str) -> str:
    """Say what it takes to have a library of these, if it is not installed; empty if nothing is missing."""
    if has(name):
        return ""
    other = next((each for each in LIBRARIES if each != name and has(each)), None)
    instead = f", or take {other}, which is here" if other is not None else ""
    return f"{name} is not installed; pip install {name}{instead}"

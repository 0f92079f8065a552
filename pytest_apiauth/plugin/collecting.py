"""Which profiles a run of pytest examines: those that it names, and of those that it comes upon, which ask for it.

An author of a client has a profile of somebody else's API, and does not mean to examine that by running a folder of
tests against it. So whoever walks by examines what is his own to answer for: an app in this process, or a server
whose profile says ``examine = true``. Standard library and pytest only: pytest asks about every file of a folder.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.plugin.options import Options
from pytest_apiauth.profile.finding import DEEPEST_EXTENDS

Extent = Literal["all", "smoke", "nothing"]
"""How much of the book is for a profile: every rule, those of `SMOKE`, or nothing, since it does not ask for it."""
SMOKE: Final = "apiauth_smoke"


def extent(session: pytest.Session, options: Options, path: Path) -> Extent | None:
    """Say how much of the book a run examines a profile by; None if the profile is no matter of the run's."""
    if session.isinitpath(path) or (bundled.folder() == path.parent and session.isinitpath(path.parent)):
        return "all"
    # pytest also asks about the neighbours of a file that is named: that must cost nothing.
    if options.collect == "none" or not any(session.isinitpath(folder) for folder in path.parents):
        return None
    if options.replay:
        return "all"
    if options.live:
        # Only the rules that -m asks for: an expression may let others in too.
        asks = re.search(rf"\b{SMOKE}\b", session.config.getoption("markexpr") or "")
        return "all" if says_examine(path) else "smoke" if asks else "nothing"
    return "all" if options.collect == "all" or names_app(path) else "nothing"


def says_examine(path: Path) -> bool:
    """Whether a profile itself asks to be examined; what it extends is another one, and cannot ask for it."""
    table = _read(path)
    return table.get("examine") is True if isinstance(table, dict) else _has_line(table, r"examine\s*=\s*true\b")


def names_app(path: Path) -> bool:
    """Whether a profile, or one that it extends, names an app."""
    for _ in range(DEEPEST_EXTENDS):
        table = _read(path)
        if not isinstance(table, dict):
            return _has_line(table, r"(app\b|\[app\])")
        base = table.get("extends")
        if "app" in table or not isinstance(base, str):
            return bool(table.get("app"))
        path = path.parent / base
        if not os.path.isfile(path):
            return False
    return False


def _read(path: Path) -> dict[str, Any] | str:
    """Read a file without the validation library, which costs; if it is not TOML, give its text."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except (OSError, ValueError, RecursionError):
        # Whoever loads it says what is wrong.
        return text


def _has_line(text: str, pattern: str) -> bool:
    return re.search(rf"^\s*{pattern}", text, re.MULTILINE) is not None

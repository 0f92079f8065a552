"""Challenges as werkzeug reads them beside ours: where the two differ, the difference has a name and a reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from werkzeug.datastructures import WWWAuthenticate

from pytest_apiauth.suite.challenges import Challenge, read_challenges

from .watching import Breach

Differs = Callable[[str, list[Challenge] | None], bool]
"""Takes a line and what we make of it: None if it is refused."""
TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
PARAMETER: Final = r"""[!#$%&'*+\-.^_`|~0-9A-Za-z]+=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[^"\\]*")"""
PLAIN: Final = re.compile(rf"[A-Za-z]+ {PARAMETER}(?:, {PARAMETER})*")
"""A challenge about which nobody can be in doubt: what we refuse of these is a fault of ours."""
DIFFERENCES: Final[dict[str, tuple[str, Differs]]] = {
    "no challenge by the grammar": (
        "werkzeug takes any text; a rule has to say that RFC 9110 11.6.1 is not kept",
        lambda line, found: found is None and PLAIN.fullmatch(line) is None,
    ),
    "several challenges, or none": (
        "werkzeug reads one a line (RFC 9110 11.6.1 allows a list), the others as its parameters",
        lambda line, found: found is not None and len(found) != 1,
    ),
    "empty elements": (
        "a list may have them (RFC 9110 5.6.1.2); werkzeug reads the commas as a scheme or a token",
        lambda line, found: re.search(r"^[ \t]*,|,[ \t]*(?:,|$)", line) is not None,
    ),
    "tabs, and blanks around": (
        "werkzeug splits at a blank and no tab, and takes further ones for the value's (RFC 9110 5.6.3)",
        lambda line, found: re.search(r"\t|^\s|\s$|  ", line) is not None,
    ),
    "a comma before the first parameter": (
        "a parameter belongs to the challenge before it, here too; werkzeug takes the comma for the scheme's",
        lambda line, found: re.search(r"^[^\s,]+\s*,|^\S+ [\w.~+/-]+=*\s*,", line) is not None,
    ),
    "extended parameters": (
        "werkzeug decodes name*=UTF-8''… (RFC 8187), which no scheme here defines for a challenge",
        lambda line, found: re.search(r"\*[0-9*]*[ \t]*=", line) is not None,
    ),
    "pairs of a backslash and a letter": (
        '\\x is x within quotes (RFC 9110 5.6.4); werkzeug undoes no pairs but \\\\ and \\"',
        lambda line, found: "\\" in line,
    ),
    "a quoted value within a list": (
        "werkzeug cuts its list at commas and takes off quotes later, of what has them at both ends",
        lambda line, found: line.count('"') % 2 == 1,
    ),
}
"""Where the two may differ: by name, with the reason, and how it is known; the first that fits counts."""


def compare(line: str) -> str:
    """Return the name of the difference; empty if there is none. Raises Breach for one that has no name."""
    try:
        found: list[Challenge] | None = read_challenges([line])
    except ValueError:
        found = None
    if found is not None and len(found) == 1 and _ours(found[0]) == _theirs(line):
        return ""
    for name, (_, differs) in DIFFERENCES.items():
        if differs(line, found):
            return name
    raise Breach(f"werkzeug reads {line[:200]!r} as {_theirs(line)}, and we as {found}")


def _ours(found: Challenge) -> tuple[str, dict[str, str], str]:
    return found.scheme, found.parameters, found.token68


def _theirs(line: str) -> tuple[str, dict[str, str], str]:
    found = WWWAuthenticate.from_header(line)
    if found is None:
        return "", {}, ""
    parameters = {name.lower(): value or "" for name, value in found.parameters.items()}
    return found.type, parameters, found.token or ""


def told(seen: Counter[str]) -> list[str]:
    """Return the table of differences that were met: how often, which, and why that is right."""
    return [f"{seen[name]:8} {name}: {reason}" for name, (reason, _) in DIFFERENCES.items() if seen[name]]

"""Prints how long the curl lines of all faults are, and what in them is no line that a person would paste.

``python -m tests.faults.lines``; each fault is caught by its own rule, as `tests.faults.test_curl_lines` has it.
"""

from __future__ import annotations

import re
from statistics import median
from typing import Final

from pytest_apiauth.suite.outcomes import Counterexample

from .examining import owners
from .reproducing import caught

COMMAND: Final = re.compile(r"'[^']*'|\$'(?:[^'\\]|\\.)*'|\\.", re.DOTALL)
"""What bash takes as it stands."""


def lines_of(found: Counterexample) -> list[str]:
    """Return every line of a counterexample, without the words behind it."""
    lines = (*found.steps, found.curl, found.control_curl)
    return [line.partition("  # ")[0] for line in lines if line.partition("# ")[0]]


def unreadable(line: str) -> list[str]:
    """Return what makes a line a program: another language in it, a substitution within another one, a pipe."""
    bare = COMMAND.sub("", line)
    words = ["python3 -c"] if "python3 -c" in line else []
    depth = 0
    for mark in re.findall(r"\$\(|\)|\|", bare):
        depth += {"$(": 1, ")": -1, "|": 0}[mark]
        words += ["a pipe"] if mark == "|" else ["nested"] if depth > 1 else []
    return words


def main() -> None:
    """Print the lengths, the longest lines, and what is wrong with any."""
    lines: dict[str, str] = {}
    for fault, rule in sorted(owners().items()):
        with caught(fault, rule) as found:
            if found is not None:
                lines |= dict.fromkeys(lines_of(found.counterexample), fault)
    lengths = sorted(map(len, lines))
    wrong = [line for line in lines if unreadable(line)]
    print(
        f"{len(lines)} lines: median {median(lengths):.0f} characters, longest {lengths[-1]}; {len(wrong)} unreadable"
    )
    for line in sorted(lines, key=len)[-10:]:
        print(f"{len(line)} {lines[line]}: {line}")


if __name__ == "__main__":
    main()

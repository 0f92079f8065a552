"""Whoever copies the curl lines of a report to a shell sees what the report says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .examining import about_fault, owners
from .lines import lines_of, unreadable
from .reproducing import Shell, caught

SAMPLE = (
    "token-case-folded", "revocation-without-effect", "cookie-session", "pkce-plain-accepted",
    "refreshed-token-unusable",
)  # fmt: skip
"""A near miss; steps that give a token and revoke it; a cookie; a proof key of one's own; a step that gives a token."""
MADE = re.compile(r"\$\{((?:DPOP_PROOF|[A-Z]*_?CERTIFICATE_FILE|[A-Z]+_SIGNATURE)[A-Z0-9_]*)\}")
"""Signatures of requests, by what their placeholders are called."""
LONGEST = 2_500
"""Characters of a line; `tests.faults.lines` prints what they have."""
BY_CHANCE = (
    "every-fifth-admitted", "every-second-admitted", "refresh-race-lost", "limit-without-time", "limit-time-garbled",
)  # fmt: skip
"""What a server does now and then, when several ask at the same moment, or when too many did: the report says so."""


def reproduce(fault: str, folder: Path) -> None:
    """Execute the steps and the request of a fault's counterexample, and compare what comes with what is told."""
    with caught(fault, owners()[fault]) as found:
        assert found is not None, "no profile shows it"
        shown = found.counterexample
        for line in lines_of(shown):
            assert unreadable(line) == []
            assert len(line) <= LONGEST, line[:LONGEST]
        if fault in BY_CHANCE:
            is_told = "intermittent" in shown.got or shown.got.startswith("429 Too Many Requests")
            assert is_told or any("times at once" in step for step in shown.steps)
            return
        lines = "\n".join([*shown.steps, shown.curl])
        if MADE.search(lines):
            # What a program makes of each request nobody types: the line says what was made, and bash can read it.
            read = subprocess.run(["bash", "-n", "-c", lines], capture_output=True, text=True, check=False)
            assert (read.returncode, read.stderr) == (0, "")
            return
        shell = Shell(found, folder)
        for step in shown.steps:
            shell.run(step)
        status = shell.run(shown.curl)
    told = re.match(r"(\d{3})(?= [A-Z]|$)", shown.got)
    assert told is None or int(told[1]) == status, "\n".join([*shown.steps, shown.curl])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("""curl -i -u "${A}:$(python -m pytest_apiauth edit B reverse)" 'https://a.example/$(a|b)'""", []),
        ("""curl -d "$(printf %s "${A}" | rev)" 'https://a.example'""", ["a pipe"]),
        ("""curl -d "$(a "$(b)")" 'https://a.example'""", ["nested"]),
        ("""curl -d "$(python3 -c 'print(1)')" 'https://a.example'""", ["python3 -c"]),
        ("""curl -d $'it\\'s|' 'it'\\''s|' 'https://a.example'""", []),
    ],
)
def test_what_a_person_would_not_paste(line: str, wrong: list[str]) -> None:
    """A program in another language, a substitution within another and a pipe are seen, outside of literals alone."""
    assert unreadable(line) == wrong


@pytest.mark.parametrize("fault", SAMPLE)
def test_the_lines_of_a_sample_reproduce(fault: str, tmp_path: Path) -> None:
    """Steps and request give the status that the report tells, with values that a reader can have."""
    reproduce(fault, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=about_fault(name)) for name in sorted({*owners()} - {*SAMPLE})]
)
def test_the_lines_of_every_fault_reproduce(fault: str, tmp_path: Path) -> None:
    """The same of every other fault of the embedded server."""
    reproduce(fault, tmp_path)

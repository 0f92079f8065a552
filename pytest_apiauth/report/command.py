"""``python -m pytest_apiauth report``: the same reports from saved JSON, and what changed between two runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_apiauth.bounded import read_bounded
from pytest_apiauth.printable import printable, printable_lines
from pytest_apiauth.report import changes, formats, plain, statement, summary
from pytest_apiauth.report.lines import MANY, lines_of
from pytest_apiauth.report.record import RunRecord

LARGEST: Final = 64_000_000
"""Bytes of a saved report."""


class ReportError(ValueError):
    """A saved report cannot be read, or what is asked of it cannot be had; the message says which, in one line."""


def run(places: Sequence[str], outputs: Sequence[str], *, is_verbose: bool, states: bool) -> Iterator[str]:
    """Yield the lines of one report or, of two, of the later and what changed; write ``outputs`` from the later.

    A line that is longer than any of ours is cut. Raises ReportError, and OSError if an output cannot be written.
    """
    return map(printable_lines, _lines(places, outputs, is_verbose=is_verbose, states=states))


def _lines(places: Sequence[str], outputs: Sequence[str], *, is_verbose: bool, states: bool) -> Iterator[str]:
    runs = [read(place) for place in places]
    for output in outputs:
        if not formats.writes(output):
            raise ReportError(f"{output}: should end with one of: {formats.told()}")
    try:
        stated = list(statement.sentences(runs[-1])) if states else []
        for output in outputs:
            formats.write(output, runs[-1])
    except statement.RefusedError as error:
        raise ReportError(str(error)) from None
    if states:
        yield from stated
        return
    yield from _told(runs[-1], is_verbose=is_verbose)
    if len(runs) > 1:
        yield ""
        yield from changes.lines(runs[0], runs[-1])
    yield from (f"report: {output}" for output in outputs)


def _told(found: RunRecord, *, is_verbose: bool) -> Iterator[str]:
    for profile in found.profiles:
        is_brief = len(found.profiles) > MANY
        yield from (line.text for line in lines_of(profile, is_verbose=is_verbose, is_brief=is_brief))
    yield from dict.fromkeys(f"{profile.note}." for profile in found.profiles if profile.note)
    yield from filter(None, map(summary.not_examined, found.profiles))


def read(place: str) -> RunRecord:
    """Return a saved report. Raises ReportError."""
    path = Path(place)
    try:
        data = json.loads(read_bounded(path, LARGEST))
    except OSError as error:
        raise ReportError(f"{place}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise ReportError(f"{place}: is no JSON: expected what --apiauth-report=FILE.json has written") from None
    if isinstance(data, dict) and data.get("version") != 1:
        raise ReportError(f"{place}: expected a report of version 1")
    try:
        # Others may have written it. Members that are not known, however deep, are gone before it is made printable.
        known = plain.written(plain.read(RunRecord, data))
        return plain.read(RunRecord, plain.changed(known, printable))
    except plain.DamagedError as error:
        raise ReportError(f"{place}: is no report: {error}") from None

"""Findings as workflow commands of GitHub Actions: each stands at its line of the profile in the pull request.

GitHub shows ten errors and ten warnings of a step. So that many are written, the worst first, and a last line says how
many there are besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pytest_apiauth.printable import one_line
from pytest_apiauth.report.findings import Finding, findings
from pytest_apiauth.report.record import ProfileRecord

MOST: Final = 10
"""Of errors, and of warnings."""
LONGEST: Final = 500


def commands(profiles: Iterable[ProfileRecord]) -> Iterator[str]:
    """Yield the commands for all profiles."""
    errors: list[str] = []
    warnings: list[str] = []
    for profile in profiles:
        if profile.error:
            errors.append(_command("error", profile, 0, "not ready", f"{profile.name}: {profile.error}"))
        for found in findings(profile):
            is_error = found.verdict != "warning"
            (errors if is_error else warnings).append(_of(profile, found, "error" if is_error else "warning"))
    for kind, lines in (("errors", errors), ("warnings", warnings)):
        yield from lines[:MOST]
        if len(lines) > MOST:
            yield f"::notice title=pytest-apiauth::{len(lines) - MOST} more {kind}, which the report has"


def _of(profile: ProfileRecord, found: Finding, kind: str) -> str:
    return _command(kind, profile, found.line, f"{found.level} {found.rule.id}", f"{found.name}: {found.words}")


def _command(kind: str, profile: ProfileRecord, line: int, title: str, words: str) -> str:
    place = [f"file={_property(profile.file)}", f"line={max(line, 1)}"] if profile.file else []
    return f"::{kind} {','.join([*place, f'title={_property(title)}'])}::{_data(words)}"


def _data(text: str) -> str:
    # One line already; what stands for a line break to GitHub is data too.
    return one_line(text, LONGEST).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""A profile's block of lines, as a terminal shows it after a run, and `report` of a saved one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pytest_apiauth.report import summary
from pytest_apiauth.report.findings import Finding, by_chapter, findings, skipped
from pytest_apiauth.report.record import ProfileRecord
from pytest_apiauth.report.sources import told

Tone: TypeAlias = Literal["plain", "bad", "warning"]
MANY: Final = 8
"""Profiles of one run from which on each is told in a line, with its causes if it failed."""
MOST_FAILURES: Final = 40
"""Failures of one profile that are told; -v and reports tell all."""
MOST_NAMES: Final = 6
"""Rules that are named where many say the same."""
INDENT: Final = " " * 13


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and how it is coloured."""

    text: str
    tone: Tone = "plain"
    is_prose: bool = False
    """Whether it may be broken between words: a line to paste may not."""

    def within(self, width: int) -> list[str]:
        """Return the line broken for a terminal of so many columns, what follows under the text of the first.

        >>> Line("    FAIL     a b", is_prose=True).within(14)
        ['    FAIL     a', '             b']
        """
        if not self.is_prose:
            return [self.text]
        return textwrap.wrap(
            self.text, width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False,
            drop_whitespace=True, replace_whitespace=False, expand_tabs=False,
        )  # fmt: skip


def lines_of(profile: ProfileRecord, *, is_verbose: bool = False, is_brief: bool = False) -> Iterator[Line]:
    """Yield what a profile came to: totals, causes, then what there is to look at, by chapter.

    ``is_brief`` leaves it at totals and causes. ``is_verbose`` adds what it takes to see a warning, or the breach of
    another rule, and what was skipped.
    """
    rules = summary.counted(len(profile.rules), "rule")
    yield Line(
        f"{profile.name} ({profile.target}): {rules}: {summary.counts(profile)};"
        f" {profile.requests} requests, {profile.seconds:.1f} s"
    )
    if profile.error:
        yield Line(f"  {summary.not_ready(profile)}", "bad")
    if profile.causes:
        yield Line(f"  {summary.causes(profile)}", "bad")
    if is_brief and not is_verbose:
        return
    if profile.left_out is not None:
        yield Line(f"  {summary.left_out(profile)}", "warning")
    if profile.limited:
        yield Line(f"  {summary.limited(profile)}", "warning")
    yield from _looked_at(profile, is_verbose=is_verbose)
    for rule in profile.rules:
        if rule.verdict == "expected failure":
            yield Line(f"  expected {rule.id}: {rule.reason}")
        if is_verbose and rule.verdict == "pass" and summary.is_partly_skipped(rule):
            yield Line(f"  in part  {rule.id}: {rule.reason}")
    if is_verbose:
        for reason, ids in skipped(profile).items():
            yield Line(f"  skipped  {summary.counted(len(ids), 'rule')}: {reason}")
    if summary.unproven(profile):
        yield Line(f"  {summary.unproven(profile)}", "warning")


def _looked_at(profile: ProfileRecord, *, is_verbose: bool) -> Iterator[Line]:
    found = findings(profile)
    failures = [each for each in found if each.verdict != "warning"]
    left_out = [] if is_verbose else failures[MOST_FAILURES:]
    for chapter, of_chapter in by_chapter(each for each in found if each not in left_out).items():
        yield Line(f"  {chapter}")
        for each in of_chapter:
            yield from _told(profile, each, is_verbose=is_verbose)
    if not is_verbose and any(each.verdict == "warning" or _filed(each) for each in found):
        yield Line("  -v shows how to see each finding of one line, and where to look")
    if left_out:
        yield Line(f"  {len(left_out)} more failures: -v tells them, and so do reports", "bad")


def _told(profile: ProfileRecord, found: Finding, *, is_verbose: bool) -> Iterator[Line]:
    if found.verdict == "warning":
        yield Line(f"    warning  {_rules(found)} ({found.level}): {found.words}", "warning", is_prose=True)
        if not is_verbose:
            return
    else:
        word = "FAIL" if found.verdict == "fail" else found.verdict.upper()
        filed = "" if is_verbose else _filed(found)
        yield Line(f"    {word:<8} {found.name} ({found.level}): {filed or found.words}", "bad", is_prose=True)
        if filed:
            return
    yield Line(f"{INDENT}{'; '.join(told(found.rule.sources, profile.statements))}", is_prose=True)
    if found.shown is not None:
        for step in found.shown.steps:
            yield Line(f"{INDENT}{step}")
        yield Line(f"{INDENT}{found.shown.curl}")
    if found.rule.look:
        yield Line(f"{INDENT}look at {found.rule.look}", is_prose=True)


def _filed(found: Finding) -> str:
    """Say of a rule that only met another one's breach where that is told, and how much is open; empty of others."""
    _, words, rest = found.words.partition(f"filed under {found.cause}")
    return words + rest if found.verdict == "inconclusive" and found.cause else ""


def _rules(found: Finding) -> str:
    """Name the rules that say the same, and count them if they are many."""
    names = [rule.id for rule in found.rules]
    if len(names) == 1:
        return names[0]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return f"{summary.counted(len(names), 'rule')}, {', '.join([*names[:MOST_NAMES], *more])}"

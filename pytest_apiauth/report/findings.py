"""What a profile's reader has to look at, once each: every format tells the same findings in the same order.

A failure is one finding for all parts of a rule that show the same; advice that says the same of many rules is one
finding with all their names. Chapters keep the order of the book. In a chapter failures come first, and of those the
ones that others follow from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.report.record import (
    Advice,
    Counterexample,
    PartRecord,
    ProfileRecord,
    RuleRecord,
    Verdict,
)

SHOWN: Final[tuple[Verdict, ...]] = ("fail", "unexpected pass", "inconclusive", "warning")
"""The verdicts that a person has to look at, worst first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at."""

    verdict: Verdict
    chapter: str
    rules: tuple[RuleRecord, ...]
    """The rules that have it; several only of advice that says the same."""
    parts: tuple[str, ...]
    nodeids: tuple[str, ...]
    level: str
    reason: str
    shown: Counterexample | Advice | None
    """What it takes to see it; of several the first."""
    line: int = 0
    """Where the first part stands in the profile's file; 0 if it does not."""
    cause: str = ""

    @property
    def rule(self) -> RuleRecord:
        """The rule that has it, or the first."""
        return self.rules[0]

    @property
    def name(self) -> str:
        """The rule's id and its parts: ``key-bad [user, pro]``."""
        parts = [part for part in self.parts if part]
        return f"{self.rule.id} [{', '.join(parts)}]" if parts else self.rule.id

    @property
    def words(self) -> str:
        """What is wrong, in one line."""
        if self.shown is None or (self.verdict in ("inconclusive", "unexpected pass") and self.reason):
            return self.reason
        expected = "advised" if self.verdict == "warning" else "expected"
        return f"{expected} {self.shown.expected}, got {self.shown.got}"


def findings(profile: ProfileRecord) -> list[Finding]:
    """Return what there is to look at in a profile."""
    causes = {cause.name: place for place, cause in enumerate(profile.causes)}
    chapters = list(dict.fromkeys(rule.chapter for rule in profile.rules))

    def place(each: Finding) -> tuple[int, ...]:
        is_consequence = bool(each.cause) and each.cause.partition(" at ")[0] != each.rule.id
        rank = causes.get(each.cause, len(causes))
        return chapters.index(each.chapter), SHOWN.index(each.verdict), is_consequence, rank

    return sorted([*_decided(profile), *_advised(profile)], key=place)


def by_chapter(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Return findings by chapter, as people read its name."""
    chapters: dict[str, list[Finding]] = {}
    for each in found:
        chapters.setdefault(each.chapter.replace("_", " "), []).append(each)
    return chapters


def skipped(profile: ProfileRecord) -> dict[str, tuple[str, ...]]:
    """Return the rules that were skipped on every part, by the reason; that of most rules first."""
    reasons: dict[str, list[str]] = {}
    for rule in profile.rules:
        if rule.verdict in ("skip", "not run"):
            reasons.setdefault(rule.reason, []).append(rule.id)
    return {reason: tuple(ids) for reason, ids in sorted(reasons.items(), key=lambda each: -len(each[1]))}


def _decided(profile: ProfileRecord) -> Iterator[Finding]:
    """Yield failures, unexpected passes, what is inconclusive, and rules that warn by themselves."""
    for rule in profile.rules:
        groups: dict[tuple[object, ...], list[PartRecord]] = {}
        for part in rule.parts:
            if part.verdict in SHOWN and not _is_advice(rule, part):
                seen = part.counterexample
                same = part.reason if seen is None else (seen.expected, seen.got)
                groups.setdefault((part.verdict, part.cause, same), []).append(part)
        for parts in groups.values():
            yield _finding(rule, parts)


def _finding(rule: RuleRecord, parts: Sequence[PartRecord]) -> Finding:
    first = parts[0]
    of_rule = rule.counterexample if first.verdict == rule.verdict else None
    return Finding(
        verdict=first.verdict,
        chapter=rule.chapter,
        rules=(rule,),
        parts=tuple(dict.fromkeys(part.part for part in parts)),
        nodeids=tuple(dict.fromkeys(part.nodeid for part in parts)),
        level=first.level,
        reason=first.reason,
        shown=first.counterexample or of_rule,
        line=next((part.line for part in parts if part.line), 0),
        cause=first.cause,
    )


def _is_advice(rule: RuleRecord, part: PartRecord) -> bool:
    """Whether what a part warns of is one of the rule's pieces of advice, which are told by themselves."""
    shown = part.counterexample
    return (
        part.verdict == "warning"
        and shown is not None
        and any((advice.expected, advice.got) == (shown.expected, shown.got) for advice in rule.advice)
    )


def _advised(profile: ProfileRecord) -> Iterator[Finding]:
    """Yield advice, once for all rules that give the same."""
    groups: dict[tuple[str, ...], list[tuple[RuleRecord, Advice]]] = {}
    for rule in profile.rules:
        failed = {
            (part.counterexample.expected, part.counterexample.got)
            for part in rule.parts
            if part.verdict == "fail" and part.counterexample is not None
        }
        for advice in rule.advice:
            if (advice.expected, advice.got) in failed:
                continue  # --apiauth-strict has made a failure of it
            groups.setdefault((advice.level, advice.expected, advice.got), []).append((rule, advice))
    for given in groups.values():
        rule, advice = given[0]
        rules = tuple({each.id: each for each, _ in given}.values())
        of_part = [part for each in rules for part in each.parts if part.part == advice.part]
        yield Finding(
            verdict="warning",
            chapter=rule.chapter,
            rules=rules,
            parts=tuple(dict.fromkeys(each.part for _, each in given)),
            nodeids=tuple(dict.fromkeys(part.nodeid for part in of_part)),
            level=advice.level,
            reason=f"advised {advice.expected}, got {advice.got}",
            shown=advice,
            line=next((part.line for part in of_part if part.line), 0),
        )

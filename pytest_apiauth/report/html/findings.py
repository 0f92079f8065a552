"""What needs a look, by chapter and cause: a cause stands before what comes from it, and is one entry however often.

Theory of operation. A *finding* is a rule with those of its parts that one cause decides. Findings of one cause make a
*group*, in the chapter of the rule that the cause is named for: ``res-no-cred-401 at GET /user/me`` and the same at
another path are one group with two places. A rule that fails for itself is a cause of its own. Of requests that
expected the same and got the same, the first is shown in full, and of the others the line that sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_apiauth.report.html.anchors import Anchors
from pytest_apiauth.report.record import (
    WORST_FIRST,
    Advice,
    Counterexample,
    PartRecord,
    ProfileRecord,
    RuleRecord,
    Verdict,
    worst,
)

LOOKED_AT: tuple[Verdict, ...] = ("fail", "unexpected pass", "inconclusive", "warning", "expected failure")
"""The verdicts of findings."""


@dataclass(frozen=True, slots=True)
class Place:
    """One part of a rule, with the name that a link to it has: none if it is the whole of it."""

    anchor: str
    record: PartRecord


@dataclass(slots=True)
class Exchange:
    """A request and what came of it, and further requests to which the same came."""

    verdict: str
    level: str
    shown: Counterexample | Advice
    parts: list[str]
    alike: list[tuple[str, str]] = field(default_factory=list)
    """The parts of further requests, and the curl line of each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that needs a look, with the parts that one cause decides."""

    anchor: str
    rule: RuleRecord
    verdict: Verdict
    level: str
    places: tuple[Place, ...]
    others: tuple[Place, ...]
    """Parts of the rule that need no look; they stand with the first finding of a rule."""
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one cause."""

    cause: str
    """The rule that the cause is named for."""
    where: tuple[str, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    follow: tuple[str, ...]
    """The rules that were not judged since this is wrong."""

    @property
    def count(self) -> int:
        """How many parts of rules it decides."""
        return sum(len(finding.places) for finding in self.findings)

    @property
    def is_one(self) -> bool:
        """Whether it is a finding by itself, with nothing that comes from it."""
        return len(self.findings) == 1 and not self.follow


@dataclass(frozen=True, slots=True)
class Chapter:
    """What needs a look in one chapter, worst first."""

    name: str
    groups: tuple[Group, ...]


def chapters(profile: ProfileRecord, anchors: Anchors, prefix: str) -> tuple[Chapter, ...]:
    """Return the findings of a profile; those chapters first in which something fails."""
    names = {rule.id: rule.chapter for rule in profile.rules}
    found: dict[str, list[Group]] = {}
    for group in _groups(profile, anchors, prefix):
        chapter = names.get(group.cause, group.findings[0].rule.chapter)
        found.setdefault(chapter, []).append(group)
    listed = (Chapter(name, tuple(sorted(groups, key=_rank))) for name, groups in found.items())
    return tuple(sorted(listed, key=lambda chapter: WORST_FIRST.index(chapter.groups[0].verdict)))


def _rank(group: Group) -> tuple[int, int]:
    return WORST_FIRST.index(group.verdict), -group.count


def _groups(profile: ProfileRecord, anchors: Anchors, prefix: str) -> list[Group]:
    by_cause: dict[str, list[Finding]] = {}
    where: dict[str, list[str]] = {}
    for rule in profile.rules:
        if rule.verdict not in LOOKED_AT:
            continue
        parts: dict[str, list[PartRecord]] = {}
        for part in rule.parts:
            if part.verdict in LOOKED_AT:
                cause, _, place = part.cause.partition(" at ")
                parts.setdefault(cause or rule.id, []).append(part)
                where.setdefault(cause or rule.id, []).append(place)
        others = [part for part in rule.parts if part.verdict not in LOOKED_AT]
        advice = rule.advice
        for cause, decided in parts.items():
            by_cause.setdefault(cause, []).append(_finding(rule, decided, others, advice, anchors, prefix))
            # What is of the whole rule is told once, beside the first of its causes.
            others, advice = [], ()
    follow: dict[str, list[str]] = {}
    for known in profile.causes:
        follow.setdefault(known.name.partition(" at ")[0], []).extend(known.follow)
    return [
        Group(
            cause=cause,
            where=_once(filter(None, where[cause])),
            verdict=worst(finding.verdict for finding in findings),
            findings=tuple(sorted(findings, key=lambda finding: finding.rule.id != cause)),
            follow=_once(follow.get(cause, ())),
        )
        for cause, findings in by_cause.items()
    ]


def _finding(
    rule: RuleRecord,
    parts: Sequence[PartRecord],
    others: Sequence[PartRecord],
    advice: Sequence[Advice],
    anchors: Anchors,
    prefix: str,
) -> Finding:
    verdict = worst(part.verdict for part in parts)
    level = next(part.level for part in parts if part.verdict == verdict)
    anchor = anchors.new(prefix, rule.id)
    return Finding(
        anchor=anchor,
        rule=rule,
        verdict=verdict,
        level=level,
        places=places(rule, parts, anchors, prefix),
        others=places(rule, others, anchors, prefix),
        exchanges=_exchanges(parts, advice),
    )


def places(rule: RuleRecord, parts: Iterable[PartRecord], anchors: Anchors, prefix: str) -> tuple[Place, ...]:
    """Return parts of a rule with their names."""
    return tuple(Place(anchors.new(prefix, rule.id, part.part) if part.part else "", part) for part in parts)


def _exchanges(parts: Sequence[PartRecord], advice: Sequence[Advice]) -> tuple[Exchange, ...]:
    found: dict[tuple[str, str], Exchange] = {}
    told = ((part.part, part.verdict, part.level, part.counterexample) for part in parts)
    advised = ((each.part, "warning", each.level, each) for each in advice)
    for name, verdict, level, shown in (*told, *advised):
        if shown is None:
            continue
        exchange = found.setdefault((shown.expected, shown.got), Exchange(verdict, level, shown, []))
        if name in exchange.parts:
            continue  # the advice that decides a part stands in both
        if shown.curl != exchange.shown.curl:
            exchange.alike.append((name, shown.curl))
        exchange.parts.append(name)
    return tuple(found.values())


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))

"""A record as the page shows it: in the order in which it is read, and with a name for each place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.report.html import findings, lifelines, matrix
from pytest_apiauth.report.html.anchors import Anchors
from pytest_apiauth.report.html.findings import Place
from pytest_apiauth.report.html.lifelines import Drawing
from pytest_apiauth.report.html.matrix import Matrix
from pytest_apiauth.report.record import WORST_FIRST, PartRecord, ProfileRecord, RuleRecord, RunRecord, Verdict

LEVELS: Final = ("MUST", "DOC", "SHOULD", "MAY")
"""The order of filters; what a project's own rules have beside them comes behind."""
MOST_TELLING: Final = 2
"""Chains of events of a profile that are shown at once; the others open."""
SECTIONS: Final = ("zones", "chapters", "findings", "tokens", "documented", "passed", "left-out")
"""What a profile's sections are called in links, so that no rule is."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A rule that needs no look, in a list."""

    anchor: str
    rule: RuleRecord
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class List:
    """Rules that a line tells of: those of a chapter that passed, or those that were left out for one reason."""

    name: str
    verdict: Verdict
    rules: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """A chapter, or all of them, and how many of its rules came to each verdict."""

    name: str
    counts: dict[Verdict, int]


@dataclass(frozen=True, slots=True)
class Life:
    """What became of the tokens of one part."""

    anchor: str
    rule: RuleRecord
    part: PartRecord
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the API's document, and the rules that it backs."""

    anchor: str
    id: str
    text: str
    rules: tuple[RuleRecord, ...]


@dataclass(frozen=True, slots=True)
class ProfileView:
    """One profile."""

    anchor: str
    record: ProfileRecord
    verdicts: dict[Verdict, int]
    matrix: Matrix
    chapters: tuple[findings.Chapter, ...]
    tallies: tuple[Tally, ...]
    not_applied: tuple[str, ...]
    """Chapters of which nothing was examined."""
    passed: tuple[List, ...]
    left_out: tuple[List, ...]
    lives: tuple[Life, ...]
    more_lives: tuple[Life, ...]
    statements: tuple[Statement, ...]
    places: dict[str, str]
    """The name of the first place of each rule."""

    @property
    def says(self) -> dict[str, str]:
        """The name of the place of each statement."""
        return {statement.id: statement.anchor for statement in self.statements}


@dataclass(frozen=True, slots=True)
class RunView:
    """All of a run."""

    record: RunRecord
    profiles: tuple[ProfileView, ...]
    verdicts: dict[Verdict, int]
    levels: tuple[str, ...]
    chapters: tuple[str, ...]

    @property
    def is_judged(self) -> bool:
        """Whether anything was examined at all."""
        return bool(self.verdicts.keys() - {"skip", "not run"})


def view(run: RunRecord) -> RunView:
    """Return a run as the page shows it."""
    anchors = Anchors()
    profiles = tuple(_profile(profile, anchors) for profile in run.profiles)
    rules = [rule for profile in run.profiles for rule in profile.rules]
    known = {rule.level for rule in rules} | {part.level for rule in rules for part in rule.parts}
    return RunView(
        record=run,
        profiles=profiles,
        verdicts=_counted(rules),
        levels=tuple(level for level in dict.fromkeys((*LEVELS, *sorted(known))) if level in known),
        chapters=tuple(sorted({rule.chapter for rule in rules})),
    )


def _profile(profile: ProfileRecord, anchors: Anchors) -> ProfileView:
    anchor = anchors.new(profile.name)
    for section in SECTIONS:
        anchors.new(anchor, section)
    chapters = findings.chapters(profile, anchors, anchor)
    # Of a rule with findings of several causes, the first is what a link to the rule leads to.
    places = {
        finding.rule.id: finding.anchor
        for chapter in reversed(chapters)
        for group in reversed(chapter.groups)
        for finding in reversed(group.findings)
    }
    listed = [
        Listed(anchors.new(anchor, rule.id), rule, findings.places(rule, rule.parts, anchors, anchor))
        for rule in profile.rules
        if rule.id not in places
    ]
    places |= {each.rule.id: each.anchor for each in listed}
    tallies = tuple(_tallies(profile))
    lives = _lives(profile, anchors, anchor)
    return ProfileView(
        anchor=anchor,
        record=profile,
        verdicts=_counted(profile.rules),
        matrix=matrix.matrix(profile.admissions),
        chapters=chapters,
        tallies=tuple(tally for tally in tallies if tally.counts.keys() - {"skip"}),
        not_applied=tuple(tally.name for tally in tallies if not tally.counts.keys() - {"skip"}),
        passed=tuple(_lists(each for each in listed if each.rule.verdict == "pass")),
        left_out=tuple(_lists(each for each in listed if each.rule.verdict != "pass")),
        lives=tuple(lives[:MOST_TELLING]),
        more_lives=tuple(lives[MOST_TELLING:]),
        statements=tuple(_statements(profile, anchors, anchor)),
        places=places,
    )


def _counted(rules: Iterable[RuleRecord]) -> dict[Verdict, int]:
    found = Counter(rule.verdict for rule in rules)
    return {verdict: found[verdict] for verdict in WORST_FIRST if found[verdict]}


def _tallies(profile: ProfileRecord) -> Iterator[Tally]:
    by_chapter: dict[str, list[RuleRecord]] = {}
    for rule in profile.rules:
        by_chapter.setdefault(rule.chapter, []).append(rule)
    for name, rules in by_chapter.items():
        yield Tally(name, _counted(rules))


def _lists(listed: Iterable[Listed]) -> Iterator[List]:
    """Yield what passed by chapter, and what was left out by its reason, the reason with most rules first."""
    found: dict[tuple[Verdict, str], list[Listed]] = {}
    for each in listed:
        rule = each.rule
        name = rule.chapter if rule.verdict == "pass" else rule.reason or "no reason was given"
        found.setdefault((rule.verdict, name), []).append(each)
    lists = [List(name, verdict, tuple(rules)) for (verdict, name), rules in found.items()]
    if lists and lists[0].verdict != "pass":
        lists.sort(key=lambda each: -len(each.rules))
    yield from lists


def _lives(profile: ProfileRecord, anchors: Anchors, prefix: str) -> list[Life]:
    """Return what became of tokens: of parts that failed first, then what tells most."""
    found = [(rule, part) for rule in profile.rules for part in rule.parts if part.life]
    found.sort(key=lambda each: (each[1].verdict in findings.LOOKED_AT, *lifelines.tells(each[1].life)), reverse=True)
    # One chain of each rule before a second of any: zones are often alike.
    met: Counter[str] = Counter()
    ranked = []
    for rule, part in found:
        ranked.append((met[rule.id], rule, part))
        met[rule.id] += 1
    ranked.sort(key=lambda each: each[0])
    return [
        Life(anchors.new(prefix, "life", rule.id, part.part), rule, part, lifelines.drawing(part.life))
        for _, rule, part in ranked
    ]


def _statements(profile: ProfileRecord, anchors: Anchors, prefix: str) -> Iterator[Statement]:
    for name, text in sorted(profile.statements.items()):
        backed = tuple(rule for rule in profile.rules if name in rule.sources)
        yield Statement(anchors.new(prefix, "says", name), name, text, backed)

"""Every entry of a run, gathered at the controller and merged by profile and rule."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Final

from pytest_apiauth.report.record import (
    Admission,
    Advice,
    Cause,
    Entry,
    Filed,
    LeftOut,
    Limited,
    NotExamined,
    NotReady,
    PartRecord,
    ProfileRecord,
    RuleRecord,
    RunRecord,
    Verdict,
    worst,
)

DISTRIBUTIONS: Final = ("pytest-apiauth", "pytest", "hypothesis")
MOST_ADVICE: Final = 10
"""Pieces of advice that a report shows of one rule."""


@dataclass(slots=True)
class ProfileLedger:
    """What came of one profile."""

    name: str
    target: str
    url: str
    is_real: bool
    note: str
    seconds: float = 0.0
    not_ready: NotReady | None = None
    """Why nothing could be examined."""
    entries: dict[str, Entry] = field(default_factory=dict)
    """By node id."""

    @property
    def nothing_applied(self) -> bool:
        """Whether no rule came to any verdict but skip."""
        return bool(self.entries) and all(entry.verdict == "skip" for entry in self.entries.values())

    def record(self) -> ProfileRecord:
        """Return what came of the profile: its rules, and what was not looked at."""
        entries, rules = self.entries.values(), tuple(self._rules())
        refused = self.not_ready
        return ProfileRecord(
            name=self.name,
            target=self.target,
            url=self.url,
            requests=sum(entry.requests for entry in entries),
            tokens_issued=sum(entry.tokens_issued for entry in entries),
            seconds=round(self.seconds, 3),
            verdict=worst(rule.verdict for rule in rules) if refused is None else refused.verdict,
            rules=rules,
            not_examined=self._not_examined() if self.is_real else (),
            left_out=self._left_out(),
            error="" if refused is None else refused.error,
            note=self.note,
            limited=self._limited(),
            causes=_causes(rules),
            file=next((entry.file for entry in entries if entry.file), ""),
            statements={name: text for entry in entries for name, text in entry.statements.items()},
            admissions=tuple(self._admissions()),
        )

    def _rules(self) -> Iterator[RuleRecord]:
        """Merge the parts of each rule, and file each breach under the rule that it broke."""
        merged: dict[str, list[tuple[str, Entry]]] = {}
        for nodeid, entry in self.entries.items():
            merged.setdefault(entry.rule.id, []).append((nodeid, entry))
        found: dict[tuple[object, ...], tuple[str, Entry]] = {}
        for nodeid, entry in self._filed():
            # What one cause does to many rules is one finding, shown by what is shortest to read.
            shown = entry.counterexample
            cause = entry.rule.id, entry.verdict, shown and shown.got
            known = found.setdefault(cause, (nodeid, entry))[1].counterexample
            if shown is not None and known is not None and len(shown.curl) < len(known.curl):
                found[cause] = nodeid, entry
        for nodeid, entry in found.values():
            merged.setdefault(entry.rule.id, []).append((nodeid, entry))
        return map(_merged, merged.values())

    def _admissions(self) -> Iterable[Admission]:
        """Return one answer of each zone to each set of credentials: of several the first that is wrong."""
        found: dict[tuple[object, ...], Admission] = {}
        for each in (each for entry in self.entries.values() for each in entry.admissions):
            place = each.path, each.good, each.wrong
            known = found.setdefault(place, each)
            if known.is_admitted == known.is_due:
                found[place] = each
        return found.values()

    def _filed(self) -> Iterator[tuple[str, Entry]]:
        """Yield what was found about other rules than the one at hand, as an entry of the rule that it is about."""
        for nodeid, entry in self.entries.items():
            for filed in entry.filed:
                shown = filed.counterexample
                yield (
                    nodeid,
                    Entry(
                        profile=entry.profile,
                        target=entry.target,
                        url=entry.url,
                        rule=filed.rule,
                        part=entry.part,
                        verdict=filed.verdict,
                        level=_level_of(filed) if filed.verdict == "warning" else "",
                        reason=f"expected {shown.expected}, got {shown.got}, while {entry.rule.id} was examined",
                        counterexample=shown,
                    ),
                )

    def _left_out(self) -> LeftOut | None:
        """Return how much of which rules was not tried, since an answer takes so long; None if all was."""
        found = [entry for entry in self.entries.values() if entry.left_out or entry.rows_left_out]
        if not found:
            return None
        return LeftOut(
            draws=sum(entry.left_out for entry in found),
            rules=_once(entry.rule.id for entry in found),
            seconds_an_answer=round(max(entry.seconds_an_answer for entry in found), 3),
            rows=sum(entry.rows_left_out for entry in found),
        )

    def _limited(self) -> tuple[Limited, ...]:
        """Return where the rate was limited, the endpoint with most answers first."""
        found: dict[str, list[Limited]] = {}
        for entry in self.entries.values():
            for each in entry.limited:
                found.setdefault(each.endpoint, []).append(each)
        summed = (
            Limited(
                endpoint,
                answers=sum(each.answers for each in parts),
                timed=sum(each.timed for each in parts),
                waited_for=sum(each.waited_for for each in parts),
                again=sum(each.again for each in parts),
            )
            for endpoint, parts in found.items()
        )
        return tuple(sorted(summed, key=lambda each: -each.answers))

    def _not_examined(self) -> tuple[NotExamined, ...]:
        """Return what the profile promises and this run could not look at, the reason with most rules first.

        A rule of which any part was examined is none of them.
        """
        examined = {entry.rule.id for entry in self.entries.values() if entry.verdict != "skip"}
        by_reason: dict[str, list[Entry]] = {}
        found_out = {each for entry in self.entries.values() for each in entry.found_out}
        for entry in self.entries.values():
            reason = entry.reason if entry.is_out_of_reach else entry.waits_for if entry.waits_for in found_out else ""
            if reason and entry.rule.id not in examined:
                by_reason.setdefault(reason, []).append(entry)
        found = (
            NotExamined(
                reason=reason,
                chapters=_once(entry.rule.chapter.replace("_", " ") for entry in entries),
                rules=_once(entry.rule.id for entry in entries),
            )
            for reason, entries in by_reason.items()
        )
        return tuple(sorted(found, key=lambda entry: -len(entry.rules)))


def _level_of(filed: Filed) -> str:
    """Return how binding a warning about another rule is, as advice of that rule is."""
    return "MAY" if filed.rule.level == "MAY" else "SHOULD"


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _merged(entries: list[tuple[str, Entry]]) -> RuleRecord:
    """Make one rule of its parts: the worst decides, and of those the first that has a reason."""
    rule = entries[0][1].rule
    found = [entry for _, entry in entries]
    verdict = worst(entry.verdict for entry in found)
    deciding = [entry for entry in found if entry.verdict == verdict]
    decides = next((entry for entry in deciding if entry.reason), deciding[-1])
    parts = tuple(_part(nodeid, entry, rule.level) for nodeid, entry in entries)
    return RuleRecord(
        id=rule.id,
        chapter=rule.chapter,
        level=rule.level,
        sources=rule.sources,
        safety=rule.safety,
        verdict=verdict,
        reason=_reason(verdict, decides.reason, parts),
        requests=sum(entry.requests for entry in found),
        examples=sum(entry.examples for entry in found),
        parts=parts,
        counterexample=decides.counterexample,
        advice=_advice(found),
        unproven=rule.unproven,
        sentence=rule.sentence,
        look=rule.look,
    )


def _part(nodeid: str, entry: Entry, level: str) -> PartRecord:
    return PartRecord(
        nodeid=nodeid,
        part=entry.part,
        verdict=entry.verdict,
        reason=entry.reason,
        level=entry.level or level,
        rows=entry.rows if entry.rows.tried else None,
        counterexample=entry.counterexample,
        cause=entry.cause,
        line=entry.line,
        life=entry.life,
    )


def _causes(rules: Sequence[RuleRecord]) -> tuple[Cause, ...]:
    """Return what the failures of a profile come from: a rule is a cause of its own, unless what came says another."""
    failures = Counter(part.cause or rule.id for rule in rules for part in rule.parts if part.verdict == "fail")
    follow: dict[str, list[str]] = {}
    for rule in rules:
        for part in rule.parts:
            if part.verdict == "skip" and part.cause:
                follow.setdefault(part.cause, []).append(rule.id)
    return tuple(Cause(name, number, _once(follow.get(name, ()))) for name, number in failures.most_common())


def _reason(verdict: Verdict, reason: str, parts: tuple[PartRecord, ...]) -> str:
    """Return why a rule has its verdict; one that has passed says which part of it was looked at."""
    skipped = [part for part in parts if part.verdict == "skip"]
    if verdict != "pass" or not skipped:
        return reason
    words = f"{len(skipped)} of {len(parts)} parts skipped: {skipped[0].reason}"
    return "; ".join(filter(None, [reason, words]))


def _advice(entries: list[Entry]) -> tuple[Advice, ...]:
    """Return the advice of all parts: each once, with the part that it was first given for."""
    found: list[Advice] = []
    for entry in entries:
        known = {advice.expected for advice in found}
        fresh = [advice for advice in entry.advice if advice.expected not in known]
        found += fresh[: MOST_ADVICE - len(known)]
    return tuple(found)


def versions(http: str) -> dict[str, str]:
    """Return the versions of what took part, with the HTTP library that did."""
    found = {"python": platform.python_version()}
    for name in (*DISTRIBUTIONS, http):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


class Ledger:
    """Every profile of a run that began at ``started``, or now."""

    def __init__(self, started: datetime.datetime | None = None) -> None:
        self._started = (started or datetime.datetime.now(datetime.UTC)).isoformat(timespec="seconds")
        self.profiles: dict[str, ProfileLedger] = {}

    def add(self, nodeid: str, entry: Entry, seconds: float) -> None:
        """Enter what came of one item."""
        file = nodeid.partition("::")[0]
        new = ProfileLedger(entry.profile, entry.target, entry.url, entry.is_real, entry.note)
        own = self.profiles.setdefault(file, new)
        own.entries[nodeid] = entry
        own.not_ready = own.not_ready or entry.not_ready
        own.seconds += seconds

    def record(self, seed: int, http: str) -> RunRecord:
        """Return the record of the run; ``http`` is the library whose clients took part."""
        profiles = tuple(one.record() for one in self.profiles.values())
        return RunRecord(version=1, versions=versions(http), seed=seed, started=self._started, profiles=profiles)

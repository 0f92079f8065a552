"""What has changed between two runs: what fails now and did not, what is mended, what else came out differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pytest_apiauth.report.record import WORST_FIRST, ProfileRecord, RunRecord

Direction: TypeAlias = Literal["worse", "better", "other"]
BAD: Final = frozenset({"fail", "unexpected pass", "inconclusive", "not ready", "not run"})
RANK: Final = {"pass": 0, "skip": 0, "expected failure": 1, "warning": 1}
ABSENT: Final = "not there"
MOST_ABSENT: Final = 10
"""Parts that are in one run only and no worse for it, from which on they are counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """One part of one rule whose verdict is another now; of a whole profile if ``rule`` is empty."""

    profile: str
    rule: str
    part: str
    before: str
    after: str
    words: str
    """Why it is what it is now, if there is a reason."""

    @property
    def direction(self) -> Direction:
        """Whether that is worse, better, or neither."""
        before, after = (2 if verdict in BAD else RANK.get(verdict, 0) for verdict in (self.before, self.after))
        if before == after:
            return "other"
        return "worse" if after > before else "better"

    @property
    def line(self) -> str:
        """The change in one line."""
        place = (
            f"{self.profile}: {self.rule}[{self.part}]"
            if self.part
            else ": ".join(filter(None, (self.profile, self.rule)))
        )
        why = f": {self.words}" if self.words else ""
        return f"{place}: {self.before} before, {self.after} now{why}"


def changes(before: RunRecord, after: RunRecord) -> list[Change]:
    """Return what changed, what got worse first. Profiles are known by names, namesakes by their files too."""
    old, new = _named(before), _named(after)
    found = [
        change for name in dict.fromkeys([*new, *old]) for change in _of_profile(name, old.get(name), new.get(name))
    ]
    order: tuple[Direction, ...] = ("worse", "better", "other")
    return sorted(found, key=lambda change: order.index(change.direction))


def _named(run: RunRecord) -> dict[str, ProfileRecord]:
    names = Counter(profile.name for profile in run.profiles)
    return {
        profile.name if names[profile.name] == 1 else f"{profile.name} ({profile.file})": profile
        for profile in run.profiles
    }


def _of_profile(name: str, before: ProfileRecord | None, after: ProfileRecord | None) -> Iterator[Change]:
    if before is None or after is None:
        old, new = (ABSENT if one is None else one.verdict for one in (before, after))
        yield Change(name, "", "", old, new, "" if after is None else after.error)
        return
    if before.error or after.error:
        if before.verdict != after.verdict or before.error != after.error:
            yield Change(name, "", "", before.verdict, after.verdict, after.error)
        return
    old_parts, new_parts = _parts(before), _parts(after)
    for place in dict.fromkeys([*new_parts, *old_parts]):
        (old_verdict, _), (verdict, words) = (parts.get(place, (ABSENT, "")) for parts in (old_parts, new_parts))
        if old_verdict != verdict:
            yield Change(name, *place, old_verdict, verdict, words if verdict != "pass" else "")


def _parts(profile: ProfileRecord) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the verdict and reason of each part of each rule: the worst, if another rule's items found more there."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    parts = [(rule.id, part) for rule in profile.rules for part in rule.parts]
    for rule_id, part in sorted(parts, key=lambda each: WORST_FIRST.index(each[1].verdict)):
        found.setdefault((rule_id, part.part), (part.verdict, part.reason))
    return {place: found[place] for place in dict.fromkeys((rule_id, part.part) for rule_id, part in parts)}


def lines(before: RunRecord, after: RunRecord) -> Iterator[str]:
    """Yield what changed in words."""
    found = changes(before, after)
    if not found:
        yield f"nothing has changed since {before.started}"
        return
    counts = {
        direction: sum(each.direction == direction for each in found) for direction in ("worse", "better", "other")
    }
    yield f"since {before.started}: {counts['worse']} worse, {counts['better']} better, {counts['other']} otherwise"
    come_or_gone = [each for each in found if each.direction == "other" and ABSENT in (each.before, each.after)]
    for change in found:
        if change not in come_or_gone or len(come_or_gone) <= MOST_ABSENT:
            yield f"  {change.direction:<6}  {change.line}"
    if len(come_or_gone) > MOST_ABSENT:
        yield f"  other   {len(come_or_gone)} parts are in one of the two runs only"

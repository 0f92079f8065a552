"""Every verdict of a run, gathered at the controller and merged by profile and rule."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
WORST_FIRST = (
    "fail", "unexpected pass", "inconclusive", "warning", "not run", "expected failure", "pass", "skip",
)  # fmt: skip
"""The worst part decides a rule. A rule that passed on one part and does not apply to another has passed."""


def worst(verdicts: list[str]) -> str:
    """Give the verdict that decides."""
    return next(verdict for verdict in WORST_FIRST if verdict in verdicts)


MOST_ADVICE = 10
"""Pieces of advice that a report shows of one rule."""


@dataclass(slots=True)
class ProfileLedger:
    """What came of one profile."""

    name: str
    target: str
    url: str
    seconds: float = 0.0
    not_ready: dict[str, str] | None = None
    """Why nothing could be examined: a verdict and an error in one line."""
    records: dict[str, Record] = field(default_factory=dict)

    @property
    def verdicts(self) -> list[str]:
        """The verdict of each item."""
        return [record["verdict"] for record in self.records.values()]

    @property
    def nothing_applied(self) -> bool:
        """Whether no rule came to any verdict but skip."""
        return bool(self.records) and all(verdict == "skip" for verdict in self.verdicts)

    def broken(self) -> list[tuple[str, Record]]:
        """Give the rules that were broken while others were examined, and are not expected to be, once for each cause.

        Of the requests that show one cause, what is shortest to read.
        """
        found: dict[tuple[str, str], Record] = {}
        for record in self.records.values():
            for name, each in record["breaches"].items():
                cause = name, each["got"]
                is_shorter = cause not in found or len(each["curl"]) < len(found[cause]["curl"])
                if name not in record.get("expected", {}) and is_shorter:
                    found[cause] = each
        return [(name, each) for (name, _), each in found.items()]

    def rules(self) -> list[Record]:
        """Merge the parts of each rule, and file each breach under the rule that it broke."""
        merged: dict[str, Record] = {}
        for nodeid, record in self.records.items():
            rule = merged.setdefault(record["id"], _empty_rule(record))
            _add_part(rule, nodeid, record)
        causes = set()
        for nodeid, breach in self._filed():
            # What one cause does to many rules is one finding, and no more parts than that.
            cause = breach["id"], breach["verdict"], breach["counterexample"]["got"]
            if cause not in causes:
                causes.add(cause)
                _add_part(merged.setdefault(breach["id"], _empty_rule(breach)), nodeid, breach)
        for rule in merged.values():
            _tell_skipped_parts(rule)
        return list(merged.values())

    def _filed(self) -> Iterator[tuple[str, Record]]:
        """Give what was found about other rules than the one at hand, as a record of the rule that it is about."""
        for nodeid, record in self.records.items():
            known = record.get("expected", {})
            for usual, found in (("fail", record["breaches"]), ("warning", record.get("filed", {}))):
                for rule_id, shown in found.items():
                    verdict = "expected failure" if rule_id in known and usual == "fail" else usual
                    reason = f"expected {shown['expected']}, got {shown['got']}, while {record['id']} was examined"
                    breach = {**record, "id": rule_id, "verdict": verdict, "reason": reason, "counterexample": shown}
                    breach |= {"requests": 0, "examples": 0, "advice": [], "rows": {}}
                    breach["deciding_level"] = "SHOULD" if usual == "warning" else None
                    yield nodeid, breach | record.get("others", {}).get(rule_id, {})

    def left_out(self) -> Record | None:
        """Give how many draws of which rules were not tried, since an answer takes so long; None where all were."""
        found = [record for record in self.records.values() if record.get("left_out")]
        if not found:
            return None
        return {
            "draws": sum(record["left_out"] for record in found),
            "rules": list(dict.fromkeys(record["id"] for record in found)),
            "seconds_an_answer": round(max(record["seconds_an_answer"] for record in found), 3),
        }

    def not_examined(self) -> list[Record]:
        """Give what the profile promises and this run could not look at: a reason, its chapters and rules, most first.

        A rule of which any part was examined is none of them.
        """
        found: dict[str, Record] = {}
        examined = {record["id"] for record in self.records.values() if record["verdict"] != "skip"}
        for record in self.records.values():
            if record.get("is_out_of_reach") and record["id"] not in examined:
                entry = found.setdefault(record["reason"], {"reason": record["reason"], "chapters": [], "rules": []})
                for name, value in (("chapters", record["chapter"].replace("_", " ")), ("rules", record["id"])):
                    entry[name] += [] if value in entry[name] else [value]
        return sorted(found.values(), key=lambda entry: -len(entry["rules"]))


def _empty_rule(record: Record) -> Record:
    shared = ("id", "chapter", "level", "sources", "safety")
    return {name: record[name] for name in shared} | {
        "verdict": "skip", "reason": "", "requests": 0, "examples": 0, "parts": [], "counterexample": None,
        "advice": [],
    }  # fmt: skip


def _add_part(rule: Record, nodeid: str, record: Record) -> None:
    part = {"nodeid": nodeid, "part": record["part"], "verdict": record["verdict"], "reason": record["reason"]}
    part["level"] = record.get("deciding_level") or rule["level"]
    if record.get("rows", {}).get("tried"):
        part["rows"] = record["rows"]
    if record["counterexample"] is not None:
        part["counterexample"] = record["counterexample"]
    rule["parts"].append(part)
    decides = worst([rule["verdict"], record["verdict"]]) == record["verdict"]
    if decides and (rule["verdict"] != record["verdict"] or not rule["reason"]):
        rule["verdict"], rule["reason"] = record["verdict"], record["reason"]
        rule["counterexample"] = record["counterexample"]
    known = {advice["expected"] for advice in rule["advice"]}
    fresh = [{"part": record["part"], **advice} for advice in record.get("advice", ())]
    rule["advice"] += [advice for advice in fresh if advice["expected"] not in known][: MOST_ADVICE - len(known)]
    rule["requests"] += record["requests"]
    rule["examples"] += record["examples"]


def _tell_skipped_parts(rule: Record) -> None:
    """Say of a rule that has passed which part of it was looked at."""
    skipped = [part for part in rule["parts"] if part["verdict"] == "skip"]
    if rule["verdict"] == "pass" and skipped:
        words = f"{len(skipped)} of {len(rule['parts'])} parts skipped: {skipped[0]['reason']}"
        rule["reason"] = "; ".join(filter(None, [rule["reason"], words]))


class Ledger:
    """Every profile of a run."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.profiles: dict[str, ProfileLedger] = {}

    def add(self, nodeid: str, record: Record, seconds: float) -> None:
        """Enter one item's record."""
        file = nodeid.partition("::")[0]
        own = self.profiles.setdefault(file, ProfileLedger(record["profile"], record["target"], record["url"]))
        own.records[nodeid] = record
        own.not_ready = own.not_ready or record.get("not_ready")
        own.seconds += seconds

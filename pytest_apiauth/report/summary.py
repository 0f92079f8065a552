"""A profile of the report in words, for the terminal and for Markdown alike: all of it from the record."""

from __future__ import annotations

from collections import Counter

from pytest_apiauth.report.record import Cause, Limited, NotExamined, ProfileRecord, RuleRecord

MOST_REASONS = 4
"""Reasons why rules were not examined that are told."""
MOST_RULES = 2
"""Rules that were not examined for one reason, above which their chapters are named."""
MOST_CAUSES = 8
"""Causes of failures that are told."""


def counted(number: int, word: str) -> str:
    """Count in words: one rule, two rules."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def counts(profile: ProfileRecord) -> str:
    """Count the rules by verdict, and those of the passed ones of which a part was skipped."""
    found = Counter(rule.verdict for rule in profile.rules)
    partly = sum(rule.verdict == "pass" and is_partly_skipped(rule) for rule in profile.rules)
    more = {"pass": f" ({partly} of them in part)"} if partly else {}
    return ", ".join(f"{number} {verdict}{more.get(verdict, '')}" for verdict, number in found.items())


def is_partly_skipped(rule: RuleRecord) -> bool:
    """Whether some parts of a rule were skipped, and not all."""
    skipped = [part.verdict == "skip" for part in rule.parts]
    return any(skipped) and not all(skipped)


def not_ready(profile: ProfileRecord) -> str:
    """Say why nothing of a profile was examined; empty if it was."""
    return f"{profile.verdict}: {profile.error}" if profile.error else ""


def warnings(rule: RuleRecord) -> list[str]:
    """Return each warning of a rule with the level of what warns: that of advice is not that of the rule."""
    lines = [f"({advice.level}): advised {advice.expected}, got {advice.got}" for advice in rule.advice]
    if rule.verdict == "warning" and not _is_told(rule):
        lines.insert(0, f"({deciding_level(rule)}): {rule.reason}")
    return lines


def _is_told(rule: RuleRecord) -> bool:
    """Whether what decides a warning is one of its pieces of advice."""
    found = rule.counterexample
    return found is not None and any(
        advice.curl == found.curl and advice.expected == found.expected for advice in rule.advice
    )


def deciding_level(rule: RuleRecord) -> str:
    """Return the level of the part that decides."""
    return next((part.level for part in rule.parts if part.verdict == rule.verdict), rule.level)


def causes(profile: ProfileRecord) -> str:
    """Count the failures and what they come from, and name that; empty if nothing failed."""
    found = profile.causes
    if not found:
        return ""
    failures = sum(cause.failures for cause in found)
    more = [f"{len(found) - MOST_CAUSES} more"] if len(found) > MOST_CAUSES else []
    named = ", ".join([*map(_cause, found[:MOST_CAUSES]), *more])
    return f"{counted(failures, 'failure')} of {counted(len(found), 'cause')}: {named}"


def _cause(cause: Cause) -> str:
    words = [counted(cause.failures, "failure")] if cause.failures > 1 else []
    if cause.follow:
        words.append(f"{counted(len(cause.follow), 'rule')} {'follows' if len(cause.follow) == 1 else 'follow'}")
    return f"{cause.name} ({', '.join(words)})" if words else cause.name


def left_out(profile: ProfileRecord) -> str:
    """Say how many draws and rows were not tried since the server is slow; empty if all were."""
    found = profile.left_out
    if found is None:
        return ""
    took = f"an answer takes {found.seconds_an_answer * 1000:.0f} ms"
    words = [counted(number, word) for number, word in ((found.draws, "draw"), (found.rows, "row")) if number]
    complete = "" if found.rows else ", every table complete"
    return f"{' and '.join(words)} of {counted(len(found.rules), 'rule')} left out{complete}: {took}"


def limited(profile: ProfileRecord) -> str:
    """Say where the rate was limited, and whether the server said until when, and kept that; empty if nowhere."""
    return "; ".join(map(_limited, profile.limited))


def _limited(found: Limited) -> str:
    words = [f"{found.timed} with Retry-After"] if found.timed else ["none with Retry-After"]
    if found.waited_for:
        kept = f"{found.waited_for} waited for"
        words.append(f"{kept}, then 429 again {counted(found.again, 'time')}" if found.again else kept)
    return f"429 {counted(found.answers, 'time')} at {found.endpoint}: {', '.join(words)}"


def unproven(profile: ProfileRecord) -> str:
    """Say which rules of the project's own have no fault to show that they can fail; empty if each has one."""
    found = [rule.id for rule in profile.rules if rule.unproven]
    return f"{counted(len(found), 'rule')} unproven, without a fault to catch: {', '.join(found)}" if found else ""


def not_examined(profile: ProfileRecord) -> str:
    """Say what the profile promises and this run could not look at, and why; empty if there is nothing."""
    found = profile.not_examined
    if not found:
        return ""
    number = len({rule for entry in found for rule in entry.rules})
    reasons = [f"{entry.reason} ({', '.join(_named(entry))})" for entry in found[:MOST_REASONS]]
    more = [f"{len(found) - MOST_REASONS} more reasons"] if len(found) > MOST_REASONS else []
    whole = "; ".join([*reasons, *more])
    return f"{number} of {counted(len(profile.rules), 'rule')} of {profile.name} not examined: {whole}"


def _named(entry: NotExamined) -> tuple[str, ...]:
    """Name few rules one by one, and many by their chapters."""
    return entry.rules if len(entry.rules) <= MOST_RULES else entry.chapters

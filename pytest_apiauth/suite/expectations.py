"""Expected failures: what a profile's owner knows to be broken, and has a reason to keep for now.

They are strict: what passes although it is expected to fail is a failure of its own, so that no entry outlives the
bug it stands for; but for server errors, which any rule may meet, so that the table of the one they count against may
pass all the same. A warning counts as not held, so that an entry means the same with ``--apiauth-strict``. What
could not be examined stays what it is. On the embedded server, which has no bugs to know of, they do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pytest_apiauth.profile.loading import did_you_mean
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Rule, Verdict
from pytest_apiauth.suite.judging import Outcome
from pytest_apiauth.suite.rows import SERVER_ERROR_RULE


def unmatched(profile: Profile, rules: Mapping[str, Rule]) -> list[str]:
    """Return a line for each entry of ``[expected_failures]`` that names none of these rules, or no part of one."""
    if not profile.expected_failures:
        return []
    names = {rule.id: [rule.id, *_parts(rule, profile)] for rule in rules.values()}
    applying = [name for found in names.values() if len(found) > 1 for name in found]
    wrong = []
    for name in profile.expected_failures:
        key = f"{profile.name}: expected_failures: {name}"
        if name in applying:
            continue
        if name in names:
            wrong.append(f"{key}: that rule applies to nothing in this profile: {rules[name].applies.reason(profile)}")
        else:
            wrong.append(f"{key}: no such rule or part{did_you_mean(name, applying)}; write a rule's id, or id[part]")
    return wrong


def _parts(rule: Rule, profile: Profile) -> Iterator[str]:
    return (f"{rule.id}[{part}]" if part else rule.id for part in rule.applies.find(profile))


def concerning(profile: Profile, rule_id: str, part: str, breaches: Iterable[str]) -> dict[str, str]:
    """Return the reasons that count for one item, by rule id: its own rule's, and those it broke besides."""
    table = profile.expected_failures
    found = {each: table.get(f"{each}[{part}]", table.get(each)) for each in (rule_id, *breaches)}
    return {each: reason for each, reason in found.items() if reason is not None}


def applied(outcome: Outcome, expected: Mapping[str, str], rule_id: str) -> Outcome:
    """Return the outcome of an item in the light of what is expected of its rule."""
    verdict = outcome.verdict
    unknown = [each for each in outcome.breaches if each not in expected]
    if rule_id in expected:
        if verdict in (Verdict.FAIL, Verdict.WARNING) and unknown:
            reason = f"{unknown[0]} was broken too, which is not expected"
            return replace(outcome, verdict=Verdict.INCONCLUSIVE, reason=reason, cause="")
        if verdict in (Verdict.FAIL, Verdict.WARNING):
            return replace(outcome, verdict=Verdict.EXPECTED, reason=expected[rule_id])
        # Other rules meet server errors too, before and after this one's own table.
        if verdict is Verdict.PASS and rule_id != SERVER_ERROR_RULE:
            reason = (
                f"unexpected pass: expected to fail ({expected[rule_id]}); take it out of [expected_failures], or name"
                " the part that fails"
            )
            return replace(outcome, verdict=Verdict.UNEXPECTED, reason=reason)
    # A rule that could not be finished since another one was broken that is known to be.
    if verdict is Verdict.INCONCLUSIVE and outcome.breaches and not unknown and not outcome.has_open_end:
        known = next(iter(outcome.breaches))
        return replace(outcome, verdict=Verdict.EXPECTED, reason=f"{known}: {expected[known]}")
    return outcome

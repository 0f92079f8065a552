"""From the outcome of an item to its entry in the ledger: words of the suite become words of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.report.record import (
    Admission,
    Advice,
    Counterexample,
    Entry,
    Event,
    Filed,
    Limited,
    NotReady,
    Rows,
    RuleFacts,
)
from pytest_apiauth.suite import outcomes
from pytest_apiauth.suite.book import Level, Rule, Verdict
from pytest_apiauth.suite.judging import Outcome
from pytest_apiauth.targets.target import TargetKind


@dataclass(frozen=True, slots=True)
class Examined:
    """What an outcome is about: one rule on one part of a profile, and what it took."""

    profile: Profile
    kind: TargetKind
    url: str
    """The URL that the run touches, for people to read."""
    rules: Mapping[str, Rule]
    """Every rule of the profile, by id."""
    rule: Rule
    part: str
    requests: int
    tokens_issued: int
    not_ready: NotReady | None
    expected: Mapping[str, str]
    """The expected failures that count here, with their reasons, by rule id."""
    file: str = ""
    """The profile's file, as a person reads it."""
    line: int = 0
    """Where the part stands in it; 0 if it does not."""


def entry_of(item: Examined, outcome: Outcome, redactor: Redactor) -> Entry:
    """Return what came of an item, as the ledger takes it."""
    profile, kind, found = item.profile, item.kind, outcome.counterexample
    return Entry(
        profile=profile.name,
        target=kind.name,
        url=item.url,
        rule=_facts(item.rule, profile, outcome.level, redactor),
        part=item.part,
        verdict=outcome.verdict.value,
        level=outcome.deciding_level.value,
        reason=printable(redactor.redact(outcome.reason)),
        counterexample=None if found is None else _shown(found),
        cause=printable(redactor.redact(outcome.cause)),
        requests=item.requests,
        examples=outcome.examples,
        tokens_issued=item.tokens_issued,
        advice=tuple(Advice(item.part, outcome.advice_level.value, **asdict(each)) for each in outcome.advice),
        rows=Rows(outcome.rows, outcome.failed_rows, outcome.unjudged_rows),
        filed=tuple(_filed(item, outcome, redactor)),
        left_out=outcome.left_out,
        rows_left_out=outcome.rows_left_out,
        seconds_an_answer=outcome.seconds_an_answer,
        limited=tuple(
            Limited(printable(redactor.redact(place)), **asdict(found)) for place, found in outcome.limited.items()
        ),
        is_out_of_reach=outcome.is_out_of_reach,
        not_ready=item.not_ready,
        is_real=kind.is_real,
        note=kind.note,
        file=item.file,
        line=item.line,
        statements={name: printable(profile.statements[name].text) for name in profile.statements_for(item.rule.id)},
        admissions=tuple(Admission(**asdict(each)) for each in outcome.admissions),
        waits_for=item.rule.applies.waits_for if outcome.verdict is Verdict.SKIP else "",
        found_out=outcome.found_out,
        life=tuple(Event(**asdict(each)) for each in outcome.life),
    )


def _filed(item: Examined, outcome: Outcome, redactor: Redactor) -> Iterator[Filed]:
    """Yield what the item has found out about other rules: failures first, then warnings."""
    profile, rules = item.profile, item.rules
    for rule_id, found in outcome.breaches.items():
        facts = _facts(rules[rule_id], profile, rules[rule_id].level_for(profile), redactor)
        yield Filed(facts, "expected failure" if rule_id in item.expected else "fail", _shown(found))
    for rule_id, found in outcome.filed.items():
        facts = _facts(rules[rule_id], profile, rules[rule_id].level_for(profile), redactor)
        yield Filed(facts, "warning", _shown(found))


def _shown(found: outcomes.Counterexample) -> Counterexample:
    return Counterexample(**asdict(found))


def _facts(rule: Rule, profile: Profile, level: Level, redactor: Redactor) -> RuleFacts:
    """Return what a report says of a rule, whatever came of it."""
    return RuleFacts(
        id=rule.id,
        chapter=rule.chapter,
        level=level.value,
        sources=tuple(rule.sources_for(profile)),
        safety=rule.safety.value,
        catches=rule.faults,
        unproven=rule.is_unproven,
        sentence=rule.title,
        look=printable(redactor.redact(rule.look)),
    )

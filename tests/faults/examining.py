"""Examinations of the built-in profiles on embedded servers with and without faults."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from pytest_apiauth import loading, suite
from pytest_apiauth.examination import Examination
from pytest_apiauth.judge import Conditions, Outcome, judge
from pytest_apiauth.rules import REGISTRY, Rule
from pytest_apiauth.secrets import Redactor
from pytest_apiauth.target import EmbeddedTarget

suite.load_chapters()

CONDITIONS = Conditions(examples=30, seed=0)
PROFILES = {name: loading.load(path) for name, path in loading.builtin_profiles().items()}


@cache
def owners() -> dict[str, Rule]:
    """Give the rule that owns each fault."""
    return {fault: rule for rule in REGISTRY for fault in rule.faults}


def examine(
    profile_name: str, rules: Iterable[Rule], *, faults: Iterable[str] = (), variants: Iterable[str] = ()
) -> dict[tuple[str, str], Outcome]:
    """Judge rules on every part of a profile they apply to, and give the outcomes by rule id and part."""
    profile, redactor = PROFILES[profile_name], Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library="httpx", faults=faults, variants=variants)
    examination = Examination(target, redactor)
    examination.prepare()
    return {
        (rule.id, part): judge(rule, examination, argument, CONDITIONS)
        for rule in rules
        for part, argument in rule.applies.find(profile).items()
    }

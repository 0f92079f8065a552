"""Examinations of the built-in profiles on embedded servers with and without faults."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import FAULTS, VARIANTS
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.loopback import LoopbackTarget
from tests.here import USUAL
from tests.sharing import about

bundled.load_chapters()

CONDITIONS = Conditions(examples=30, seed=0)
QUICK = Conditions(examples=12, seed=0)
CAUGHT = (Verdict.FAIL, Verdict.WARNING)
REFERENCE = Path(__file__).parent.parent / "profiles" / "reference.apiauth.toml"
PROFILES = {
    **{name: loading.load(path) for name, path in loading.builtin_profiles().items()},
    "reference": loading.load(REFERENCE),
    "public": loading.load(REFERENCE.with_name("public.apiauth.toml")),
    "device": loading.load(REFERENCE.with_name("device.apiauth.toml")),
    "scoped": loading.load(REFERENCE.with_name("scoped.apiauth.toml")),
    "login": loading.load(REFERENCE.with_name("login.apiauth.toml")),
    "assertion": loading.load(REFERENCE.with_name("assertion.apiauth.toml")),
    "target": loading.load(REFERENCE.with_name("target.apiauth.toml")),
    "jwt": loading.load(REFERENCE.with_name("jwt.apiauth.toml")),
    "signed": loading.load(REFERENCE.with_name("signed.apiauth.toml")),
    "pushed": loading.load(REFERENCE.with_name("pushed.apiauth.toml")),
    "dpop": loading.load(REFERENCE.with_name("dpop.apiauth.toml")),
    "mtls": loading.load(REFERENCE.with_name("mtls.apiauth.toml")),
    "bound": loading.load(REFERENCE.with_name("bound.apiauth.toml")),
}


def scripted(profile: Profile) -> Profile:
    """Return a profile whose people are played by a script, if its server may ask them to log in."""
    return profile.replaced(login={}) if profile.interactive_grant else profile


VARIED = {
    name: scripted(profile)
    for name, profile in {**PROFILES, "silent": loading.load(REFERENCE.with_name("silent.apiauth.toml"))}.items()
}
"""The profiles that variants are examined on; the last one is silent wherever a server may differ."""
KEYED = {
    name: loading.load(REFERENCE.with_name(f"{name}.apiauth.toml"))
    for name in ("query", "cookie", "moved", "named", "tokens", "posted", "paired")
}
"""Profiles whose key, token or client travels in another place than usual."""
EXAMINED = {**PROFILES, **KEYED}
"""All of them: what no usual profile shows is looked for in the others, and mutants of the embedded server are."""


@cache
def owners() -> dict[str, Rule]:
    """Give the rule that owns each fault."""
    return {fault: rule for rule in REGISTRY for fault in rule.faults}


def about_fault(name: str) -> pytest.MarkDecorator:
    """Mark a row of a table with the files that a fault and its rule are written in."""
    return about(FAULTS[name].mixin, owners()[name].function)


def about_variants(*names: str, rules: Iterable[str] = ()) -> pytest.MarkDecorator:
    """Mark a row of a table with the files that variants, and rules about them, are written in."""
    return about(*(VARIANTS[name].mixin for name in names), *(REGISTRY[rule_id].function for rule_id in rules))


def about_profile(name: str) -> pytest.MarkDecorator:
    """Mark a row of a table with the file that a profile is written in."""
    return about(loading.builtin_profiles().get(name, REFERENCE.with_name(f"{name}.apiauth.toml")))


def about_rules(*ids: str) -> pytest.MarkDecorator:
    """Mark a row of a table with the files that rules are written in."""
    return about(*(REGISTRY[rule_id].function for rule_id in ids))


def examine(
    profile_name: str,
    rules: Iterable[Rule],
    *,
    faults: Iterable[str | Fault] = (),
    variants: Iterable[str] = (),
    conditions: Conditions = CONDITIONS,
) -> dict[tuple[str, str], Outcome]:
    """Judge rules on every part of a profile they apply to, and give the outcomes by rule id and part."""
    profile, redactor = {**VARIED, **KEYED}[profile_name], Redactor()
    chosen = [rule for rule in rules if rule.applies.find(profile)]
    if not chosen:
        return {}
    build = LoopbackTarget if all(rule.wire for rule in chosen) else EmbeddedTarget.build
    target = build(profile, redactor=redactor, library=USUAL, faults=faults, variants=variants)
    examination = Examination(target, redactor)
    try:
        make_ready(examination)
        return {
            (rule.id, part): judge(rule, examination, argument, conditions)
            for rule in chosen
            for part, argument in rule.applies.find(profile).items()
        }
    finally:
        target.close()

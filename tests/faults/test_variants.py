"""No rule against a good server, however it differs; a naive assertion against each of them.

The whole suite on every variant, and on sets of them, takes minutes: ``pytest tests/faults/test_variants.py -m slow``.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import pytest

from pytest_apiauth.embedded import FAULTS, VARIANTS
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict

from . import naive_endpoint, naive_people, naive_resources, naive_tokens
from .differences import DIFFERENCES
from .examining import QUICK, VARIED, about_variants, examine
from .naive import NAIVE, Visitor

TABLES = (naive_resources, naive_tokens, naive_endpoint, naive_people)
SETS = 24
QUIET = (Verdict.PASS, Verdict.SKIP)


def alarms(rules: Iterable[Rule], variants: list[str], profiles: Iterable[str] = VARIED) -> dict[str, str]:
    """Examine a good server by rules, in process and on a socket; give what should not have been found."""
    allowed = {rule_id for name in variants for rule_id in NAIVE[name].warns}
    chosen = list(rules)
    groups = [[rule for rule in chosen if rule.wire is on_wire] for on_wire in (False, True)]
    found = {}
    for profile, group in itertools.product(profiles, filter(None, groups)):
        for (rule_id, part), outcome in examine(profile, group, variants=variants, conditions=QUICK).items():
            is_advice = outcome.verdict is Verdict.WARNING and rule_id in allowed
            if outcome.verdict not in QUIET and not is_advice:
                found[f"{rule_id} on {profile}[{part}]"] = f"{outcome.verdict.value}: {outcome.reason}"
    return found


def test_every_variant_has_its_naive_assertion() -> None:
    """Each variant is there since somebody would call it broken; there are 42 of them at least."""
    assert set(NAIVE) == set(VARIANTS)
    assert len(VARIANTS) >= 42
    assert all(table.__doc__ for table in TABLES)


@pytest.mark.parametrize("name", NAIVE)
def test_the_naive_assertion_raises_a_false_alarm(name: str) -> None:
    """A naive assertion holds on the plain server and fails on a server that differs as it may."""
    row = NAIVE[name]
    row.assertion(Visitor(row.profile))
    with pytest.raises(AssertionError):
        row.assertion(Visitor(row.profile, name))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=about_variants(name, rules=row.rules)) for name, row in NAIVE.items()]
)
@pytest.mark.slow
def test_the_rules_about_it_do_not(name: str) -> None:
    """The rules that look at the same thing find nothing, or advise where advice is due."""
    row = NAIVE[name]
    assert alarms([REGISTRY[rule_id] for rule_id in row.rules], [name], dict.fromkeys((row.profile, "reference"))) == {}


def test_every_advice_is_given() -> None:
    """Where a rule may advise against a variant, it does so on some profile: no permission is given in vain."""
    for name, row in NAIVE.items():
        given = {
            rule_id
            for profile in VARIED
            for (rule_id, _), outcome in examine(
                profile, [REGISTRY[rule_id] for rule_id in row.warns], variants=[name], conditions=QUICK
            ).items()
            if outcome.verdict is Verdict.WARNING
        } if row.warns else set()  # fmt: skip
        assert given == row.warns, name


def test_every_difference_is_accounted_for() -> None:
    """Each way in which good servers were seen to differ is a variant, a fault that warns, or not the server's."""
    for row, names in DIFFERENCES.items():
        known = [name for name in names if name in VARIANTS or name in FAULTS]
        assert known == list(names) or len(names) == 1, row


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=about_variants(name)) for name in NAIVE])
def test_the_whole_suite_finds_no_fault_with_a_variant(name: str) -> None:
    """No rule fails, warns without cause or is inconclusive on any variant, for any profile."""
    assert alarms(REGISTRY, [name]) == {}


def set_of(seed: int) -> list[str]:
    """Return some variants, always the same ones."""
    dice = random.Random(seed)
    return dice.sample(sorted(VARIANTS), dice.randint(3, 6))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [pytest.param(seed, marks=about_variants(*set_of(seed))) for seed in range(SETS)])
def test_the_whole_suite_finds_no_fault_with_sets_of_variants(seed: int) -> None:
    """A good server may differ in many ways at once."""
    chosen = set_of(seed)
    # Each profile meets a sixth of the sets, the one with most in it meets all.
    profiles = dict.fromkeys(["reference", *itertools.islice(VARIED, seed % 6, None, 6)])
    assert alarms(REGISTRY, chosen, profiles) == {}, chosen

"""Each rule against the fault it exists for, and no rule against a server without faults."""

from __future__ import annotations

import pytest

from pytest_apiauth.embedded import FAULTS
from pytest_apiauth.rules import REGISTRY, Verdict

from .examining import PROFILES, examine, owners

CAUGHT = (Verdict.FAIL, Verdict.WARNING)


def test_every_fault_has_an_owner() -> None:
    """Every fault of the embedded server is owned by exactly one rule, and every rule's faults exist."""
    assert set(FAULTS) == set(owners())
    assert len(owners()) == sum(len(rule.faults) for rule in REGISTRY)


@pytest.mark.parametrize("name", sorted(owners()))
def test_the_owner_catches_the_fault(name: str) -> None:
    """A server with one fault is caught by the rule that owns it, with a curl line that shows how."""
    caught = [
        outcome
        for profile in PROFILES
        for outcome in examine(profile, [owners()[name]], faults=[name]).values()
        if outcome.verdict in CAUGHT
    ]
    assert caught
    for outcome in caught:
        assert outcome.counterexample is not None
        assert outcome.counterexample.curl.startswith("curl -")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_server_without_faults_breaks_no_rule(profile: str) -> None:
    """On a server that keeps its promise every rule passes, or says why it does not apply."""
    outcomes = examine(profile, REGISTRY)
    assert {key: o.reason for key, o in outcomes.items() if o.verdict not in (Verdict.PASS, Verdict.SKIP)} == {}
    assert sum(o.verdict is Verdict.PASS for o in outcomes.values()) >= 24


@pytest.mark.slow
def test_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault against every rule: caught by its owner, and printed with every other rule that sees it."""
    lines = []
    for name in sorted(FAULTS):
        seen: set[str] = set()
        for profile in PROFILES:
            outcomes = examine(profile, REGISTRY, faults=[name])
            seen |= {rule_id for (rule_id, _), outcome in outcomes.items() if outcome.verdict in CAUGHT}
        owner = owners()[name].id
        assert owner in seen, name
        lines.append(f"{name:36} {owner:24} also: {', '.join(sorted(seen - {owner})) or '-'}")
    with capsys.disabled():
        print("", *lines, sep="\n")

"""Each rule against the fault it exists for, and no rule against a server without faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_apiauth.embedded import FAULTS
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.judging import Outcome

from .examining import CAUGHT, EXAMINED, PROFILES, about_profile, examine, owners


def test_every_fault_has_an_owner() -> None:
    """Every fault of the embedded server is owned by exactly one rule, and every rule's faults exist."""
    assert set(FAULTS) == set(owners())
    assert len(owners()) == sum(len(rule.faults) for rule in REGISTRY)


def each_fault() -> Iterator[Any]:
    """Give every fault; those of the life cycle take seconds each, since sequences are drawn and shrunk."""
    for name, owner in sorted(owners().items()):
        yield pytest.param(name, marks=[pytest.mark.slow] if owner.chapter == "lifecycle" else [])


@pytest.mark.parametrize("name", each_fault())
def test_the_owner_catches_the_fault(name: str) -> None:
    """A server with one fault is caught by the rule that owns it, with a curl line that shows how."""
    caught: list[Outcome] = []
    for profile in EXAMINED:
        outcomes = examine(profile, [owners()[name]], faults=[name]).values()
        caught = [outcome for outcome in outcomes if outcome.verdict in CAUGHT]
        if caught:
            break
    assert caught
    for outcome in caught:
        assert outcome.counterexample is not None
        assert outcome.counterexample.curl.startswith("curl -")


@pytest.mark.slow
@pytest.mark.parametrize("profile", [pytest.param(name, marks=about_profile(name)) for name in PROFILES])
def test_a_server_without_faults_breaks_no_rule(profile: str) -> None:
    """On a server that keeps its promise every rule passes, or says why it does not apply."""
    outcomes = examine(profile, REGISTRY)
    assert {key: o.reason for key, o in outcomes.items() if o.verdict not in (Verdict.PASS, Verdict.SKIP)} == {}
    assert sum(o.verdict is Verdict.PASS for o in outcomes.values()) >= 24


@pytest.mark.parametrize("profile", PROFILES)
def test_a_faultless_server_on_a_socket_breaks_no_rule(profile: str) -> None:
    """The rules about connections and bytes pass on the loopback wire, and none of them is skipped there."""
    outcomes = examine(profile, [rule for rule in REGISTRY if rule.wire])
    assert {outcome.verdict for outcome in outcomes.values()} == {Verdict.PASS}

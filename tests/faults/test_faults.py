"""Each rule against the fault it exists for, and no rule against a server without faults."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from pytest_apiauth.embedded import FAULTS
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.judging import Outcome

from .examining import PROFILES, QUICK, examine, owners

CAUGHT = (Verdict.FAIL, Verdict.WARNING)


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
    for profile in PROFILES:
        outcomes = examine(profile, [owners()[name]], faults=[name]).values()
        caught = [outcome for outcome in outcomes if outcome.verdict in CAUGHT]
        if caught:
            break
    assert caught
    for outcome in caught:
        assert outcome.counterexample is not None
        assert outcome.counterexample.curl.startswith("curl -")


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
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


def row(name: str) -> tuple[str, bool, str]:
    """Examine a server with one fault by every rule, on the first profile on which the owner catches it."""
    owner = owners()[name]
    for profile in PROFILES:
        if not any(outcome.verdict in CAUGHT for outcome in examine(profile, [owner], faults=[name]).values()):
            continue
        outcomes = examine(profile, [owner] if owner.wire else REGISTRY, faults=[name], conditions=QUICK)
        seen = {rule_id for (rule_id, _), outcome in outcomes.items() if outcome.verdict in CAUGHT}
        others = ", ".join(sorted(seen - {owner.id})) or "-"
        return name, owner.id in seen, f"{name:36} {owner.id:26} {profile:10} also: {others}"
    return name, False, ""


@pytest.mark.slow
def test_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault against every rule: caught by its owner, and printed with every other rule that sees it."""
    start = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows = list(pool.map(row, sorted(FAULTS)))
    with capsys.disabled():
        print("", *(line for _, _, line in rows), f"{len(rows)} faults, {time.perf_counter() - start:.0f} s", sep="\n")
    assert [name for name, caught, _ in rows if not caught] == []

"""One seed, one verdict; and no seed finds anything on a server without faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_apiauth.profile import loading
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.judging import Conditions

from .examining import PROFILES, about_profile, examine

ROOT = Path(__file__).resolve().parent.parent.parent


WHOLE = {*loading.builtin_profiles(), "reference", "public"}
EXAMINED = [(name, seed) for name in PROFILES for seed in range(1, 5 if name in WHOLE else 2)]
"""Tables are the same under every seed. Other profiles differ from these in one thing, so one shows what it does."""


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "seed"), [pytest.param(*each, marks=about_profile(each[0])) for each in EXAMINED])
def test_no_seed_raises_an_alarm(profile: str, seed: int) -> None:
    """On a server without faults no rule alarms, whatever the seed."""
    outcomes = examine(profile, REGISTRY, conditions=Conditions(30, seed))

    assert outcomes
    assert {
        f"{rule_id}[{part}]": f"{outcome.verdict.value}: {outcome.reason}"
        for (rule_id, part), outcome in outcomes.items()
        if outcome.verdict not in (Verdict.PASS, Verdict.SKIP)
    } == {}


def verdicts(folder: Path, number: int, *options: str) -> dict[str, str]:
    """Run the suite from the command line on a faulty server, and give each node's verdict."""
    report = folder / f"{number}.json"
    command = [sys.executable, "-m", "pytest", "conformance", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=7"]
    command += ["--apiauth-fault", "token-prefix-compare", f"--apiauth-report={report}", *options]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)
    return {
        part["nodeid"]: part["verdict"]
        for profile in json.loads(report.read_text())["profiles"]
        for rule in profile["rules"]
        for part in rule["parts"]
    }


@pytest.mark.slow
def test_one_seed_one_verdict(tmp_path: Path) -> None:
    """Three runs with one seed, in any order of the rules, the third on two workers, give the same verdicts."""
    first = verdicts(tmp_path, 1)
    assert len(first) > 200
    assert "fail" in first.values()
    assert verdicts(tmp_path, 2) == first
    assert verdicts(tmp_path, 3, "-n", "2") == first

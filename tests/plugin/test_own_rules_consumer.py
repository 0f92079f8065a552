"""A project with rules of its own that has nothing but the installed package, run as its author runs it.

``APIAUTH_CONSUMER`` names its Python, if it is not this one: CI gives that of an environment with the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.own_projects import BROKEN, PROFILE, RULES, write_own

PYTHON = os.environ.get("APIAUTH_CONSUMER", sys.executable)
OURS = ("shop.apiauth.toml", "-k", "shop_rules or key-missing")


@pytest.fixture(autouse=True)
def _in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in the folder of the project, with rules that the embedded server keeps but for one."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    write_own()


def pytest_of(*arguments: str) -> tuple[int, str]:
    """Run the consumer's pytest, and return its exit status and all that it says."""
    done = subprocess.run([PYTHON, "-m", "pytest", "-q", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_failure_is_a_curl_line() -> None:
    """Alone, with two workers, and when only what has failed runs again; then it passes."""
    for more, counts in (((), "1 failed, 2 passed"), (("-n", "2"), "1 failed, 2 passed"), (("--lf",), "1 failed")):
        status, text = pytest_of(*OURS, *more)
        assert (status, counts in text) == (1, True), text
        assert f"MUST {BROKEN}: Every answer to a user has a date." in text
        assert "request   curl -i -H \"X-Shop-Key: ${API_KEY}\" 'https://api.shop.example/user/me'" in text
    write_own(RULES.replace("is not None", "is None"))

    assert pytest_of(*OURS)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "profile", "line"),
    [
        (RULES.replace("is_dated", "says_json"), PROFILE, "shop_rules.py:15: rule 'shop_rules.says-json' exists twice"),
        (
            RULES.replace("MUST, PROFILE, ", "MUST, ", 1),
            PROFILE,
            "shop_rules.py:7: rule 'shop_rules.says-json' lacks a",
        ),
        (RULES, PROFILE.replace("shop_rules", "rules"), "shop: rules: rules.py: no such file"),
    ],
)
def test_a_mistake_is_a_line(rules: str, profile: str, line: str) -> None:
    """A clash of ids, a rule with an error, a file that is not there."""
    write_own(rules, profile)

    status, text = pytest_of(*OURS)

    assert status == 2
    assert line in text
    assert "Traceback" not in text

"""Every HTTP library is recorded from a live API, and replayed without it, without its URL and without a credential.

One project with one test a library, run twice. Two runs are all it takes, so they are shared by all the tests here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.here import needs
from tests.libraries.by_authlib import AUTHLIB
from tests.libraries.clients import SESSIONS
from tests.plugin.projects import served

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
schema = 1
extends = "dastra"
api_url = { env = "ACME_URL" }
token_url = "/connect/token"
"""
TESTS = """
import json
import os

import pytest

from tests.here import has
from tests.libraries import by_authlib
from tests.libraries.by_authlib import AUTHLIB
from tests.libraries.clients import SESSIONS, token_at


def here(names):
    return [name for name in names if has(name.partition('-')[0])]


def pair():
    return os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"]


@pytest.mark.vcr
@pytest.mark.parametrize("library", here(SESSIONS))
def test_reads(library, apiauth_profile):
    url = os.environ["ACME_URL"]
    with SESSIONS[library]() as send:
        token = token_at(library, send, f"{url}/connect/token", *pair())
        found = send("GET", f"{url}/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
    assert (found.status, json.loads(found.body)["total"]) == (200, 3)


@pytest.mark.vcr
@pytest.mark.parametrize("library", here(AUTHLIB))
def test_reads_with_authlib(library, apiauth_profile):
    url = os.environ["ACME_URL"]
    status, body = by_authlib.ask(library, pair(), f"{url}/connect/token", f"{url}/v1/workspaces")
    assert (status, body["total"]) == (200, 3)
"""
LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+::(test_reads\w*)\[([^\]]+)\]", re.MULTILINE)


@dataclass(frozen=True)
class Runs:
    """How each test ended when it was recorded, and when it was replayed; what was recorded; what is secret."""

    recorded: Mapping[tuple[str, str], str]
    replayed: Mapping[tuple[str, str], str]
    cassettes: Mapping[str, str]
    secrets: frozenset[str]
    shown: str


def run(folder: Path, *options: str, **variables: str) -> str:
    """Run the project; give what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DASTRA_", "ACME_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:randomly",
        "-p",
        "no:cov",
        *options,
        "test_acme.py",
    ]
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTEST_ADDOPTS": "-p no:randomly -p no:cov",
        "NO_PROXY": "*",
        **variables,
    }
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr


def outcomes(shown: str) -> dict[tuple[str, str], str]:
    """Read how each test ended, by its name and its library."""
    return {(name, library): outcome for outcome, name, library in LINE.findall(shown)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Record from a server on this machine, stop it, and replay."""
    folder = tmp_path_factory.mktemp("acme")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "acme.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    (folder / "test_acme.py").write_text(TESTS, encoding="utf-8")
    with served("dastra") as (url, server):
        known = dict(server.environment)
        recorded = run(folder, "--apiauth-live", "--record-mode=once", **known, ACME_URL=url)
        issued = set(server._state.access)
    replayed = run(folder)
    cassettes = {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("cassettes/**/*.yaml")}
    secrets = frozenset({known["DASTRA_CLIENT_SECRET"], *issued})
    return Runs(outcomes(recorded), outcomes(replayed), cassettes, secrets, recorded + replayed)


CASES = [("test_reads", library) for library in SESSIONS] + [
    ("test_reads_with_authlib", library) for library in AUTHLIB
]
EACH = pytest.mark.parametrize(
    ("name", "library"),
    [
        pytest.param(name, library, marks=needs(library.partition("-")[0]), id=f"{name}-{library}")
        for name, library in CASES
    ],
)


@pytest.mark.slow
@EACH
def test_is_recorded(name: str, library: str, runs: Runs) -> None:
    """A test of production code passes while it is recorded, and leaves a cassette without a secret in it."""
    assert runs.recorded.get((name, library)) == "PASSED", runs.shown[-4000:]
    cassette = runs.cassettes[f"{name}[{library}].yaml"]

    assert cassette.count("- request:") == 2
    assert not [secret for secret in runs.secrets if secret in cassette]


@pytest.mark.slow
@EACH
def test_is_replayed(name: str, library: str, runs: Runs) -> None:
    """The same test passes without the server, its URL and its credentials."""
    assert runs.replayed.get((name, library)) == "PASSED", runs.shown[-4000:]

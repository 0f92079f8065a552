"""The suite on applications whose login is not OAuth's, from PyPI and npm, each by a profile of 25 lines at most.

All of them that are in Python are examined in one run of another process, and those of Node.js in another one: whole,
and without one protection at a time, by the rule whose business that is.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.suite.book import REGISTRY
from tests.servers.known_logins import IN_PROCESS, SERVED, Login
from tests.servers.test_django_oauth_toolkit import INSTALL, Place, announced, inherited

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent / "projects" / "logins"
NPM = ("express@5", "jsonwebtoken@9", "fastify@5", "@fastify/jwt@10", "@fastify/cookie@11")
RUN_LIMIT = 300
Verdicts = dict[str, dict[str, set[Place]]]
"""The places with each verdict, by the name of the profile."""

bundled.load_chapters()


def is_here(login: Login) -> bool:
    """Whether an application's packages are installed."""
    return all(importlib.util.find_spec(name) is not None for name in login.packages)


def examined(folder: Path, logins: Iterable[Login], environment: dict[str, str], *options: str) -> Verdicts:
    """Examine applications, whole and without each protection, in one run of pytest; give the verdicts."""
    asked = []
    for login in logins:
        asked.append(f"{login.name}.apiauth.toml")
        text = (folder / asked[-1]).read_text(encoding="utf-8")
        for lacking, rule, part in login.lacking:
            name = f"{login.name}-{lacking}"
            careless = text.replace("create_app()", f'create_app(\\"{lacking}\\")').replace("_URL", f"_URL_{lacking}")
            assert careless != text
            (folder / f"{name}.apiauth.toml").write_text(careless, encoding="utf-8")
            asked.append(f"{name}.apiauth.toml::{REGISTRY[rule].chapter}::{rule}[{part}]")
    steady = ["--hypothesis-seed=0", "--apiauth-examples=3", "-p", "no:cacheprovider", "-q", "--tb=short"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *asked, *options, "--apiauth-report=report.json", *steady],
        cwd=folder,
        env={**inherited(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    file = folder / "report.json"
    assert file.is_file(), done.stdout
    print(done.stdout)
    found: Verdicts = {}
    for profile in json.loads(file.read_text(encoding="utf-8"))["profiles"]:
        places = found.setdefault(profile["name"], {})
        for rule_ in profile["rules"]:
            for part_ in rule_["parts"]:
                places.setdefault(part_["verdict"], set()).add((rule_["id"], part_["part"]))
    return found


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """Give the passwords of alice, bob and carol, as every application here reads them."""
    return {f"SITE_{name}": secrets.token_urlsafe(16) for name in ("ALICE", "BOB", "CAROL")}


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory, people: dict[str, str]) -> Verdicts:
    """Examine the applications in Python."""
    folder = tmp_path_factory.mktemp("logins") / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return examined(folder, filter(is_here, IN_PROCESS), people)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, people: dict[str, str]) -> Verdicts:
    """Examine the applications of Node.js, as far as npm can install them here."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("served")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM]
    if subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=300).returncode != 0:
        pytest.skip("npm cannot install them here")
    shutil.copy(PROJECT / "logins.mjs", folder)
    command = ["node", "logins.mjs"]
    environment = {**os.environ, **people}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            urls = [announced(process) for _ in SERVED]
            assert all(urls)
            for login, url in zip(SERVED, urls, strict=True):
                shutil.copy(PROJECT / f"{login.name}.apiauth.toml", folder)
                variable = f"{login.name.upper()}_URL"
                people = {**people, variable: f"{url}/whole"}
                people |= {f"{variable}_{lacking}": f"{url}/{lacking}" for lacking, _, _ in login.lacking}
            return examined(folder, SERVED, people, "--apiauth-live", "-p", "no:django")
        finally:
            process.kill()


def verdicts(login: Login, request: pytest.FixtureRequest) -> Verdicts:
    """Give the verdicts of the run that an application is in; where its packages are missing the test is skipped."""
    if not is_here(login):
        reason = f"{login.name} needs {', '.join(login.packages)}: {INSTALL}"
        if os.environ.get("APIAUTH_REQUIRE_SERVERS") == "1":
            pytest.fail(f"APIAUTH_REQUIRE_SERVERS is 1, but {reason}", pytrace=False)
        pytest.skip(reason)
    found: Verdicts = request.getfixturevalue("served" if login in SERVED else "in_process")
    return found


@pytest.mark.parametrize("login", [*IN_PROCESS, *SERVED], ids=lambda login: login.name)
def test_nothing_but_what_is_true_is_reported(login: Login, request: pytest.FixtureRequest) -> None:
    """Failures and warnings are those of the tables, and what a login is about was examined."""
    found = verdicts(login, request)[login.name]

    assert found.get("fail", set()) == set(login.failures)
    assert found.get("warning", set()) == set(login.warnings)
    assert found.get("inconclusive", set()) | found.get("not run", set()) == set(login.undecided)
    assert found["pass"] >= login.passes


@pytest.mark.parametrize(
    ("login", "lacking", "rule", "part"),
    [(login, *each) for login in (*IN_PROCESS, *SERVED) for each in login.lacking],
    ids=lambda value: getattr(value, "name", value),
)
def test_each_protection_has_a_rule_that_misses_it(
    login: Login, lacking: str, rule: str, part: str, request: pytest.FixtureRequest
) -> None:
    """With one protection removed, the rule that it belongs to fails."""
    assert (rule, part) in verdicts(login, request)[f"{login.name}-{lacking}"].get("fail", set())


@pytest.mark.parametrize("login", [*IN_PROCESS, *SERVED], ids=lambda login: login.name)
def test_a_profile_is_short(login: Login) -> None:
    """What an application's login takes to be examined are 25 lines, without those that permit more to a live run."""
    lines = (PROJECT / f"{login.name}.apiauth.toml").read_text(encoding="utf-8").splitlines()

    assert len([line for line in lines if not line.startswith("live.")]) <= 25

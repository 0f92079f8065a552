"""Resource servers whose tokens are JWTs, by PyJWT, joserfc and jose: right, and with each of the classic mistakes.

Those in Python are examined in one run of another process, and those of Node.js in another one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pytest_apiauth import bundled
from pytest_apiauth.suite.book import REGISTRY
from tests.servers.test_django_oauth_toolkit import INSTALL, announced, inherited

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent / "projects" / "tokens"
LIBRARIES = ("pyjwt", "joserfc", "jose")
RIGHT = "right"
MISTAKES = {
    "public": "res-jwt-public-key",
    "algorithm": "res-jwt-forged",
    "signature": "res-jwt-forged",
    "kid": "res-jwt-forged",
    "jwk": "res-jwt-own-key",
    "x5c": "res-jwt-own-key",
    "jku": "res-jwt-own-key",
    "audience": "res-jwt-audience",
    "issuer": "res-jwt-issuer",
    "expiry": "res-jwt-time",
    "type": "res-jwt-type",
}
"""Each mistake, and the rule whose business it is."""
STEADY = (
    *("--apiauth-report=report.json", "--hypothesis-seed=0", "--apiauth-examples=3"),
    *("-p", "no:cacheprovider", "-p", "no:django", "-q", "--tb=short"),
)
NOT_TO_BE_SEEN = {("joserfc", "jku"): "it takes URLs of http and https alone, and nothing is served for a forgery"}
RUN_LIMIT = 300
Verdicts = dict[str, dict[str, set[str]]]
"""The rules with each verdict, by the name of the profile."""

bundled.load_chapters()


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Give the keys and secrets that applications and profiles read, and an ID token that the same key has signed."""
    private = rsa.generate_private_key(65537, 2048)
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    who = "https://tokens.example"
    claims = {"iss": who, "aud": who, "sub": "alice", "nonce": "1", "exp": int(time.time()) + 3600}
    id_token = jwt.encode(claims, key, "RS256", headers={"kid": "2026"})
    return {
        "TOKENS_SIGNING_KEY": key,
        "TOKENS_ID_TOKEN": id_token,
        "TOKENS_SECRET": secrets.token_urlsafe(24),
    }


def written(folder: Path, names: Iterable[str], **changes: str) -> Iterator[str]:
    """Write a profile for each name, and yield what is to be run of it: the rule of its mistake, or everything."""
    text = (PROJECT / "tokens.apiauth.toml").read_text(encoding="utf-8")
    for name in names:
        _, mistake = name.split("_")
        lines = [line for line in text.splitlines() if line.split(" ")[0] not in changes]
        lines[1:1] = [f"{key} = {value.format(mistake)}" for key, value in changes.items()]
        (folder / f"{name}.apiauth.toml").write_text("\n".join(lines), encoding="utf-8")
        rule = MISTAKES.get(mistake)
        yield f"{name}.apiauth.toml" + (f"::{REGISTRY[rule].chapter}::{rule}[me]" if rule else "")


def examined(folder: Path, asked: Iterable[str], environment: dict[str, str], *options: str) -> Verdicts:
    """Examine applications in one run of pytest; give the verdicts."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *asked, *options, *STEADY],
        cwd=folder,
        env={**inherited(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    assert (folder / "report.json").is_file(), done.stdout
    print(done.stdout)
    found: Verdicts = {}
    for profile in json.loads((folder / "report.json").read_text(encoding="utf-8"))["profiles"]:
        rules = found.setdefault(profile["name"], {})
        for rule in profile["rules"]:
            for part in rule["parts"]:
                rules.setdefault(part["verdict"], set()).add(rule["id"])
    return found


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Verdicts:
    """Examine the applications in Python."""
    folder = tmp_path_factory.mktemp("tokens")
    shutil.copy(PROJECT / "resources.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    asked: list[str] = []
    for library in ("pyjwt", "joserfc"):
        app = f'"resources:create_app(\\"{library}\\", \\"{{}}\\")"'
        asked += written(folder, [f"{library}_{mistake}" for mistake in (RIGHT, *MISTAKES)], app=app)
    return examined(folder, asked, environment)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Verdicts:
    """Examine the application of Node.js, if npm can install jose here."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"NOT RUN: needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("served_tokens")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "jose@6"]
    if subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=300).returncode != 0:
        pytest.skip("NOT RUN: npm cannot install jose here")
    shutil.copy(PROJECT / "resources.mjs", folder)
    command, known = ["node", "resources.mjs"], {**os.environ, **environment}
    with subprocess.Popen(command, cwd=folder, env=known, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = announced(process)
            assert url
            names = [f"jose_{mistake}" for mistake in (RIGHT, *MISTAKES)]
            asked = [*written(folder, names, app='"-"', api_url=f'"{url}/{{}}"')]
            for name in names:
                file = folder / f"{name}.apiauth.toml"
                file.write_text(file.read_text(encoding="utf-8").replace('app = "-"\n', ""), encoding="utf-8")
            return examined(folder, asked, environment, "--apiauth-live")
        finally:
            process.kill()


def verdicts(library: str, request: pytest.FixtureRequest) -> Verdicts:
    """Give the verdicts of the run that a library is in; where it is missing the test is skipped."""
    module = {"pyjwt": "jwt", "jose": ""}.get(library, library)
    if module and importlib.util.find_spec(module) is None:
        reason = f"{library} is not installed: {INSTALL}"
        if os.environ.get("APIAUTH_REQUIRE_SERVERS") == "1":
            pytest.fail(f"APIAUTH_REQUIRE_SERVERS is 1, but {reason}", pytrace=False)
        pytest.skip(reason)
    found: Verdicts = request.getfixturevalue("served" if library == "jose" else "in_process")
    return found


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_right_server_is_found_fault_with_by_no_rule(library: str, request: pytest.FixtureRequest) -> None:
    """Nothing fails, and the rules about JWTs pass."""
    found = verdicts(library, request)[f"{library}_{RIGHT}"]

    assert found.get("fail", set()) == set()
    assert found.get("inconclusive", set()) | found.get("not run", set()) == set()
    assert found["pass"] >= {*MISTAKES.values(), "res-jwt-read-twice"}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_by_its_rule(library: str, mistake: str, request: pytest.FixtureRequest) -> None:
    """With one mistake made, the rule that it belongs to fails, save for what takes a server of the forger's own."""
    failing = verdicts(library, request)[f"{library}_{mistake}"].get("fail", set())

    assert (MISTAKES[mistake] in failing) == ((library, mistake) not in NOT_TO_BE_SEEN)

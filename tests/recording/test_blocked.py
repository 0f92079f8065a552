"""The project's cassettes where the network is refused to the whole process, from before pytest starts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_apiauth.profile import loading
from pytest_apiauth.profile.references import references

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
PROFILES = {name: loading.load(path) for name, path in loading.builtin_profiles().items()}
BLOCK = """
import atexit, json, os, socket, sys

# Not bind: urllib3, which vcrpy imports where it is installed, binds a port to see whether there is IPv6.
EVENTS = ("connect", "getaddrinfo", "gethostbyname", "gethostbyaddr", "getnameinfo", "sendto", "sendmsg")
asked = []

def refuse(event, arguments):
    if event.startswith("socket.") and event.removeprefix("socket.") in EVENTS:
        asked.append(event)
        raise PermissionError(f"{event}: the network is blocked")

def told():
    before, refused = list(asked), []
    # What is to be refused is refused.
    for ask in (lambda: socket.getaddrinfo("127.0.0.1", 9), lambda: socket.socket().connect(("127.0.0.1", 9))):
        try:
            ask()
        except PermissionError as error:
            refused.append(str(error).partition(":")[0])
    with open(os.environ["BLOCK_FILE"], "w") as file:
        json.dump({"asked": before, "refused": refused}, file)

sys.addaudithook(refuse)
atexit.register(told)
"""
TESTS = """
from pathlib import Path

import pytest

from pytest_apiauth.profile import loading
from pytest_apiauth.recording import library
from pytest_apiauth.recording.reading import read
from pytest_apiauth.recording.scenes import scenes

PROFILES = [loading.load(path) for path in loading.builtin_profiles().values()]

@pytest.mark.parametrize(
    ("profile", "scene"),
    [pytest.param(p, scene, id=f"{p.name}/{scene.name}") for p in PROFILES for scene in scenes(p)],
)
def test_cassette(profile, scene):
    path = Path("cassettes") / profile.name / f"{scene.name}.yaml"
    assert len(library.replay(scene, profile, path)) == len(read(path)["interactions"])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with copies of all cassettes, and tests that replay each."""
    shutil.copytree(CASSETTES, tmp_path / "cassettes")
    (tmp_path / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    (tmp_path / "test_all.py").write_text(TESTS, encoding="utf-8")
    for name in PROFILES:
        (tmp_path / f"{name}.apiauth.toml").write_text(f'schema = 1\nextends = "{name}"\n', encoding="utf-8")
    return tmp_path


def blocked(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest without a network and without a variable that a profile names; require that nobody asked for one."""
    named = {reference.env for profile in PROFILES.values() for _, reference in references(profile)}
    kept = {k: v for k, v in os.environ.items() if k not in named and not k.startswith(("PYTEST", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-p", "no:cacheprovider", f"--rootdir={project}"],
        cwd=project,
        env={**kept, "PYTHONPATH": str(project), "BLOCK_FILE": str(project / "asked.json")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    told = json.loads((project / "asked.json").read_text(encoding="utf-8"))
    assert told == {"asked": [], "refused": ["socket.getaddrinfo", "socket.connect"]}, done.stdout
    return done


@pytest.mark.slow
def test_every_cassette_is_replayed(project: Path) -> None:
    """All that lie in the folder are replayed, each to its end."""
    count = len(list(CASSETTES.rglob("*.yaml")))
    done = blocked(project, "test_all.py")
    assert done.returncode == 0, done.stdout
    assert re.search(rf"=+ {count} passed in ", done.stdout), done.stdout


@pytest.mark.slow
def test_deleted_cassette_says_what_records_it(project: Path) -> None:
    """Without one of them, its test alone fails, with the command that records it."""
    path = Path("cassettes") / "jindexe" / "spent_refresh_token.yaml"
    (project / path).unlink()
    done = blocked(project, "test_all.py")
    assert re.search(r"=+ 1 failed, \d+ passed in ", done.stdout), done.stdout
    assert f"{path}: no such cassette; record it: python -m pytest_apiauth record jindexe" in done.stdout


@pytest.mark.slow
def test_every_cassette_is_examined(project: Path) -> None:
    """The suite examines the cassettes of all three APIs."""
    done = blocked(project, *(f"{name}.apiauth.toml" for name in PROFILES), "--apiauth-replay")
    assert done.returncode == 0, done.stdout
    for name in PROFILES:
        assert re.search(rf"^{name} \(cassette\): \d+ rules: \d+ pass", done.stdout, re.MULTILINE), done.stdout

"""Cassettes of real servers, django-oauth-toolkit and oidc-provider: recorded, then replayed and examined without.

``APIAUTH_CONSUMER`` names the Python of the projects that record and replay, where it is not this one: CI gives that
of an environment that has nothing but the wheel.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_apiauth.recording.scan import unclean_in
from tests.here import in_its_words
from tests.login.conftest import free_port
from tests.servers import test_django_oauth_toolkit as dot
from tests.servers import test_oidc_provider as oidc

HERE = Path(__file__).parent
KEPT = HERE / "cassettes"
NAMES = ("dot", "oidc")
TESTS = """
import os

import httpx
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.vcr
def test_client(apiauth_client):
    assert apiauth_client.get({api!r}).json()["user"] == {user!r}

@pytest.mark.vcr
@pytest.mark.anyio
async def test_async_client(apiauth_async_client):
    async with apiauth_async_client as client:
        assert (await client.get({api!r})).status_code == 200

@pytest.mark.vcr
def test_production_code(apiauth_profile):
    form = {{"grant_type": "client_credentials", "scope": "read"}}
    client = ("site-machine", os.environ[{variable!r}])
    token = httpx.post({url!r} + {token!r}, data=form, auth=client).json()["access_token"]
    answer = httpx.get({url!r} + {api!r}, headers={{"Authorization": "Bearer " + token}})
    assert answer.status_code == 200
"""
WORDS = {
    "dot": {"api": "/drf/me/", "user": "alice", "token": "/o/token/", "variable": "DOT_MACHINE_SECRET"},
    "oidc": {"api": "/api/me", "user": "site-machine", "token": "/token", "variable": "OIDC_MACHINE_SECRET"},
}


@dataclass(frozen=True)
class Running:
    """A server that runs, and what a project's environment has for it."""

    url: str
    environment: dict[str, str]

    def secrets_in(self, folder: Path) -> list[str]:
        """Name the secrets of the server that stand in a file of a folder."""
        texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")]
        assert texts
        secret = {name: value for name, value in self.environment.items() if not name.endswith(("URL", "URI"))}
        return [name for name, value in secret.items() if any(value in text for text in texts)]


Start = Callable[[], AbstractContextManager[Running]]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Give the name of a server, which its profile and its folder of cassettes have too."""
    return str(request.param)


@pytest.fixture
def start(name: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Give what runs a server at a fixed port, for as long as its block."""
    port = str(free_port())

    @contextmanager
    def run() -> Iterator[Running]:
        if name == "dot":
            with dot.running(tmp_path_factory.mktemp("site"), DOT_PORT=port) as site:
                yield Running(site.url, site.environment)
        else:
            folder = request.getfixturevalue("package")
            with oidc.running(folder, OIDC_PORT=port, OIDC_MACHINE_SECRET=secrets.token_urlsafe(24)) as own:
                yield Running(own.url, {key: own.environment[key] for key in ("OIDC_SECRET", "OIDC_MACHINE_SECRET")})

    return run


def command(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project's folder, as its user would."""
    kept = {name: value for name, value in dot.inherited().items() if not name.startswith("OIDC_")}
    return subprocess.run(
        [os.environ.get("APIAUTH_CONSUMER", sys.executable), "-m", *words],
        cwd=folder,
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=dot.RUN_LIMIT,
        check=False,
    )


def require_stopped(url: str) -> None:
    """Require that nobody serves there any more."""
    address = urlsplit(url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=dot.START_LIMIT)


@pytest.mark.slow
def test_tests_are_recorded_and_replayed(name: str, start: Start, tmp_path: Path) -> None:
    """Tests recorded from a server pass when it has ended, with nothing set; no secret is in what was written."""
    shutil.copy(HERE / f"{name}.apiauth.toml", tmp_path / "base.apiauth.toml")
    steady = ("pytest", "test_it.py", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "--apiauth-profile=shop")
    with start() as server:
        profile = f'schema = 1\nextends = "base.apiauth.toml"\napi_url = "{server.url}"\n'
        (tmp_path / "shop.apiauth.toml").write_text(profile, encoding="utf-8")
        tests = in_its_words(TESTS.format(url=server.url, **WORDS[name]))
        (tmp_path / "test_it.py").write_text(tests, encoding="utf-8")
        recorded = command(tmp_path, server.environment, *steady, "--apiauth-live", "--record-mode=once")
    assert "3 passed" in recorded.stdout, recorded.stdout
    assert server.secrets_in(tmp_path) == []
    assert list(unclean_in(tmp_path)) == []

    require_stopped(server.url)
    for blocked in ([], ["--block-network"]):
        replayed = command(tmp_path, {}, *steady, *blocked)
        assert "3 passed" in replayed.stdout, replayed.stdout


@pytest.mark.slow
def test_token_endpoint_is_recorded(name: str, start: Start, tmp_path: Path) -> None:
    """What is recorded of a token endpoint has the shape of the kept cassettes, and passes without the server."""
    profile = shutil.copy(HERE / f"{name}.apiauth.toml", tmp_path)
    shutil.copytree(KEPT / name, tmp_path / "cassettes" / name)
    with start() as server:
        url = {f"{name.upper()}_URL": server.url}
        done = command(tmp_path, server.environment | url, "pytest_apiauth", "record", Path(profile).name, "--live")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": recorded") == len(list((KEPT / name).glob("*.yaml")))
    assert server.secrets_in(tmp_path) == []

    require_stopped(server.url)
    require_passing(tmp_path, name)


def require_passing(folder: Path, name: str) -> None:
    """Examine the cassettes of a project with nothing set; require that all rules hold."""
    words = ("pytest", f"{name}.apiauth.toml", "--apiauth-replay", "-p", "no:cacheprovider", f"--rootdir={folder}")
    done = command(folder, {}, *words)
    assert done.returncode == 0, done.stdout
    assert f"{name} on cassettes" in done.stdout
    assert " passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kept", NAMES)
def test_kept_recordings_pass(kept: str, tmp_path: Path) -> None:
    """The recorded token answers and errors of a real server hold against the suite, without it."""
    shutil.copy(HERE / f"{kept}.apiauth.toml", tmp_path)
    shutil.copytree(KEPT / kept, tmp_path / "cassettes" / kept)
    require_passing(tmp_path, kept)
    assert list(unclean_in(KEPT / kept)) == []

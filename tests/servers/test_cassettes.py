"""Cassettes of a real server: django-oauth-toolkit recorded, then replayed and examined without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_apiauth.cassettes.scan import unclean_in
from tests.servers.test_django_oauth_toolkit import HERE, PROFILE, RUN_LIMIT, Site, inherited, site

__all__ = ["site"]

KEPT = HERE / "cassettes" / "dot"
TESTS = """
import os

import httpx
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.vcr
def test_client(apiauth_client):
    assert apiauth_client.get("/drf/me/").json()["user"] == "alice"

@pytest.mark.vcr
@pytest.mark.anyio
async def test_async_client(apiauth_async_client):
    async with apiauth_async_client as client:
        assert (await client.get("/decorated/")).status_code == 200

@pytest.mark.vcr
def test_production_code(apiauth_profile):
    url, secret = os.environ["DOT_URL"], os.environ["DOT_MACHINE_SECRET"]
    form = {"grant_type": "client_credentials", "scope": "read"}
    token = httpx.post(url + "/o/token/", data=form, auth=("site-machine", secret)).json()["access_token"]
    assert httpx.get(url + "/drf/me/", headers={"Authorization": "Bearer " + token}).status_code in (200, 403)
"""


def command(folder: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a project's folder, as its user would."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=inherited() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )


def secrets_in(folder: Path, site: Site) -> list[str]:
    """Name the secrets of a site that stand in a cassette."""
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")]
    assert texts
    return [name for name, value in site.environment.items() if name != "DOT_URL" and any(value in t for t in texts)]


@pytest.mark.slow
def test_tests_are_recorded_and_replayed(site: Site, tmp_path: Path) -> None:
    """Tests recorded from the site pass without it, with nothing set and the network blocked; no secret is written."""
    shutil.copy(PROFILE, tmp_path)
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    steady = ("pytest", "test_it.py", "-p", "no:cacheprovider", f"--rootdir={tmp_path}")
    recorded = command(tmp_path, site.environment, *steady, "--apiauth-live", "--record-mode=once")
    assert "3 passed" in recorded.stdout, recorded.stdout
    assert secrets_in(tmp_path, site) == []
    assert list(unclean_in(tmp_path)) == []

    replayed = command(tmp_path, {}, *steady, "--block-network")
    assert "3 passed" in replayed.stdout, replayed.stdout


@pytest.mark.slow
def test_token_endpoint_is_recorded(site: Site, tmp_path: Path) -> None:
    """What is recorded of the site's token endpoint has the shape of the cassettes that this project keeps of it."""
    shutil.copy(PROFILE, tmp_path)
    shutil.copytree(KEPT, tmp_path / "cassettes" / "dot")
    done = command(tmp_path, site.environment, "pytest_apiauth", "record", "dot.apiauth.toml", "--live")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": recorded") == len(list(KEPT.glob("*.yaml")))
    assert secrets_in(tmp_path, site) == []


def test_kept_recordings_pass(tmp_path: Path) -> None:
    """The recorded token answers and errors of the real server hold against the suite, without it."""
    shutil.copy(PROFILE, tmp_path)
    shutil.copytree(KEPT, tmp_path / "cassettes" / "dot")
    words = ("pytest", "dot.apiauth.toml", "--apiauth-replay", "-p", "no:cacheprovider", f"--rootdir={tmp_path}")
    done = command(tmp_path, {}, *words)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert list(unclean_in(KEPT)) == []

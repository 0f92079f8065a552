"""Token requests of one run with four workers: of our fixtures, and of a session fixture with another library."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from . import peers
from .figures import NOT_INSTALLED, Measured, Plan, Value
from .measuring import run
from .server import Counting, serving

WORKERS: Final = 4
PROFILE: Final = """schema = 1
extends = "jindexe"
api_url = "{url}"
"""
OURS: Final = """
import pytest

@pytest.mark.parametrize("number", range(12))
def test_me(apiauth_client, number):
    assert apiauth_client.get("/user/me").status_code == 200
"""
SESSION: Final = """
import httpx, pytest
from httpx_auth import OAuth2ResourceOwnerPasswordCredentials

@pytest.fixture(scope="session")
def client():
    auth = OAuth2ResourceOwnerPasswordCredentials("{url}/token", "somebody", "a-password")
    with httpx.Client(base_url="{url}", auth=auth) as client:
        yield client

@pytest.mark.parametrize("number", range(12))
def test_me(client, number):
    assert client.get("/user/me").status_code == 200
"""
PEERS: Final = ("httpx_auth in a session fixture",)


def token_requests(plan: Plan) -> Measured:
    """Token requests that a server sees of twelve tests on four workers."""
    with serving() as server:
        ours = _of(server, OURS, "--apiauth-live")
        peer = NOT_INSTALLED if peers.found("httpx_auth") is None else _of(server, SESSION, "-p", "no:apiauth")
        return Measured(ours, None, {PEERS[0]: peer})


def _of(server: Counting, test: str, *options: str) -> Value:
    server.reset()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "shop.apiauth.toml").write_text(PROFILE.format(url=server.url), encoding="utf-8")
        (project / "test_me.py").write_text(test.replace("{url}", server.url), encoding="utf-8")
        names = ("JINDEXE_API_KEY", "JINDEXE_USERNAME", "JINDEXE_PASSWORD")
        env = {**os.environ, **{name: f"of-the-benchmarks-{name.lower()}" for name in names}}
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(WORKERS), *options, "test_me.py"]
        run(command, cwd=project, env=env)
    return Value(server.counts().token_requests)

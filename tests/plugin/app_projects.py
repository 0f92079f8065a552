"""A project with an app of its own, its profile, and what a run of it reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.plugin.projects import SMALL

KEY = "key-of-the-app-1234"
BROKEN = "key-missing"
APP = f"""
import asyncio
KEY = "{KEY}"
OFFSET = 0
loops = set()

def advance(seconds):
    global OFFSET
    OFFSET += seconds

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for part in ("startup", "shutdown"):
            await receive()
            with open("lifespan.txt", "a") as file:
                file.write(part + " ")
            await send({{"type": f"lifespan.{{part}}.complete"}})
        return
    loops.add(id(asyncio.get_running_loop()))
    assert len(loops) == 1
    keys = [value for name, value in scope["headers"] if name == b"x-shop-key"]
    good = scope["path"].startswith("/open/") or keys == [KEY.encode()]
    known = scope["path"] in ("/user/me", "/open/status")
    status = 404 if not known else 200 if good else 401
    body = b'{{"place": "' + scope["path"].encode() + b'"}}' if status == 200 else b"{{}}"
    lines = [(b"content-type", b"application/json"), (b"www-authenticate", b"Key")]
    await send({{"type": "http.response.start", "status": status, "headers": lines}})
    await send({{"type": "http.response.body", "body": body}})
"""
CONFTEST = f"""
import pytest
@pytest.fixture(scope="session")
def apiauth_credentials():
    return {{"api_key": "{KEY}"}}
"""
PROFILE = SMALL.replace("schema = 1\n", 'schema = 1\napp = "shop.main:app"\n')
TESTS = """
import pytest
def test_sync(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_async(apiauth_async_client):
    assert (await apiauth_async_client.get("/user/me")).status_code == 200
def test_server(apiauth_server):
    pass
"""


def write(folder: Path, extra: str = "", **changed: str) -> None:
    """Write the profile, with keys replaced and tables added."""
    text = PROFILE
    for key, value in changed.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(line, value)
    (folder / "tests" / "shop.apiauth.toml").write_text(text + extra, encoding="utf-8")


def report(folder: Path) -> dict[str, Any]:
    """Give the one profile of the JSON report."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["profiles"][0]
    return found


def rule(folder: Path, name: str) -> dict[str, Any]:
    """Give a rule of the JSON report."""
    return next(rule for rule in report(folder)["rules"] if rule["id"] == name)

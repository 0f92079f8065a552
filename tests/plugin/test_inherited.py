"""A token endpoint of another API: no live run, by whatever door, asks it before the profile says that it is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from tests.plugin.projects import Run, served, told

BASE = """
schema = 1
api_url = "URL"
token_url = "URL/token"
[credentials]
client_id = "shop"
client_secret = { env = "SHOP_SECRET" }
[grants.client_credentials]
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
"""
STAGING = """
schema = 1
extends = "base/production.apiauth.toml"
api_url = "http://127.0.0.1:9"
"""
TEST = """
import asyncio

def test_client(apiauth_client):
    apiauth_client.get("/user/me")

def test_async_client(apiauth_async_client):
    asyncio.run(apiauth_async_client.get("/user/me"))

def test_token(apiauth_token):
    pass
"""


@pytest.fixture
def production(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Server]]:
    """Serve what the base names, and write both profiles; gives base URL and server."""
    with served("dastra") as (url, server):
        monkeypatch.setenv("SHOP_SECRET", "canary-of-staging")
        (pytester.mkdir("base") / "production.apiauth.toml").write_text(BASE.replace("URL", url), encoding="utf-8")
        Path("shop.apiauth.toml").write_text(STAGING, encoding="utf-8")
        yield url, server


@pytest.mark.parametrize("door", ["file", "fixtures", "token", "record"])
def test_no_live_door_asks_the_token_endpoint_of_another_api(
    pytester: pytest.Pytester,
    run: Run,
    production: tuple[str, Server],
    capsys: pytest.CaptureFixture[str],
    door: str,
) -> None:
    """The suite, the fixtures and the commands refuse in one line, and send nothing."""
    url, server = production
    line = f"shop: token_url: {url}/token is inherited from base/production.apiauth.toml"
    if door in ("token", "record"):
        assert main([door, "shop.apiauth.toml", *(["--live"] if door == "record" else [])]) == 2
        assert line in capsys.readouterr().err
    else:
        test = pytester.makepyfile(TEST).name
        result = run("shop.apiauth.toml" if door == "file" else test, "--apiauth-live", "-k", "token or client")
        told(result, line, "until this profile itself says token_url")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert server.requests == []


@pytest.mark.usefixtures("production")
def test_offline_nothing_is_refused(pytester: pytest.Pytester, run: Run) -> None:
    """The embedded server stands in for both hosts, so there is nothing to mistake."""
    run(pytester.makepyfile(TEST).name, "--apiauth-profile=shop.apiauth.toml").assert_outcomes(passed=3)

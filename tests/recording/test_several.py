"""A test that talks to several APIs is recorded to one cassette, and replayed from it."""

from __future__ import annotations

import pytest
import yaml

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from tests.plugin.projects import Run
from tests.recording.live_api import ONCE, write

NAMES = ("API_KEY", "USERNAME", "PASSWORD")
PROFILE = """
schema = 1
extends = "jindexe"
api_url = {{ env = "{0}_URL" }}

[credentials]
api_key = {{ env = "{0}_API_KEY" }}
username = {{ env = "{0}_USERNAME" }}
password = {{ env = "{0}_PASSWORD" }}
"""
SOURCE = """
import os
import httpx

def cards():
    return httpx.get(f"{os.environ['OTHER_URL']}/public/cards", headers={"X-API-KEY": os.environ["OTHER_API_KEY"]})

@pytest.mark.vcr
@pytest.mark.apiauth("shop", "other")
def test_both(apiauth_client, apiauth_client_factory):
    other = apiauth_client_factory(profile="other")
    assert other.base_url != apiauth_client.base_url
    assert [each.get("/user/me").status_code for each in (apiauth_client, other)] == [200, 200]
    assert cards().status_code == 200
"""


def test_two_apis_on_one_cassette(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """No secret of either is on the tape, and without server and variables each is met where it was."""
    usual = loading.load(loading.builtin_profiles()["jindexe"])
    servers = {name: Server(usual.replaced(name=name)) for name in ("shop", "other")}
    write(pytester, SOURCE)
    with serve(servers["shop"]) as shop, serve(servers["other"]) as other:
        for name, url in (("shop", shop), ("other", other)):
            (pytester.path / f"{name}.apiauth.toml").write_text(PROFILE.format(name.upper()), encoding="utf-8")
            monkeypatch.setenv(f"{name.upper()}_URL", url)
            for each in NAMES:
                monkeypatch.setenv(f"{name.upper()}_{each}", servers[name].environment[f"JINDEXE_{each}"])
        run("test_it.py", *ONCE).assert_outcomes(passed=1)
    for name in servers:
        for each in ("URL", *NAMES):
            monkeypatch.delenv(f"{name.upper()}_{each}")

    text = (pytester.path / "cassettes" / "test_it" / "test_both.yaml").read_text(encoding="utf-8")
    run("test_it.py").assert_outcomes(passed=1)
    secrets = [server.environment[f"JINDEXE_{each}"] for server in servers.values() for each in ("API_KEY", "PASSWORD")]
    assert not [secret for secret in secrets if secret in text]
    said = yaml.safe_load(text)["apiauth"]
    assert (said["profile"], said["api_url"]) == ("shop", shop)
    assert [(each["profile"], each["api_url"]) for each in said["others"]] == [("other", other)]
    assert [len(server.requests) for server in servers.values()] == [2, 3]

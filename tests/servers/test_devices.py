"""A device's consent by a script (RFC 8628 3.3), at a real server: npm's oidc-provider, with its own pages."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, Site, examine
from tests.servers.test_oidc_provider import running

pytestmark = pytest.mark.slow

PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
device_authorization_url = "/device/auth"
standards = ["RFC 6749", "RFC 6750", "RFC 8628", "RFC 9700"]
rotation = "old-dies"
[login]
username = "login"
[credentials]
client_id = "site-device"
client_secret = {{ env = "OIDC_DEVICE_SECRET" }}
username = "alice"
password = {{ env = "OIDC_PASSWORD" }}
[users.second]
username = "bob"
password = {{ env = "OIDC_PASSWORD" }}
[clients.second]
client_id = "site-other-device"
client_secret = {{ env = "OIDC_DEVICE_SECOND" }}
[grants.device_code]
scope = "openid offline_access read"
answer = {{ token_type = "Bearer", refresh_token = true }}
[grants.refresh_token]
scope = ""
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
identity = "user"
"""
WARNINGS: dict[Place, str] = {
    ("res-challenge-content", "api"): "RFC 6750 3: the site's own route challenges with the scheme alone",
    ("device-answer", "device_code"): "the site is served in clear, on loopback, and so is its page for devices",
    ("device-pace", "device_code"): "RFC 8628 3.5: the package names no interval and never says slow_down",
}
CONSENTED: set[Place] = {
    *((f"device-{name}", "device_code") for name in ("near-miss", "bound", "single-use", "pending", "unknown")),
    ("ref-old-dead", "refresh_token"),
    ("zone-truth-table", "api"),
    ("zone-identity", "api"),
    ("life-isolation", "api"),
}


def examined(package: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, **more: str) -> Run:
    """Examine the site, with its devices' clients, by every rule."""
    secret = secrets.token_urlsafe(24)
    own = {
        "OIDC_DEVICE_SECRET": secret,
        "OIDC_DEVICE_SECOND": f"{secret}-second",
        "OIDC_PASSWORD": secrets.token_hex(8),
    }
    with running(package, **own, **more) as site:
        path = folder / "site.apiauth.toml"
        path.write_text(PROFILE.format(url=site.url), encoding="utf-8")
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        run = examine(Site(site.url, site.environment), path, *allowed, *arguments)
        if not arguments:
            monkeypatch.chdir(folder)
            for name, value in {**site.environment, "XDG_STATE_HOME": str(folder / "state")}.items():
                monkeypatch.setenv(name, value)
            assert main(["token", "site", "--script"]) == 0
    assert not [value for value in own.values() if value in run.output]
    return run


def test_a_script_enters_the_codes_of_devices(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All rules of devices and of what they get run on pages that ask, and find nothing but what is true."""
    run = examined(package, tmp_path, monkeypatch)

    assert run.places("fail") == set(), run.output
    assert run.places("warning") == set(WARNINGS), run.output
    assert run.places("pass") >= CONSENTED, run.output
    assert "the script has entered the code as default" in capsys.readouterr().out


def test_a_code_that_gives_tokens_twice_is_found(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not remember what a device has got is warned of by the rule that is about it, and no other."""
    run = examined(package, tmp_path, monkeypatch, "-k", "device", OIDC_REUSABLE="1")

    assert run.places("fail") == set(), run.output
    of_site = {place for place in WARNINGS if place[1] == "device_code"}
    assert run.places("warning") == {("device-single-use", "device_code"), *of_site}, run.output

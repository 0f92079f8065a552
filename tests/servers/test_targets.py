"""Tokens for one of several APIs (RFC 8707), at a real server: npm's oidc-provider."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Site, examine
from tests.servers.test_oidc_provider import running

pytestmark = pytest.mark.slow

PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
standards = ["RFC 6749", "RFC 6750", "RFC 8707", "RFC 9700"]
[credentials]
client_id = "site-machine"
client_secret = {{ env = "OIDC_MACHINE_SECRET" }}
[token]
resource = "https://api.site.example/"
other_resources = ["https://files.site.example/"]
[grants.client_credentials]
scope = "read"
answer = {{ token_type = "Bearer", expires_in = 600 }}
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
"""
RESOURCES = "https://api.site.example/ https://files.site.example/"
ABOUT = {("target-unknown", "client_credentials"), ("target-malformed", "client_credentials"), ("target-bound", "api")}


@pytest.mark.parametrize("more", [{}, {"OIDC_ANY_AUDIENCE": "1"}], ids=["as it is", "any audience"])
def test_tokens_are_for_the_api_that_they_name(package: Path, tmp_path: Path, more: dict[str, str]) -> None:
    """A server with two resources is called right, and one whose API does not ask what a token is for is not."""
    with running(package, OIDC_MACHINE_SECRET=secrets.token_urlsafe(32), OIDC_RESOURCES=RESOURCES, **more) as site:
        path = tmp_path / "site.apiauth.toml"
        path.write_text(PROFILE.format(url=site.url), encoding="utf-8")
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        run = examine(Site(site.url, site.environment), path, "-k", "target or truth", *allowed)

    found = {("target-bound", "api")} if more else set()
    assert run.places("fail") == found, run.output
    assert run.places("warning") == set(), run.output
    assert run.places("pass") >= ABOUT - found, run.output


BY_CODE = """
[login]
username = "login"
[credentials]
client_id = "site-app"
client_secret = {{ env = "OIDC_SECRET" }}
redirect_uri = {{ env = "OIDC_REDIRECT_URI" }}
username = "alice"
password = {{ env = "OIDC_PASSWORD" }}
[token]
resource = "https://api.site.example/"
other_resources = ["https://files.site.example/"]
[grants.authorization_code]
scope = "openid offline_access read"
answer = {{ token_type = "Bearer", refresh_token = true }}
[grants.refresh_token]
scope = ""
"""
HEAD = PROFILE[: PROFILE.index("[credentials]")].replace(
    'token_url = "/token"', 'token_url = "/token"\nauthorize_url = "/auth?prompt=consent"'
)


def test_codes_and_refresh_tokens_stay_with_their_api(package: Path, tmp_path: Path) -> None:
    """What was consented to for one resource gives no token for another, when redeemed or renewed (RFC 8707 2.2)."""
    with running(package, OIDC_MACHINE_SECRET=secrets.token_urlsafe(32), OIDC_RESOURCES=RESOURCES) as site:
        path = tmp_path / "site.apiauth.toml"
        path.write_text((HEAD + BY_CODE + PROFILE[PROFILE.index("[zones") :]).format(url=site.url), encoding="utf-8")
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        known = site.environment | {"OIDC_PASSWORD": "any"}
        run = examine(Site(site.url, known), path, "-k", "target or truth", *allowed)

    assert run.places("fail") | run.places("warning") == set(), run.output
    named = {("target-granted", grant) for grant in ("authorization_code", "refresh_token")} | {("target-bound", "api")}
    assert run.places("pass") >= named, run.output

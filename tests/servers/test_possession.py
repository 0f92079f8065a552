"""Tokens that are bound to a key (RFC 9449), at a real server: npm's oidc-provider, as it is and less careful."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, Site, examine
from tests.servers.test_oidc_provider import running

pytestmark = pytest.mark.slow

PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
authorize_url = "/auth?prompt=consent"
standards = ["RFC 6749", "RFC 9449"]
[credentials]
client_id = "site-app"
client_secret = {{ env = "OIDC_SECRET" }}
redirect_uri = {{ env = "OIDC_REDIRECT_URI" }}
username = "alice"
password = {{ env = "OIDC_PASSWORD" }}
[clients.machine]
client_id = "site-machine"
client_secret = {{ env = "OIDC_MACHINE_SECRET" }}
[login]
username = "login"
[token]
bound = "dpop"
[grants.authorization_code]
scope = "openid read"
answer = {{ token_type = "DPoP" }}
[grants.client_credentials]
client = "machine"
scope = "read"
answer = {{ token_type = "DPoP", expires_in = 600 }}
[zones.user]
path = "/me"
needs = ["bearer"]
probe = ["/me"]
members = ["sub"]
"""
CARELESS = """
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
"""
AT_ZONES = ("dpop-proof-needed", "dpop-key", "dpop-request", "dpop-token", "dpop-signed", "dpop-time", "dpop-once")
ABOUT: set[Place] = {*((rule, "user") for rule in AT_ZONES), ("dpop-token-request", "client_credentials")}


def examined(package: Path, folder: Path, how: str, more: str = "") -> Run:
    """Examine the site, by the rules of proofs and a few that send tokens otherwise."""
    more_secrets = {name: secrets.token_urlsafe(32) for name in ("OIDC_MACHINE_SECRET", "OIDC_PASSWORD")}
    with running(package, OIDC_DPOP=how, **more_secrets) as site:
        path = folder / "site.apiauth.toml"
        path.write_text(PROFILE.format(url=site.url) + more, encoding="utf-8")
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        chosen = "dpop or truth or resource or tok-members or code-single-use"
        return examine(Site(site.url, site.environment), path, "-k", chosen, *allowed)


def test_a_server_that_binds_tokens_is_called_right(package: Path, tmp_path: Path) -> None:
    """By proofs alone, and with a nonce in each, all is right; with one nothing is said of a proof's time."""
    by_time, by_nonce = (examined(package, tmp_path, how) for how in ("yes", "nonce"))

    for run in (by_time, by_nonce):
        assert run.places("fail") == set(), run.output
        assert {rule for rule, _ in run.places("warning")} <= {"res-401-challenge"}, run.output
    assert by_time.places("pass") >= ABOUT, by_time.output
    assert by_nonce.places("pass") >= ABOUT - {("dpop-time", "user")}, by_nonce.output


def test_what_a_server_does_not_look_at_is_found(package: Path, tmp_path: Path) -> None:
    """A route that takes bound tokens and looks at no proof fails each rule but that of the token endpoint."""
    run = examined(package, tmp_path, "replay", CARELESS)

    musts = {(rule, "api") for rule in AT_ZONES if rule != "dpop-once"}
    assert {place for place in run.places("fail") if place[0].startswith("dpop")} == musts, run.output
    assert run.places("warning") >= {("dpop-once", "user"), ("dpop-once", "api")}, run.output

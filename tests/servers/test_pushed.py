"""Requests that are pushed first (RFC 9126), and answers that name their issuer (RFC 9207), at npm's oidc-provider.

Each protection that the package's options, or one line of code, can take away is taken in turn, and found missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Site, examine
from tests.servers.test_oidc_provider import running

pytestmark = pytest.mark.slow

CODE = "authorization_code"
PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
authorize_url = "/auth?prompt=consent"
pushed_authorization_request_url = "/request"
metadata_url = "/.well-known/openid-configuration"
standards = ["RFC 6749", "RFC 6750", "RFC 7636", "RFC 9101", "RFC 9126", "RFC 9207", "RFC 9700"]
[authorization]
iss = "{url}"
require_pushed_authorization_requests = {required}
[credentials]
client_id = "site-app"
client_secret = {{ env = "OIDC_SECRET" }}
redirect_uri = {{ env = "OIDC_REDIRECT_URI" }}
username = "alice"
password = {{ env = "OIDC_PASSWORD" }}
[clients.second]
client_id = "site-other"
client_secret = {{ env = "OIDC_OTHER_SECRET" }}
[login]
username = "login"
[grants.authorization_code]
scope = "openid offline_access read"
answer = {{ token_type = "Bearer", expires_in = 3600, refresh_token = true }}
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
"""
EVERYTHING = "par or issuer or authorization or metadata"
ABOUT: set[Place] = {(rule, CODE) for rule in (
    "par-answer", "par-client", "par-secret", "par-form", "par-nested", "par-redirect", "par-entropy", "par-unknown",
    "par-bound", "par-single-use", "par-overridden", "iss-named", "az-bad-redirect", "az-redirect-near-miss",
    "az-response-type", "az-state-echo", "az-params",
)}  # fmt: skip
"""What has run; the rules that were there before push what they alter."""
PAGES: set[Place] = {("az-framing", CODE)}
"""The package's pages for development may be framed."""


@dataclass(frozen=True)
class Case:
    """What the server is told, what the profile says, and what is found: a rule and its verdict."""

    pushed: str
    required: bool = True
    is_nameless: bool = False
    rule: str = ""
    verdict: str = "fail"
    chosen: str = "par or issuer"


CASES = {
    "as it is": Case("required", chosen=EVERYTHING),
    "who wants": Case("yes", required=False),
    "not required": Case("yes", rule="par-required"),
    "any redirect_uri": Case("required any-redirect", rule="par-redirect", verdict="warning"),
    "opened again": Case("required reusable", rule="par-single-use", verdict="warning"),
    "nameless": Case("required", is_nameless=True, rule="iss-named"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_pushed_is_kept_safe(package: Path, tmp_path: Path, case: Case) -> None:
    """A right server is called right, and one without a protection is told which one that is."""
    more = {"OIDC_NAMELESS": "1"} if case.is_nameless else {}
    with running(package, OIDC_PUSHED=case.pushed, **more) as site:
        path = tmp_path / "site.apiauth.toml"
        path.write_text(PROFILE.format(url=site.url, required=str(case.required).lower()), encoding="utf-8")
        known = {"OIDC_PASSWORD": "any", "OIDC_OTHER_SECRET": f"{site.environment['OIDC_SECRET']}-other"}
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        run = examine(Site(site.url, site.environment | known), path, "-k", case.rule or case.chosen, *allowed)

    found = {(case.rule, CODE)} if case.rule else set()
    passed = {place for place in ABOUT if not case.rule and (case.chosen == EVERYTHING or place[0][:2] != "az")}
    passed |= {("par-required", CODE), ("md-consistent", "document")} if case.chosen == EVERYTHING else set()
    assert run.places("fail") == (found if case.verdict == "fail" else set()), run.output
    assert run.places("warning") - PAGES == (found if case.verdict == "warning" else set()), run.output
    assert run.places("pass") >= passed, run.output

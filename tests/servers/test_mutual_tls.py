"""Certificates of clients (RFC 8705), over TLS at a real server: npm's oidc-provider, as it is and less careful."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
from pathlib import Path

import pytest
import trustme

from pytest_apiauth.credentials.signing import public_jwk
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, Site, examine
from tests.servers.test_oidc_provider import running

pytestmark = pytest.mark.slow

PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
introspection_url = "/token/introspection"
authorize_url = "/auth?prompt=consent"
ca_file = "{ca_file}"
standards = ["RFC 6749", "RFC 8705"]
[credentials]
client_id = "site-certified"
certificate = {{ file = "certified.pem" }}
redirect_uri = {{ env = "OIDC_REDIRECT_URI" }}
username = "alice"
password = {{ env = "OIDC_PASSWORD" }}
[clients.second]
client_id = "site-second"
certificate = {{ file = "second.pem" }}
[login]
username = "login"
[token]
client_auth = "self_signed_tls_client_auth"
bound = "mtls"
[grants.authorization_code]
scope = "openid read"
answer = {{ token_type = "Bearer" }}
[grants.client_credentials]
scope = "read"
answer = {{ token_type = "Bearer", expires_in = 600 }}
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
AT_ZONES = ("mtls-certificate-needed", "mtls-certificate")
AT_GRANTS = ("mtls-client", "mtls-confirmation")
ABOUT: set[Place] = {
    *((rule, "user") for rule in AT_ZONES),
    *((rule, "client_credentials") for rule in AT_GRANTS),
}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority that server and clients have their certificates of; nothing of it is in this repository."""
    return trustme.CA()


def registered(authority: trustme.CA, name: str, folder: Path) -> dict[str, object]:
    """Write a client's certificate and key into a file; gives what it registers with the server (RFC 8705 2.2)."""
    own = authority.issue_cert(f"{name}.client.example")
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
    der = ssl.PEM_cert_to_DER_cert(own.cert_chain_pems[0].bytes().decode())
    jwk = public_jwk(own.private_key_pem.bytes().decode(), "ES256", name)
    return {**jwk, "use": "sig", "kid": name, "x5c": [base64.b64encode(der).decode()]}


def examined(package: Path, folder: Path, authority: trustme.CA, careless: str = "", more: str = "") -> Run:
    """Examine the site over TLS, by the rules of certificates and a few that send tokens otherwise."""
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = {
        "key": server.private_key_pem.bytes().decode(),
        "cert": "".join(each.bytes().decode() for each in server.cert_chain_pems),
        "clients": {name: registered(authority, name, folder) for name in ("certified", "second")},
        "careless": careless,
    }
    with running(package, OIDC_MTLS=json.dumps(tls), OIDC_PASSWORD=secrets.token_urlsafe(32)) as site:
        path = folder / "site.apiauth.toml"
        path.write_text(PROFILE.format(url=site.url, ca_file=folder / "ca.pem") + more, encoding="utf-8")
        allowed = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
        chosen = "mtls or truth or tok-members or tok-client-auth or code-single-use"
        return examine(Site(site.url, site.environment), path, "-k", chosen, *allowed)


def test_a_server_that_binds_tokens_to_certificates_is_called_right(
    package: Path, tmp_path: Path, authority: trustme.CA
) -> None:
    """Clients prove themselves by their certificates, tokens take theirs, and introspection tells which that is."""
    run = examined(package, tmp_path, authority)

    assert run.places("fail") == set(), run.output
    assert {rule for rule, _ in run.places("warning")} <= {"res-401-challenge"}, run.output
    assert run.places("pass") >= ABOUT, run.output


@pytest.mark.parametrize(
    ("careless", "more", "found"),
    [
        ("", CARELESS, {(rule, "api") for rule in AT_ZONES}),
        ("any", "", {("mtls-client", "client_credentials"), ("mtls-certificate", "user")}),
    ],
    ids=["a route", "any certificate"],
)
def test_what_a_server_does_not_look_at_is_found(
    package: Path, tmp_path: Path, authority: trustme.CA, careless: str, more: str, found: set[Place]
) -> None:
    """A route that looks at no certificate is found, and a server that takes any for the right one."""
    run = examined(package, tmp_path, authority, careless, more)

    assert {place for place in run.places("fail") if place[0].startswith("mtls")} == found, run.output

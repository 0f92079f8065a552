"""Clients that sign what they prove themselves by, at real servers: npm's oidc-provider, Authlib's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_apiauth.credentials.signing import public_half, public_jwk
from tests.servers.known import AUTHLIB
from tests.servers.test_apps_in_process import copied, installed, rewrite
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, Site, examine
from tests.servers.test_oidc_provider import running
from tests.servers.test_served import served

pytestmark = pytest.mark.slow

PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
revocation_url = "/token/revocation"
introspection_url = "/token/introspection"
metadata_url = "/.well-known/openid-configuration"
standards = ["RFC 6749", "RFC 6750", "RFC 7009", "RFC 7523", "RFC 7662", "RFC 8414", "RFC 8725"]
[credentials]
{credentials}
[token]
{token}
[grants.client_credentials]
scope = "read"
answer = {{ token_type = "Bearer", expires_in = 600 }}
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
"""
BY_KEY = {
    "credentials": 'client_id = "site-signer"\nprivate_key = {{ file = "signer.pem" }}\nkey_id = "of-the-test"',
    "token": 'client_auth = "private_key_jwt"\nassertion = {{ alg = "ES256" }}',
}
BY_SECRET = {
    "credentials": 'client_id = "site-sharer"\nclient_secret = {{ env = "OIDC_SHARED_SECRET" }}',
    "token": 'client_auth = "client_secret_jwt"',
}
WARNINGS: dict[Place, str] = {
    ("res-challenge-content", "api"): "RFC 6750 3: the site's own route challenges with the scheme alone",
}
ABOUT: set[Place] = {
    (f"assertion-{name}", "client_credentials")
    for name in ("signature", "key", "time", "audience", "client", "type", "replayed")
}


def made_key() -> str:
    """Make a private key of a test."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@contextmanager
def signing_site(package: Path, folder: Path, **more: str) -> Iterator[Site]:
    """Run the site with two clients that sign; the key of one lies in a file of the folder."""
    key = made_key()
    (folder / "signer.pem").write_text(key, encoding="utf-8")
    jwk = {**public_jwk(key, "ES256", "signer.pem"), "kid": "of-the-test", "use": "sig"}
    with running(
        package, OIDC_PUBLIC_JWK=json.dumps(jwk), OIDC_SHARED_SECRET=secrets.token_urlsafe(32), **more
    ) as site:
        yield Site(site.url, site.environment)


def examined(site: Site, folder: Path, how: dict[str, str]) -> Run:
    """Examine the site by every rule, as one of its clients."""
    path = folder / "site.apiauth.toml"
    path.write_text(PROFILE.format(url=site.url, **{k: v.format() for k, v in how.items()}), encoding="utf-8")
    return examine(site, path, *(f"--apiauth-allow={name}" for name in EVERY_CLASS))


def test_clients_that_sign_are_examined(package: Path, tmp_path: Path) -> None:
    """By a key and by a shared secret all rules run, at every endpoint, and find nothing but what is true."""
    with signing_site(package, tmp_path) as site:
        by_key, by_secret = (examined(site, tmp_path, how) for how in (BY_KEY, BY_SECRET))

    for run in (by_key, by_secret):
        assert run.places("fail") == set(), run.output
        assert run.places("warning") == set(WARNINGS), run.output
        assert run.places("pass") >= ABOUT, run.output
    assert ("assertion-algorithm", "client_credentials") in by_key.places("pass")


def test_an_assertion_that_is_good_for_days_is_found(package: Path, tmp_path: Path) -> None:
    """A server whose clocks may differ by a week takes what has expired."""
    with signing_site(package, tmp_path, OIDC_TOLERANCE="604800") as site:
        run = examined(site, tmp_path, BY_KEY)

    assert run.places("fail") == {("assertion-time", "client_credentials")}, run.output


SIGNING = """
import pathlib
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import url_for
from joserfc.jwk import ECKey

USED = set()


class SignedClient(JWTBearerClientAssertion):
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def get_audiences(self):
        return [url_for("oauth.token", _external=True)]

    def validate_jti(self, claims, jti):
        is_new = (claims["sub"], jti) not in USED
        USED.add((claims["sub"], jti))
        return is_new

    def resolve_client_public_key(self, client):
        return ECKey.import_key(pathlib.Path(f"{client.client_id}.pem").read_text())


def create_app():"""
REGISTERED = """    for taken in (PasswordGrant, grants.ClientCredentialsGrant, RefreshTokenGrant):
        taken.TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]
    server.register_client_auth_method("private_key_jwt", SignedClient())

    from routes import bp
"""
AUTHLIB_PROFILE = """
schema = 1
extends = "shop.apiauth.toml"
standards = ["RFC 6749", "RFC 6750", "RFC 7523", "RFC 8725"]
revocation_url = false
introspection_url = false
metadata_url = false
[credentials]
private_key = { file = "shop-key.pem" }
[clients.second]
private_key = { file = "second-key.pem" }
[clients]
special = false
[token]
client_auth = "private_key_jwt"
assertion = { alg = "ES256" }
[grants]
authorization_code = false
"""


TRUE = {"assertion-client"}
"""RFC 7521 4.2: a client_id beside the assertion MUST be that of the assertion; Authlib does not compare them."""
UNREAD = {f"assertion-{name}" for name in ("time", "audience", "client", "replayed")}


def signing_shop(folder: Path) -> Path:
    """Have the project's clients sign; gives the profile."""
    for name in ("shop", "second"):
        key = made_key()
        (folder / f"{name}-key.pem").write_text(key, encoding="utf-8")
        (folder / f"the-{name}.pem").write_text(public_half(key, "ES256", name), encoding="utf-8")
    rewrite(folder / "provider.py", "\ndef create_app():", SIGNING)
    rewrite(folder / "provider.py", "    from routes import bp\n", REGISTERED)
    rewrite(folder / "seed.py", '"client_secret_basic"', '"private_key_jwt"')
    profile = folder / "signing.apiauth.toml"
    profile.write_text(AUTHLIB_PROFILE, encoding="utf-8")
    return profile


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("", "", TRUE),
        ("        return is_new", "        return True", TRUE | {"assertion-replayed"}),
        (
            "        return is_new",
            "        return is_new\n\n    def verify_claims(self, claims):\n        pass",
            UNREAD,
        ),
    ],
    ids=["as it is", "any number of times", "claims unread"],
)
def test_authlibs_clients_that_sign(tmp_path: Path, before: str, after: str, found: set[str]) -> None:
    """Authlib's own class for assertions is called right, and each part of it is missed that is not there."""
    folder = copied(installed(AUTHLIB), tmp_path)
    profile = signing_shop(folder)
    if before:
        rewrite(folder / "provider.py", before, after)
    with served(AUTHLIB, folder) as site:
        run = examine(site, profile, "-k", "assertion", *(f"--apiauth-allow={name}" for name in EVERY_CLASS))

    assert {rule for rule, _ in run.places("fail") | run.places("warning")} == found, run.output

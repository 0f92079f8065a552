"""Certificates of clients (RFC 8705) as a user meets them: fixtures, a double in the API's place, a port over TLS."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Run, passes

PROFILE = """
schema = 1
api_url = "https://api.shop.example"
token_url = "https://id.shop.example/token"
standards = ["RFC 6749", "RFC 8705"]
[credentials]
client_id = "shop"
certificate = { env = "SHOP_CERTIFICATE" }
certificate_key = { env = "SHOP_CERTIFICATE_KEY" }
[token]
client_auth = "tls_client_auth"
bound = "mtls"
[grants.client_credentials]
[zones.items]
path = "/items"
needs = ["bearer"]
probe = ["/items"]
"""
TESTS = """
    import os
    import ssl

    import httpx

    FORM = {"grant_type": "client_credentials", "client_id": "shop"}

    def asked(client, token_url, url):
        token = client.post(token_url, data=FORM).raise_for_status().json()["access_token"]
        return client.get(url, headers={"Authorization": "Bearer " + token})

    def test_a_client_of_the_fixtures(apiauth_client, apiauth_server):
        assert apiauth_client.get("/items").status_code == 200
        shown = [request.client_certificate.chain for request in apiauth_server.requests]
        assert shown == [apiauth_server.environment["SHOP_CERTIFICATE"]] * 2

    def test_a_client_without_credentials_has_none(apiauth_client_factory, apiauth_server):
        assert apiauth_client_factory(credentials=()).get("/items").status_code == 401
        assert apiauth_server.requests[-1].client_certificate is None

    def test_code_of_mine_with_a_double(apiauth_mock, apiauth_server):
        with httpx.Client() as client:
            assert asked(client, "https://id.shop.example/token", "https://api.shop.example/items").status_code == 200
        assert apiauth_server.requests[0].client_certificate.chain == os.environ["SHOP_CERTIFICATE"]

    def test_code_of_mine_over_tls(apiauth_tls_url, apiauth_server, tmp_path):
        (tmp_path / "client.pem").write_text(os.environ["SHOP_CERTIFICATE"] + os.environ["SHOP_CERTIFICATE_KEY"])
        context = ssl.create_default_context(cafile=apiauth_tls_url.ca_file)
        with httpx.Client(verify=context, trust_env=False) as bare:
            assert bare.post(apiauth_tls_url + "/token", data=FORM).status_code == 401
        context.load_cert_chain(tmp_path / "client.pem")
        with httpx.Client(verify=context, trust_env=False) as client:
            assert asked(client, apiauth_tls_url + "/token", apiauth_tls_url + "/items").status_code == 200
"""


def test_a_users_tests(pytester: pytest.Pytester, run: Run) -> None:
    """A client of the fixtures presents it, one without credentials does not, and code of one's own may over TLS."""
    (pytester.path / "shop.apiauth.toml").write_text(PROFILE, encoding="utf-8")

    passes(pytester, run, TESTS)

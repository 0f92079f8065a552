"""The embedded server's judgement of certificates, by requests that are made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pytest_apiauth.credentials import certificates
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import ClientCertificate, Request
from pytest_apiauth.profile import loading

FORM = ("Content-Type", "application/x-www-form-urlencoded")
FOLDER = Path(__file__).parent.parent / "profiles"
ITEMS = "https://api.mtls.example/items"


class Client:
    """A client of the double, with a certificate of the test's choice."""

    def __init__(self, profile: str = "mtls") -> None:
        self.server = Server(loading.load(FOLDER / f"{profile}.apiauth.toml"))
        self.chain = self.server.environment["MTLS_CERTIFICATE"]
        self.namesake = certificates.self_made(self.chain).chain

    def asked(self, chain: str = "", path: str = "/token", **form: str) -> tuple[int, dict[str, Any]]:
        """Post a form as the client; gives the status and the members of the answer."""
        named = {
            "client_id": self.server.environment["MTLS_CLIENT_ID"],
            "grant_type": "client_credentials",
            "scope": "read",
        }
        body = urlencode({**named, **form} if path == "/token" else {"client_id": named["client_id"], **form}).encode()
        answer = self.server.handle(self.coming("POST", f"https://id.mtls.example{path}", chain, FORM, body=body))
        return answer.status, json.loads(answer.body)

    def coming(self, method: str, url: str, chain: str, *lines: tuple[str, str], body: bytes = b"") -> Request:
        """Return a request that comes with a certificate, or with none."""
        certificate = ClientCertificate(chain) if chain else None
        return Request(method, url, lines, body, client_certificate=certificate)

    def get(self, token: str, chain: str) -> int:
        """Ask for a resource."""
        return self.server.handle(self.coming("GET", ITEMS, chain, ("Authorization", f"Bearer {token}"))).status


def test_a_client_is_known_by_its_certificate() -> None:
    """It gets a token with its own alone, and the refusal says what is wrong (RFC 8705 2)."""
    client = Client()
    stranger = certificates.self_made().chain

    assert client.asked(client.chain)[0] == 200
    refused = [client.asked(chain) for chain in ("", stranger, client.namesake, "no certificate")]
    refused += [client.asked(client.chain, client_id="nobody"), client.asked(client.chain, client_secret="made-up")]
    assert [members["error"] for _, members in refused] == ["invalid_client"] * 5 + ["invalid_request"]


def test_a_token_takes_the_certificate_that_it_was_asked_for_with() -> None:
    """It opens its zone with that one only; introspection and metadata say so (RFC 8705 3)."""
    client = Client()
    token = client.asked(client.chain)[1]["access_token"]

    opened = [client.get(token, chain) for chain in (client.chain, "", client.namesake, certificates.self_made().chain)]
    assert opened == [200, 401, 401, 401]
    told = client.asked(client.chain, "/introspect", token=token)[1]
    assert (told["cnf"], told["token_type"]) == ({"x5t#S256": certificates.thumbprint(client.chain)}, "Bearer")
    metadata = json.loads(client.server.handle(Request("GET", client.server.profile.url(METADATA))).body)
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    assert metadata["token_endpoint_auth_methods_supported"] == ["self_signed_tls_client_auth"]


METADATA = "https://id.mtls.example/.well-known/oauth-authorization-server"


def test_a_public_client_is_whoever_has_its_certificate() -> None:
    """Its tokens take any certificate, and from then on that one, to be renewed as well (RFC 8705 4)."""
    client = Client("bound")
    one, other = certificates.self_made().chain, client.namesake
    user = {name: client.server.environment[f"MTLS_{name.upper()}"] for name in ("username", "password")}
    first = client.asked(one, grant_type="password", **user)[1]

    assert [client.get(first["access_token"], chain) for chain in (one, other)] == [200, 401]
    assert client.asked("", grant_type="password", **user)[1]["error"] == "invalid_request"
    renewing = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert client.asked(other, **renewing)[1]["error"] == "invalid_grant"
    assert client.asked(one, **renewing)[0] == 200


@pytest.mark.parametrize("with_key", [True, False])
def test_certificates_are_invented_with_their_keys(with_key: bool) -> None:
    """The key is where the profile has a place for it, or else behind the certificate."""
    profile = loading.load(FOLDER / "mtls.apiauth.toml")
    own = profile.credentials.model_dump(exclude_unset=True)
    server = Server(profile if with_key else profile.replaced(credentials={**own, "certificate_key": None}))

    assert ("PRIVATE KEY" in server.environment["MTLS_CERTIFICATE"]) is not with_key
    assert server.identities.certificate().load is not None
    assert server.identities.certificate("second").chain != server.identities.certificate().chain

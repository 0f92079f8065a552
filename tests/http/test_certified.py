"""Clients that present a certificate (RFC 8705) to the profile's origins, in process and over TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials import certificates
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.authority import authority_for
from pytest_apiauth.embedded.loopback import rebased, serve
from pytest_apiauth.errors import CredentialError, HandshakeError
from pytest_apiauth.http import Connector, InProcess, Network, Sender, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from tests.here import EACH, USUAL

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "mtls.apiauth.toml")
EITHER = [
    pytest.mark.parametrize("library", EACH),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


def either(test: Any) -> Any:
    """Have a test be about either library, and either kind of client."""
    for mark in EITHER:
        test = mark(test)
    return test


def get(profile: Profile, server: Server, carrier: Connector, is_async: bool, *, client: str | None = None) -> Any:
    """Ask for a resource as a client of the fixtures does."""
    redactor = Redactor()
    identities = Identities(profile, server.lookup, redactor)
    user = Authenticator(profile, identities, TokenStore(server.clock, 30), redactor, client=client)

    async def main() -> Any:
        async with build_async_client(profile, carrier, redactor, authenticator=user) as client:
            return await client.get("/items")

    if is_async:
        return asyncio.run(main())
    with build_client(profile, carrier, redactor, authenticator=user) as blocking:
        return blocking.get("/items")


@either
def test_each_request_has_the_certificate_of_its_client(library: str, is_async: bool) -> None:
    """The token request has it and no secret, and so has the user's own; another client has another one."""
    server, arrived = Server(PROFILE), list[Request]()

    def handle(request: Request) -> Response:
        arrived.append(request)
        return server.handle(request)

    for who in ("default", "second"):
        carrier = InProcess(library, handle)
        assert get(server.profile, server, carrier, is_async, client=who).status_code == 200

    chains = [request.client_certificate.chain for request in arrived if request.client_certificate]
    assert chains[0] == chains[1] == server.environment["MTLS_CERTIFICATE"]
    assert chains[2] == chains[3] != chains[0]
    assert set(arrived[0].form()) == {"grant_type", "client_id", "scope"}


@either
def test_over_tls_the_connection_shows_it(library: str, is_async: bool, tmp_path: Path) -> None:
    """A server that asks for a certificate sees it, and binds the token to it."""
    server, authority = Server(PROFILE), authority_for()
    with serve(server, tls=authority.server_for(server.client_certificates)) as url:
        profile = rebased(server.profile, url).replaced(ca_file=str(authority.write(tmp_path)))
        answer = get(profile, server, Network(library, ca_file=profile.ca_file), is_async)

    assert answer.status_code == 200
    seen = [request.client_certificate for request in server.requests]
    assert [each and each.chain for each in seen] == [server.environment["MTLS_CERTIFICATE"]] * 2


def test_who_is_not_known_gets_no_connection(tmp_path: Path) -> None:
    """A handshake that the server ends for the certificate is told from a connection that broke."""
    server, authority = Server(PROFILE), authority_for()
    with serve(server, tls=authority.server_for(server.client_certificates)) as url:
        profile = rebased(server.profile, url).replaced(ca_file=str(authority.write(tmp_path)))
        sender = Sender.live(USUAL, profile, Redactor())
        own = certificates.self_made(server.environment["MTLS_CERTIFICATE"])
        with pytest.raises(HandshakeError, match=r"^mtls: https://127.0.0.1:\d+/items: no answer \(.*ALERT"):
            sender.send(Request("GET", f"{url}/items", client_certificate=own))
        bare = sender.send(Request("GET", f"{url}/items"))
        sender.close()

    assert bare.status == 401


def test_a_key_of_another_certificate_is_one_line(tmp_path: Path) -> None:
    """Certificate and key that do not go together are told of by profile and key, before anything is sent."""
    server, authority = Server(PROFILE), authority_for()
    values = {
        **server.environment,
        "MTLS_CERTIFICATE_KEY": Server(PROFILE.replaced(name="o")).environment["MTLS_CERTIFICATE_KEY"],
    }
    redactor = Redactor()
    profile = PROFILE.replaced(api_url="https://localhost:1", token_url="https://localhost:1/token")
    identities = Identities(profile, lambda label, reference: values.get(reference.env or ""), redactor)
    sender = Sender.live(USUAL, profile, redactor, network=Network(USUAL, ca_file=str(authority.write(tmp_path))))
    request = Request("GET", "https://localhost:1/items", client_certificate=identities.certificate())

    with pytest.raises(CredentialError) as caught:
        sender.send(request)
    sender.close()

    told = "mtls: credentials.certificate: it cannot be read, or its private key is another one's"
    assert str(caught.value) == told
    assert values["MTLS_CERTIFICATE_KEY"] not in redactor.redact(values["MTLS_CERTIFICATE_KEY"])

"""Signed requests at the embedded server, which has the project's own function sign what has arrived."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.credentials.request_signing import RequestSigner, adding
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.kinds import Kind

FILE = Path(__file__).parent.parent / "profiles" / "signed.apiauth.toml"
ORDERS = "https://api.signed.example/orders/latest"
REPORT = "https://api.signed.example/files/report"


class Client:
    """Code under test that signs its requests."""

    def __init__(self, **changes: Any) -> None:
        self.server = Server(loading.load(FILE, changes=[changes] if changes else []))

    def signed(self, kind: Kind = "hmac", url: str = ORDERS, who: str = "default") -> Request:
        """Sign a request by somebody's key."""
        names, profile = self.server.identities, self.server.profile
        signer, key = RequestSigner.of(profile, kind), names.named(kind, who)
        api_key = names.key().api_key
        assert key is not None
        assert api_key is not None
        request = Request("GET", url, (("X-API-Key", api_key.reveal()),))
        return adding(request, signer.made(request, key.reveal()), signer.place)

    def status(self, request: Request) -> int:
        """Return the status of the answer."""
        return self.server.handle(request).status


@pytest.mark.parametrize("who", ["default", "second"])
def test_a_signed_request_is_let_in_once(who: str) -> None:
    """Whoever's key has signed it, the same signature opens nothing again where each is good once."""
    client = Client()
    request = client.signed(who=who)

    assert [client.status(request), client.status(request), client.status(client.signed(who=who))] == [200, 401, 200]


@pytest.mark.parametrize(
    "change",
    [
        {"method": "HEAD"}, {"url": f"{ORDERS}?page=2"}, {"url": ORDERS.replace("latest", "first")}, {"body": b"{}"},
    ],
    ids=str,
)  # fmt: skip
def test_a_signature_of_another_request(change: dict[str, Any]) -> None:
    """What has changed on the way was signed by nobody."""
    client = Client()

    assert client.status(replace(client.signed(), **change)) == 401


def test_a_signature_has_its_time() -> None:
    """Its lifetime begins when it came first, and a new one is good whenever it comes."""
    client = Client()
    request = client.signed("link", REPORT)

    first = client.status(request)
    client.server.clock.advance(299)
    in_time = client.status(request)
    client.server.clock.advance(2)

    assert [first, in_time, client.status(request), client.status(client.signed("link", REPORT))] == [
        200,
        200,
        401,
        200,
    ]


@pytest.mark.parametrize(("kind", "url"), [("hmac", ORDERS), ("link", REPORT)])
def test_what_the_function_would_make_now_is_in_time(kind: Kind, url: str) -> None:
    """A function that signs nothing but a second makes the same within it, however this server's clock was moved."""
    function = {"hmac": "tests.signing:sign_alone", "link": "tests.signing:sign_alone_in_query"}[kind]
    client = Client(schemes={kind: {"sign": function, "lifetime": 60, "once": False}})
    request = client.signed(kind, url)

    first = client.status(request)
    client.server.clock.advance(90)

    assert (first, client.status(client.signed(kind, url))) == (200, 200)

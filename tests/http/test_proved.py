"""Clients whose tokens are bound to a key (RFC 9449): each request is proved as it leaves, with its server's nonce."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from tests.here import EACH

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "dpop.apiauth.toml")

pytestmark = [
    pytest.mark.parametrize("library", EACH),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


class Client:
    """A client of either kind, of a server that binds tokens."""

    def __init__(self, library: str, is_async: bool, *variants: str) -> None:
        self.redactor = Redactor()
        self.server = Server(PROFILE, redactor=self.redactor, variants=variants)
        self.arrived: list[tuple[Request, Response]] = []
        self._library, self._is_async = library, is_async
        identities = self.server.identities
        store = TokenStore(self.server.clock, 30)
        self._user = Authenticator(self.server.profile, identities, store, self.redactor)

    def _handle(self, request: Request) -> Response:
        answer = self.server.handle(request)
        self.arrived.append((request, answer))
        return answer

    def get(self, *urls: str) -> list[Any]:
        """Ask for some URLs, one after the other."""
        carrier = InProcess(self._library, self._handle)

        async def main() -> list[Any]:
            async with build_async_client(PROFILE, carrier, self.redactor, authenticator=self._user) as client:
                return [await client.get(url) for url in urls]

        if self._is_async:
            return asyncio.run(main())
        with build_client(PROFILE, carrier, self.redactor, authenticator=self._user) as client:
            return [client.get(url) for url in urls]

    @property
    def statuses(self) -> list[int]:
        """The status of each answer, token requests included."""
        return [answer.status for _, answer in self.arrived]


def test_each_request_has_a_proof_of_its_own(library: str, is_async: bool) -> None:
    """A server that takes each proof once lets every request in; no proof is shown."""
    client = Client(library, is_async)

    answers = client.get("/items?page=1", "/items?page=2")

    assert [answer.status_code for answer in answers] == [200, 200]
    assert client.statuses == [200, 200, 200]
    proofs = [request.header("DPoP") or "" for request, _ in client.arrived]
    assert len({*proofs}) == 3
    assert [client.redactor.redact(proof) for proof in proofs] == ["[apiauth:dpop.dpop_proof]"] * 3


def test_the_nonce_of_a_server_is_taken_once(library: str, is_async: bool) -> None:
    """A server that wants a nonce is asked a second time, and has it from then on; a new one is taken likewise."""
    client = Client(library, is_async, "dpop-nonce")

    first = client.get("/items", "/items")
    client.server.clock.advance(310)
    second = client.get("/items")

    assert [answer.status_code for answer in (*first, *second)] == [200, 200, 200]
    # The token request, and the first one to the API, have no nonce of theirs yet; then a new one of the latter's.
    assert client.statuses == [400, 200, 401, 200, 200, 401, 200]

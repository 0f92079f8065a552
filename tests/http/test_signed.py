"""Requests that a project's own function signs: as they leave, anew each time, and for the API's own places alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError, ProfileError, ReplacedError
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from tests import signing
from tests.here import EACH
from tests.shop import authenticator, shop

KEY = "value-of-schemes.hmac.value"

pytestmark = [
    pytest.mark.parametrize("library", EACH),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


def signed(function: str = "sign", **place: str) -> Profile:
    """Return a profile whose requests a function signs."""
    scheme = {"in": "header", "name": "X-Signature", "value": {"env": "KEY"}, "sign": f"tests.signing:{function}"}
    return shop(schemes={"hmac": {**scheme, **place}}, zones={"all": {"path": "/", "needs": ["hmac"]}}, grants={})


class Client:
    """A client of either kind, and what arrives of its requests."""

    def __init__(self, library: str, is_async: bool, profile: Profile, *answers: Response) -> None:
        self.arrived: list[Request] = []
        self.redactor = Redactor()
        self._answers = list(answers)
        self._library, self._is_async, self._profile = library, is_async, profile

    def _handle(self, request: Request) -> Response:
        self.arrived.append(request)
        return self._answers.pop(0) if self._answers else Response(200)

    def send(self, method: str = "GET", url: str = "/cards?page=2", **options: Any) -> Any:
        """Send a request, and return its answer."""
        user = authenticator(self._profile, redactor=self.redactor)
        carrier = InProcess(self._library, self._handle)
        settings: dict[str, Any] = {"authenticator": user, "follow_redirects": True}

        async def main() -> Any:
            async with build_async_client(self._profile, carrier, self.redactor, **settings) as client:
                return await client.request(method, url, **options)

        if self._is_async:
            return asyncio.run(main())
        with build_client(self._profile, carrier, self.redactor, **settings) as client:
            return client.request(method, url, **options)

    def streamed(self) -> Any:
        """Return a body that is made piece by piece."""

        def pieces() -> Iterator[bytes]:
            yield from (b"one", b"two")

        async def async_pieces() -> AsyncIterator[bytes]:
            for piece in pieces():
                yield piece

        return async_pieces() if self._is_async else pieces()


def is_good(request: Request) -> bool:
    """Whether the signature of a request is that of its method, path, query and body as they have arrived."""
    return signing.sign(request, KEY)["X-Signature"] == request.header("X-Signature")


def test_what_leaves_is_what_is_signed(library: str, is_async: bool) -> None:
    """Method, URL, body and what goes with the signature are those that arrive; no output has the signature."""
    client = Client(library, is_async, signed())

    answer = client.send("POST", json={"label": "new"})
    client.send("PUT", content=client.streamed())

    assert [is_good(request) for request in client.arrived] == [True, True]
    assert client.arrived[1].body == b"onetwo"
    made = answer.request.headers["X-Signature"]
    assert client.redactor.redact(made) == "[apiauth:shop.hmac.signature]"


def test_a_request_that_is_sent_on_is_signed_anew(library: str, is_async: bool) -> None:
    """A redirect within the API has a signature of its own."""
    client = Client(library, is_async, signed(), Response(307, (("Location", "/v1/other"),)))

    client.send("POST", json={"label": "new"})

    first, second = client.arrived
    assert second.path == "/v1/other"
    assert is_good(second)
    assert first.header_lines("X-Signature") != second.header_lines("X-Signature")


def test_a_signature_goes_nowhere_else(library: str, is_async: bool) -> None:
    """A redirect to another place is stopped before it leaves."""
    client = Client(library, is_async, signed(), Response(302, (("Location", "https://evil.example/"),)))

    with pytest.raises(GuardError, match="a credential in the header would travel to"):
        client.send()

    assert len(client.arrived) == 1


def test_a_signature_in_the_query(library: str, is_async: bool) -> None:
    """It stands in the URL that arrives, and in none that a test sees."""
    client = Client(library, is_async, signed("sign_in_query", **{"in": "query", "name": "sig"}))

    answer = client.send()

    sent = client.arrived[0].params
    assert sent["sig"] == signing.sign_in_query(client.arrived[0], KEY)["sig"]
    assert sent["page"] == "2"
    assert "sig" not in str(answer.request.url)


def test_a_request_that_brings_a_signature(library: str, is_async: bool) -> None:
    """What a test signs by itself is not replaced: that is an error, and nothing is sent."""
    client = Client(library, is_async, signed())

    with pytest.raises(ReplacedError, match="the request brings a header X-Signature"):
        client.send(headers={"X-Signature": "own"})

    assert client.arrived == []


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("absent", "shop: schemes.hmac.sign: tests.signing has no attribute 'absent'"),
        ("fail", "shop: schemes.hmac.sign: tests.signing:fail failed: ValueError: no signature with [its key]"),
        (
            "nothing",
            "tests.signing:nothing returned a str; expected a mapping of texts by name, among them X-",
        ),
        ("unsigned", "tests.signing:unsigned returned only 'X-Signed-At'; expected a mapping of texts by name"),
        ("number", "tests.signing:number returned an int for 'X-Signature'; expected a mapping of texts by name"),
    ],
)
def test_a_function_that_fails_is_told_in_one_line(library: str, is_async: bool, function: str, told: str) -> None:
    """The line names profile, key and function, says what came of it, and has no key in it."""
    client = Client(library, is_async, signed(function))

    with pytest.raises(ProfileError) as caught:
        client.send()

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert client.arrived == []

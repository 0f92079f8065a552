"""A key in the query or in a cookie: it arrives at the API, goes nowhere else, and is in nothing that is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError, GuardError
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from tests.here import EACH
from tests.shop import authenticator, shop

KEY = "a key/of+letters&more=%41"
COOKIE_KEY = "a-key/of+letters&more=%41"
KEYS = {"query": KEY, "cookie": COOKIE_KEY}
AS_WRITTEN = "a%20key%2Fof%2Bletters%26more%3D%2541"

pytestmark = [
    pytest.mark.parametrize("library", EACH),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


def keyed(where: str) -> Profile:
    """Return a profile whose key travels in a place."""
    zones = {"all": {"path": "/", "needs": ["api_key"]}}
    return shop(api_key={"in": where, "name": "key"}, zones=zones, grants={})


class Client:
    """A client of either kind, of a profile whose key is in the query or in a cookie, and what arrives of it."""

    def __init__(self, library: str, is_async: bool, where: str, *answers: Response) -> None:
        self.arrived: list[Request] = []
        self._answers = list(answers)
        self._library, self._is_async, self._profile = library, is_async, keyed(where)
        self._redactor = Redactor()
        self._user = authenticator(self._profile, redactor=self._redactor, lookup=lambda label, reference: KEYS[where])

    def _handle(self, request: Request) -> Response:
        self.arrived.append(request)
        return self._answers.pop(0) if self._answers else Response(200)

    def get(self, url: str, look: Callable[[Any], Any] = lambda response: None, **options: Any) -> Any:
        """Send a GET, and look at its answer."""
        settings = {"authenticator": self._user, "follow_redirects": True, **options}
        carrier = InProcess(self._library, self._handle)

        async def main() -> Any:
            async with build_async_client(self._profile, carrier, self._redactor, **settings) as client:
                return look(await client.get(url))

        if self._is_async:
            return asyncio.run(main())
        with build_client(self._profile, carrier, self._redactor, **settings) as client:
            return look(client.get(url))


def test_the_key_is_added_and_the_query_stays_as_it_is(library: str, is_async: bool) -> None:
    """What the test wrote travels letter by letter, but for a parameter of the key's own name."""
    client = Client(library, is_async, "query")

    client.get("/items?a=%2F%20b&c&key=mine&d=+")

    assert [request.url for request in client.arrived] == [
        f"https://api.example.org/v1/items?a=%2F%20b&c&d=+&key={AS_WRITTEN}"
    ]


def test_the_key_joins_the_cookies(library: str, is_async: bool) -> None:
    """The client's own cookies travel beside the key, but for one of its name."""
    client = Client(library, is_async, "cookie")

    client.get("/items", cookies={"theme": "dark", "key": "mine"})

    assert [request.header("cookie") for request in client.arrived] == [f"theme=dark; key={COOKIE_KEY}"]


@pytest.mark.parametrize("where", KEYS)
def test_the_key_is_in_nothing_that_is_shown(
    library: str, is_async: bool, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answer nor its history, the libraries' log, an error nor a repr has the key."""
    caplog.set_level(logging.DEBUG)
    moved = Response(302, (("Location", "/v1/others"),))
    client = Client(library, is_async, where, moved, Response(404))

    def look(response: Any) -> str:
        every = [*response.history, response]
        shown = [str(each.url) + str(each.request.url) + str(each.request.headers) + repr(each) for each in every]
        shown += [repr(each.request.extensions) for each in every]
        with pytest.raises(Exception, match="404") as caught:
            response.raise_for_status()
        return "\n".join([*shown, str(caught.value), caplog.text])

    shown = client.get("/items", look)

    assert "others" in shown
    assert not any(word in shown for word in (KEYS[where], AS_WRITTEN, "letters"))


@pytest.mark.parametrize("where", KEYS)
def test_the_key_follows_to_where_the_profile_goes(library: str, is_async: bool, where: str) -> None:
    """A redirect within the API takes the key along, as it does a key in a header."""
    client = Client(library, is_async, where, Response(307, (("Location", "https://login.example.org/whoami?x=1"),)))

    client.get("/items")

    first, second = client.arrived
    expected = {"query": f"x=1&key={AS_WRITTEN}", "cookie": "x=1"}
    assert second.url == f"https://login.example.org/whoami?{expected[where]}"
    assert second.header("cookie") == first.header("cookie")


@pytest.mark.parametrize("where", KEYS)
@pytest.mark.parametrize("place", ["https://evil.example/take", "http://api.example.org/take", "//evil.example/"])
def test_the_key_goes_nowhere_else(library: str, is_async: bool, where: str, place: str) -> None:
    """A redirect to another origin, or in clear, is stopped before the key leaves."""
    client = Client(library, is_async, where, Response(302, (("Location", place),)))

    with pytest.raises(GuardError, match=f"a credential in the {where} would travel to") as caught:
        client.get("/items")

    assert len(client.arrived) == 1
    assert "letters" not in str(caught.value)


def test_what_no_cookie_can_carry_is_one_line(library: str, is_async: bool) -> None:
    """A key with a blank or a semicolon is refused before anything is sent, without its value."""
    client = Client(library, is_async, "cookie")
    client._user = authenticator(client._profile, redactor=Redactor(), lookup=lambda label, reference: "one; two")

    with pytest.raises(CredentialError, match="its value cannot travel in a cookie") as caught:
        client.get("/items")

    assert client.arrived == []
    assert "two" not in str(caught.value)

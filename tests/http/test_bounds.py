"""How much of an answer is read: each bound cuts what is beyond it, and with a wider one the same answer comes."""

from __future__ import annotations

import asyncio
import gzip
import math
import socket
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import Network, Sender, bounds, build_async_client, build_client
from pytest_apiauth.http.bounds import BeyondError, BoundedStream, Reading, bounded
from pytest_apiauth.messages import Request
from pytest_apiauth.targets.connection import Connection
from tests.here import EACH, INSTALLED, USUAL
from tests.http.test_network import Listener, local
from tests.shop import authenticator

TOKEN = b'{"access_token": "access-token-1", "token_type": "Bearer", "expires_in": 3600, "pad": "%s"}' % (b"x" * 2000)
LATE = r"^shop: http://localhost:\d+/(token|user/me): the answer was not complete after 0\.1 seconds$"


def answer(body: bytes = TOKEN, *lines: bytes, before: bytes = b"") -> bytes:
    """Write an answer that has a token."""
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), b"Connection: close", *lines])
    return before + head + b"\r\n\r\n" + body


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" * 4000
SMALL: dict[str, float] = {"body": 1000}
LARGER = "the answer is larger than 0.001 MB"
GZIP, DEFLATE, TWICE = (b"Content-Encoding: " + each for each in (b"gzip", b"deflate", b"gzip, gzip"))
ANSWERS: dict[str, tuple[bytes, dict[str, float], str]] = {
    "interim": (answer(before=INTERIM), {"head": 50_000}, "the head of the answer is larger than 50 kB"),
    "lines": (answer(TOKEN, *[b"X-Many: 1"] * 500), {"lines": 400}, "the answer has more than 400 header lines"),
    "plain": (answer(), SMALL, LARGER),
    "gzip": (answer(gzip.compress(TOKEN), GZIP), SMALL, LARGER),
    "deflate": (answer(zlib.compress(TOKEN), DEFLATE), SMALL, LARGER),
    "layers": (answer(gzip.compress(gzip.compress(TOKEN)), TWICE), SMALL, LARGER),
}  # fmt: skip
"""Answers with a token, the bound that is too narrow for each, and what is said then."""


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


@pytest.fixture
def bind(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Read more or less of answers."""

    def change(**changes: Any) -> None:
        monkeypatch.setattr(bounds, "BOUNDS", replace(bounds.BOUNDS, **changes))

    return change


class Dripping(Listener):
    """Gives its answer a byte at a time, the ``fast`` first ones aside."""

    def __init__(self, text: bytes, fast: int = 0) -> None:
        super().__init__(answer=text[:fast])
        self._rest = text[fast:]

    def _serve(self, connection: socket.socket) -> bool:
        super()._serve(connection)
        connection.settimeout(0.001)
        for place in range(len(self._rest)):
            connection.sendall(self._rest[place : place + 1])
            with suppress(TimeoutError):
                # The pause between two bytes; whoever has enough of it ends the connection.
                if connection.recv(1) == b"":
                    break
        return False


def get(url: str, name: str, is_async: bool, **options: Any) -> Any:
    """Get one page by a client that needs a token first."""
    profile, redactor = local(url), Redactor()
    user = authenticator(profile, redactor=redactor)

    async def main() -> Any:
        async with build_async_client(profile, Network(name), redactor, authenticator=user, **options) as client:
            return await client.get("/user/me")

    if is_async:
        return asyncio.run(main())
    with build_client(profile, Network(name), redactor, authenticator=user, **options) as client:
        return client.get("/user/me")


PAIRS = [(INSTALLED[0], False), (INSTALLED[-1], True), (INSTALLED[0], True), (INSTALLED[-1], False)]
"""Each library, blocking and not: they take turns, since ways to read an answer differ in ``await`` alone."""


@pytest.mark.parametrize(("case", "name", "is_async"), [(c, *PAIRS[n % 4]) for n, c in enumerate(ANSWERS)])
def test_more_than_is_read_ends_a_token_request(
    name: str, is_async: bool, case: str, bind: Callable[..., None]
) -> None:
    """What is beyond a bound is one line; with a wider bound the same answer is a token, and the API's own comes."""
    text, narrow, reason = ANSWERS[case]
    with Listener(answer=text) as listener:
        assert get(listener.url, name, is_async).json()["access_token"] == "access-token-1"
        bind(**narrow)
        with pytest.raises(UnreachableError, match=rf"^shop: http://localhost:\d+/token: {reason}$"):
            get(listener.url, name, is_async)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fast", "name", "is_async"), [(0, *pair) for pair in PAIRS] + [(60, *pair) for pair in PAIRS[:2]]
)
def test_time_is_that_of_the_whole_answer(name: str, is_async: bool, fast: int, bind: Callable[..., None]) -> None:
    """An answer a byte at a time keeps every time-out between bytes, and is cut; with more time it comes."""
    pad = b" " * 300
    lines = (b"X-Pad: %s" % pad.replace(b" ", b"x"),) if fast == 0 else ()
    text = answer(b'{"access_token": "access-token-1", "expires_in": 3600}' + (pad if fast else b""), *lines)
    with Dripping(text, fast) as listener:
        url = listener.url
        assert get(url, name, is_async).status_code == 200
        bind(seconds=0.1, patience=0.1)
        with pytest.raises(UnreachableError, match=LATE):
            get(url, name, is_async, timeout=0.1)


def test_a_sender_waits_for_the_whole_answer_only_so_long(name: str, bind: Callable[..., None]) -> None:
    """What holds for clients' token requests holds for the rules' own requests, and for a connection of a rule's."""
    with Dripping(answer()) as listener:
        url = listener.url
        bind(seconds=0.1, patience=0.1)
        sender = Sender.live(name, local(url), Redactor())
        with pytest.raises(UnreachableError, match=LATE):
            sender.send(Request("GET", f"{url}/user/me"))
        sender.close()
        with Connection(local(url), url) as connection, pytest.raises(UnreachableError, match=LATE):
            connection.send(Request("GET", f"{url}/user/me"))


def test_more_codings_than_are_undone(bind: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A body in more content codings than the bound is none; with as many allowed, it is what it says."""
    with Listener(answer=ANSWERS["layers"][0]) as listener:
        monkeypatch.setattr(bounds, "MOST_CODINGS", 1)
        with pytest.raises(UnreachableError, match=r"/token: the answer is in 2 content codings$"):
            get(listener.url, USUAL, is_async=False)
        monkeypatch.setattr(bounds, "MOST_CODINGS", 2)
        assert get(listener.url, USUAL, is_async=False).json()["access_token"] == "access-token-1"


class Late(Listener):
    """Answers once somebody has waited for a while."""

    def _serve(self, connection: socket.socket) -> bool:
        connection.settimeout(0.3)
        with suppress(TimeoutError):
            while connection.recv(65536):
                pass
        connection.sendall(answer())
        return False


def test_patience_is_for_each_piece(name: str, bind: Callable[..., None]) -> None:
    """Where nothing comes for longer than that, the request is over long before its time is; with more, it comes."""
    with Late() as late:
        bind(patience=0.05, seconds=30.0)
        sender = Sender.live(name, local(late.url), Redactor())
        with pytest.raises(UnreachableError, match=r"/user/me: no answer \(ReadTimeout: "):
            sender.send(Request("GET", f"{late.url}/user/me"))
        bind(patience=20.0)
        assert sender.send(Request("GET", f"{late.url}/user/me")).body == TOKEN
        sender.close()


@pytest.mark.parametrize("case", ["interim", "plain"])
def test_a_connection_of_a_rule_is_bounded_as_well(case: str, bind: Callable[..., None]) -> None:
    """The rules that write to a connection by hand read no more of an answer than others."""
    text, narrow, reason = ANSWERS[case]
    with Listener(answer=text) as listener:
        for _ in range(2):
            with Connection(local(listener.url), listener.url) as connection:
                if bounds.Bounds() == bounds.BOUNDS:
                    assert connection.send(Request("GET", f"{listener.url}/x")).body == TOKEN
                else:
                    with pytest.raises(UnreachableError, match=reason):
                        connection.send(Request("GET", f"{listener.url}/x"))
            bind(**narrow)


@pytest.mark.parametrize(("name", "is_async"), PAIRS)
def test_a_tests_own_answer_is_never_cut(name: str, is_async: bool, bind: Callable[..., None]) -> None:
    """Bounds are those of our own requests: a client without credentials reads whatever comes."""
    text = answer(TOKEN, *[b"X-Many: 1"] * 1001, before=INTERIM)
    bind(seconds=0.0, head=1, lines=1, body=1)
    with Listener(answer=text) as listener:
        profile = local(listener.url)

        async def main() -> Any:
            async with build_async_client(profile, Network(name), Redactor()) as client:
                return await client.get("/user/me")

        if is_async:
            response = asyncio.run(main())
        else:
            with build_client(profile, Network(name), Redactor()) as client:
                response = client.get("/user/me")

    assert (response.content, len(response.headers.get_list("x-many"))) == (TOKEN, 1001)


def test_a_user_with_more_patience_is_not_contradicted() -> None:
    """A token request has at least the time that the user's own time-outs give to a piece of an answer."""
    times = iter([0.0, 59.0, 61.0])
    reading = Reading({"connect": 5.0, "read": 60.0}, now=lambda: next(times))

    assert [reading.left(60.0), reading.left(60.0)] == [60.0, 1.0]
    with pytest.raises(BeyondError, match="after 60 seconds"):
        reading.left(60.0)
    assert Reading({"read": None}, now=lambda: math.pi).left(None) is None


def test_time_begins_when_the_connection_is_first_read() -> None:
    """The wait for a turn, which comes before, is no part of an answer's time; each piece has what is left of it."""
    given: list[float | None] = []

    class Still:
        def read(self, max_bytes: int, timeout: float | None) -> bytes:
            given.append(timeout)
            return b"x"

    clock = [1000.0]
    with bounded(Reading(now=lambda: clock[0])):
        clock[0] = 2000.0
        stream = BoundedStream(Still(), is_counted=True)
        stream.read(10, 10.0)
        clock[0] += 25
        stream.read(10, 10.0)
    stream.read(10, 10.0)

    assert given == [10.0, 5.0, 10.0]

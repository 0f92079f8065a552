"""The sender: requests travel exactly as they are, or are not sendable."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import NotSendable, Sender
from pytest_apiauth.http.library import library
from pytest_apiauth.http.translation import obstacle
from pytest_apiauth.messages import Request, Response
from tests.here import EACH


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


@pytest.fixture
def arrived() -> list[Request]:
    """What arrived over the sender."""
    return []


@pytest.fixture
def sender(name: str, arrived: list[Request]) -> Iterator[Sender]:
    """A sender to a function that keeps what arrives."""

    def handle(request: Request) -> Response:
        arrived.append(request)
        return Response(302, (("Location", "/elsewhere"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")), b"body")

    sender = Sender.embedded(name, handle)
    yield sender
    sender.close()


def test_a_sender_sends_what_it_is_given(sender: Sender, arrived: list[Request]) -> None:
    """Header lines keep their number, order, spelling and bytes; a redirect is an answer like any other."""
    lines = (("X-A", "1"), ("x-a", "2"), ("X-Bytes", "caf\xe9\xff"), ("Authorization", ""), ("Authorization", "b a"))
    answer = sender.send(Request("POST", "https://api.example.org/v1/x?a=b&a", lines, b"\x00body"))
    (request,) = arrived

    assert tuple(line for line in request.headers if line in lines) == lines
    assert (request.method, request.url, request.body) == ("POST", "https://api.example.org/v1/x?a=b&a", b"\x00body")
    assert (answer.status, answer.body) == (302, b"body")
    assert answer.header_lines("set-cookie") == ["a=1", "b=2"]


def test_a_sender_adds_only_what_http_cannot_do_without(sender: Sender, arrived: list[Request]) -> None:
    """No Accept, no Accept-Encoding, no Connection, no cookie of an earlier answer."""
    for _ in range(2):
        sender.send(Request("GET", "https://api.example.org/"))

    assert list(arrived[1].headers) == [("Host", "api.example.org"), ("User-Agent", "pytest-apiauth")]


@pytest.mark.parametrize(
    ("url", "target", "path"),
    [
        ("https://api.example.org/ext/../user/me", None, "/ext/../user/me"),
        ("https://api.example.org/user/me", "/ext/../user/me", "/ext/../user/me"),
        ("https://api.example.org/user//me/.", None, "/user//me/."),
        ("https://api.example.org/%75ser/%2e%2e/me", None, "/%75ser/%2e%2e/me"),
        ("https://api.example.org", None, "/"),
        ("https://api.example.org/caf\xe9", None, "/caf%C3%A9"),
    ],
)
def test_a_sender_does_not_tidy_paths(
    sender: Sender, arrived: list[Request], url: str, target: str | None, path: str
) -> None:
    """A path travels as it is written; only what is no ASCII is percent-encoded."""
    sender.send(Request("GET", url, target=target))

    assert arrived[0].path == path


@pytest.mark.parametrize("method", ["get", "PROPFIND", "X-!"])
def test_a_sender_does_not_tidy_methods(sender: Sender, arrived: list[Request], method: str) -> None:
    """Methods are case-sensitive, and travel as they are written."""
    sender.send(Request(method, "https://api.example.org/"))

    assert arrived[0].method == method


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "https://a.example/", (("X-A", " edge"),)),
        Request("GET", "https://a.example/", (("X-A", "edge\t"),)),
        Request("GET", "https://a.example/", (("X-A", "a\r\nX-B: b"),)),
        Request("GET", "https://a.example/", (("X-A", "a\x00b"),)),
        Request("GET", "https://a.example/", (("X-A", "snow☃man"),)),
        Request("GET", "https://a.example/", (("X A", "a"),)),
        Request("GET", "https://a.example/", (("", "a"),)),
        Request("GET", "https://a.example/", (("Host", "a"), ("Host", "b"))),
        Request("GET", "https://a.example/", (("Transfer-Encoding", "gzip"),)),
        Request("POST", "https://a.example/", (("Content-Length", "3"),), b"four"),
        Request("POST", "https://a.example/", (("Content-Length", "4"), ("Content-Length", "5")), b"four"),
        Request("POST", "https://a.example/", (("Content-Length", "-4"),), b"four"),
        Request("G T", "https://a.example/"),
        Request("", "https://a.example/"),
        Request("GET\xe9", "https://a.example/"),
        Request("GET", "https://a.example/", target="/a b"),
        Request("GET", "https://a.example/", target="/caf\xe9"),
        Request("GET", "https://a.example/", target="/a\nb"),
        Request("GET", "https://a.example/", target="/☃"),
        Request("GET", "https://a.example:port/"),
    ],
)
def test_what_no_connection_carries_is_not_sendable(sender: Sender, arrived: list[Request], request_: Request) -> None:
    """Such a request is told from one that was refused, and the line does not quote it."""
    with pytest.raises(NotSendable, match=r"^not sendable: ") as caught:
        sender.send(request_)

    assert arrived == []
    assert "X-B" not in str(caught.value)


NAMES = st.sampled_from([b"X-A", b"x a", b"", b"X\xe9", b"Content-Length", b"Transfer-Encoding", b"Host", b"A:"])
VALUES = st.binary(max_size=6) | st.sampled_from([b"4", b"04", b"4, 4", b"4,5", b"chunked", b"Chunked", b"gzip"])


@given(
    method=st.sampled_from([b"GET", b"get", b"G T", b"", b"M-!", b"G\xe9"]),
    target=st.binary(max_size=4) | st.just(b"/x"),
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=3),
)
def test_in_process_and_real_connections_refuse_the_same(
    method: bytes, target: bytes, lines: list[tuple[bytes, bytes]]
) -> None:
    """Our check and h11, which writes the real requests, agree on every request."""
    lines = [(b"Host", b"a.example"), *lines]
    try:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method=method, target=target, headers=lines))
        connection.send(h11.Data(data=b"four"))
        connection.send(h11.EndOfMessage())
        h11_refuses = False
    except h11.LocalProtocolError:
        h11_refuses = True

    assert (obstacle(method, target, lines, b"four") is not None) == h11_refuses


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)], ids=["head", "no-content", "not-modified"]
)
def test_an_answer_without_a_body_has_none(name: str, method: str, status: int) -> None:
    """Where HTTP has no body, none arrives, whatever the server function gave."""
    sender = Sender.embedded(name, lambda request: Response(status, (("Content-Length", "4"),), b"body"))

    assert sender.send(Request(method, "https://a.example/")).body == b""


def test_a_compressed_answer_is_read(name: str) -> None:
    """Bodies arrive decoded; one that does not decode is a fault of the other side, in one line."""
    lines = (("Content-Encoding", "gzip"),)
    good = Sender.embedded(name, lambda request: Response(200, lines, gzip.compress(b"body")))
    bad = Sender.embedded(name, lambda request: Response(200, lines, b"no gzip"))

    assert good.send(Request("GET", "https://a.example/")).body == b"body"
    with pytest.raises(UnreachableError, match="DecodingError"):
        bad.send(Request("GET", "https://a.example/"))


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("url", ["https://api.example/a?key=made-up-key", "https://lab:made-up-word@api.example/a"])
def test_a_url_that_may_hold_a_secret_is_kept_nowhere(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is parsed once for all is a URL without a query and without a user; others are parsed each time."""
    asked: list[str] = []
    parsed = library(name).parsed

    def noted(text: str) -> object:
        asked.append(text)
        return parsed(text)

    monkeypatch.setattr(library(name), "parsed", noted)
    sender = Sender.embedded(name, lambda request: Response(204))

    for each in (url, "https://api.example/plain"):
        assert sender.send(Request("GET", each)).status == 204

    assert asked == ["https://api.example/plain"]

"""The embedded server on a socket: what arrives is what was meant, byte for byte, or it is refused."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.authority import authority_for
from pytest_apiauth.embedded.loopback import rebased, serve
from pytest_apiauth.messages import Request, Response
from tests.embedded.caller import BUILT_IN, Caller, profile_named

HOST = "Host: jindexe.example"


@pytest.fixture
def caller() -> Caller:
    """Give somebody who knows Jindexe's credentials."""
    return Caller("jindexe")


@pytest.fixture
def address(caller: Caller) -> Iterator[tuple[str, int]]:
    """Serve Jindexe; gives the socket's address."""
    with serve(caller.server) as base_url:
        parts = urlsplit(base_url)
        yield parts.hostname or "", parts.port or 0


def talk(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Send bytes as they are, say that no more come, and read to the end."""
    with socket.create_connection(address, timeout=10) as connection:
        # The server may have answered and gone before all of it is sent.
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return stream.read()


def request(*lines: str, body: bytes = b"") -> bytes:
    """Write a request of these lines."""
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def statuses(answer: bytes) -> list[int]:
    """Give the status of each answer of a connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    "target",
    [
        "/ext/status",
        "//ext//status",
        "/ext/../user/me",
        "/a/./b",
        "/%2e%2e/%zz",
        "/ext/?a=1&a=2?",
        "/e\xe9\xff",
        "/a;b|c\\d",
    ],
)
def test_targets_travel_raw(caller: Caller, address: tuple[str, int], target: str) -> None:
    """The request target is passed on as it came."""
    talk(address, request(f"GET {target} HTTP/1.1", HOST))

    arrived = caller.server.requests[-1]

    assert target == arrived.target
    assert target == arrived.path + ("?" + arrived.query if "?" in target else "")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer x",
        "Bearer  two",
        'Bearer "q"',
        "a\tb",
        "\x01\x0b\x0c\x1c\x1d\x1e\x7f",
        "\x80\x85\xa0\xff",
        "x" * 70_000,
        "",
    ],
)
def test_values_travel_raw(caller: Caller, address: tuple[str, int], value: str) -> None:
    """A header value is passed on as it came, whatever bytes it has."""
    talk(address, request("GET /ext/status HTTP/1.1", HOST, f"Authorization: {value}"))

    assert [value] == caller.server.requests[-1].header_lines("authorization")


def test_edge_blanks_are_trimmed(caller: Caller, address: tuple[str, int]) -> None:
    """Blanks around a value are not part of it (RFC 9110 5.5)."""
    talk(address, request("GET /ext/status HTTP/1.1", HOST, "X-API-KEY: \t key \t "))

    assert caller.server.requests[-1].header("x-api-key") == "key"


def test_lines_keep_order_and_spelling(caller: Caller, address: tuple[str, int]) -> None:
    """Duplicate lines arrive as two lines, in order, and names as they were spelt."""
    lines = ("authorization: one", "X-a: 1", "AUTHORIZATION: two", "x-A: 2")
    talk(address, request("GET /user/me HTTP/1.1", HOST, *lines))

    arrived = caller.server.requests[-1]

    assert [("Host", "jindexe.example"), *(tuple(line.split(": ")) for line in lines)] == list(arrived.headers)


def test_duplicates_are_refused_on_the_wire(caller: Caller, address: tuple[str, int]) -> None:
    """Two good lines of Authorization are refused here as in process."""
    token, key = caller.token()["access_token"], caller.key()
    lines = (f"Authorization: Bearer {token}", f"X-API-KEY: {key}", HOST)

    assert statuses(talk(address, request("GET /user/me HTTP/1.1", *lines))) == [200]
    assert statuses(talk(address, request("GET /user/me HTTP/1.1", *lines, lines[0]))) == [400]


@pytest.mark.parametrize("body", [b"", b"\0\r\n\r\n\xff" * 100, b"x" * 300_000])
def test_bodies_travel_raw(caller: Caller, address: tuple[str, int], body: bytes) -> None:
    """A body is passed on as it came, told by length or in chunks."""
    chunks = b"".join(
        b"%x;ext=1\r\n%b\r\n" % (len(body[at:][:1000]), body[at:][:1000]) for at in range(0, len(body), 1000)
    )
    start = ("POST /public/token HTTP/1.1", HOST)

    talk(address, request(*start, f"Content-Length: {len(body)}", body=body))
    talk(address, request(*start, "Transfer-Encoding: chunked", body=chunks + b"0\r\nTrailer: x\r\n\r\n"))

    assert [body, body] == [each.body for each in caller.server.requests]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET /ext/status HTTP/1.1",), 400),
        (("GET /ext/status HTTP/1.1", HOST, HOST), 400),
        (("GET  /ext/status HTTP/1.1", HOST), 400),
        (("GET /ext/ status HTTP/1.1", HOST), 400),
        (("G(T /ext/status HTTP/1.1", HOST), 400),
        (("GET /ext/status", HOST), 400),
        (("GET /ext/status HTTP/2.0", HOST), 505),
        (("GET /ext/status HTTP/1.1", HOST, "No colon"), 400),
        (("GET /ext/status HTTP/1.1", HOST, "Authorization : x"), 400),
        (("GET /ext/status HTTP/1.1", HOST, " folded: x"), 400),
        (("GET /ext/status HTTP/1.1", HOST, "X: a\0b"), 400),
        (("GET /ext/status HTTP/1.1", HOST, "X: a\rb"), 400),
        (("GET /ext/status HTTP/1.1", HOST, "X: a\nY: b"), 400),
        (("GET /ext/status HTTP/1.1", HOST, "X: " + "a" * 300_000), 431),
        (("POST /ext/status HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2"), 400),
        (("POST /ext/status HTTP/1.1", HOST, "Content-Length: +1"), 400),
        (("POST /ext/status HTTP/1.1", HOST, "Content-Length: 999999999"), 413),
        (("POST /ext/status HTTP/1.1", HOST, "Content-Length: 0", "Transfer-Encoding: chunked"), 400),
        (("POST /ext/status HTTP/1.1", HOST, "Transfer-Encoding: gzip, chunked"), 400),
    ],
)
def test_malformed_requests(caller: Caller, address: tuple[str, int], lines: tuple[str, ...], status: int) -> None:
    """What is no request never reaches the server, and the connection ends with it."""
    follower = request("GET /ext/status HTTP/1.1", HOST)
    try:
        answer = talk(address, request(*lines), follower)
    except OSError:
        # The server hangs up on what it has not read yet, which the client may notice before the answer.
        answer = b""

    assert statuses(answer) in ([status], [])
    assert not caller.server.requests


def test_keep_alive(caller: Caller, address: tuple[str, int]) -> None:
    """Requests follow each other on a connection until one of them says it is the last."""
    first = request("GET /ext/status HTTP/1.1", HOST)
    second = request("HEAD /ext/status HTTP/1.1", HOST)
    third = request("POST /ext/status HTTP/1.1", HOST, "Content-Length: 3", body=b"abc")
    last = request("GET /nowhere HTTP/1.1", HOST, "Connection: close")

    assert statuses(talk(address, first, b"\r\n" + second, third, last, first)) == [200, 200, 405, 404]
    assert len(caller.server.requests) == 4


def test_old_version(caller: Caller, address: tuple[str, int]) -> None:
    """HTTP/1.0 needs no Host, and its connection ends after one answer."""
    answer = talk(address, request("GET /ext/status HTTP/1.0"), request("GET /ext/status HTTP/1.0"))

    assert statuses(answer) == [200]
    assert b"Connection: close" in answer


def test_head_has_no_body(address: tuple[str, int]) -> None:
    """An answer to HEAD tells the length and has no content."""
    answer = talk(address, request("HEAD /ext/status HTTP/1.1", HOST))

    assert answer.endswith(b"\r\n\r\n")
    assert b"Content-Length: 15" in answer


def test_expect_continue(caller: Caller, address: tuple[str, int]) -> None:
    """A client that asks whether to go on is told so before its body is read."""
    lines = ("POST /public/token HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 2")
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request(*lines))
        interim = connection.recv(100)
        connection.sendall(b"{}")
        final = connection.recv(1000)

    assert interim.startswith(b"HTTP/1.1 100 ")
    assert final.startswith(b"HTTP/1.1 401 ")
    assert caller.server.requests[-1].body == b"{}"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("jindexe.example", "JINDEXE.example:443", "localhost", "127.0.0.1:1", "[::1]")),
        *((host, 421) for host in ("evil.example", "", "a b", "jindexe.example.evil", "x@y:z")),
    ],
)
def test_hosts(address: tuple[str, int], host: str, status: int) -> None:
    """A Host that the profile names is served, and so is loopback; any other is not."""
    assert [status] == statuses(talk(address, request("GET /ext/status HTTP/1.1", f"Host: {host}")))


def test_origins_share_the_socket() -> None:
    """On a loopback Host the path says which origin is meant; a Host of the profile says so itself."""
    caller = Caller("dastra")
    body = urlencode(caller.parameters("client_credentials")).encode()
    lines = (
        f"Authorization: {caller.basic()}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    with serve(caller.server) as base_url:
        address = ("127.0.0.1", urlsplit(base_url).port or 0)
        answers = [
            statuses(talk(address, request("POST /connect/token HTTP/1.1", f"Host: {host}", *lines, body=body)))
            for host in ("localhost", "account.dastra.eu", "api.dastra.eu")
        ]

    assert answers == [[200], [200], [404]]


@pytest.mark.parametrize("name", BUILT_IN)
def test_rebased_profile(name: str) -> None:
    """A profile can be pointed at the socket, with the same zones and credentials."""
    server = Server(profile_named(name))
    with serve(server) as base_url:
        profile = rebased(server.profile, base_url)
        zone = next(zone for zone in reversed(profile.zones.values()) if zone.is_protected)
        parts = urlsplit(profile.url(zone.probe[0]))
        answer = talk(("127.0.0.1", parts.port or 0), request(f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}"))

    assert {base_url} == {str(origin) for origin in profile.origins}
    assert statuses(answer) == [401]


def test_tls(tmp_path: Path) -> None:
    """Over TLS the certificate is good for whoever trusts the authority, and for nobody else."""
    authority = authority_for()
    ca_file = authority.write(tmp_path)
    caller = Caller("digishare")
    with serve(caller.server, tls=authority.server) as base_url:
        port = urlsplit(base_url).port
        trusting = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context(cafile=ca_file))
        body = json.dumps(caller.parameters("client_credentials"))
        trusting.request("POST", "/v1/oauth/token", body, {"Content-Type": "application/json"})
        token = json.load(trusting.getresponse())["access_token"]
        trusting.request("GET", "/v1/campaigns", headers={"Authorization": f"Bearer {token}"})
        answer = trusting.getresponse()
        answer.read()
        trusting.close()
        doubting = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            doubting.request("GET", "/v1/campaigns")
        doubting.close()

    assert base_url.startswith("https://127.0.0.1:")
    assert answer.status == 200


def test_plain_speech_on_a_tls_socket(tmp_path: Path) -> None:
    """Plain HTTP to a TLS socket reaches nothing (DI-03), and the socket goes on serving."""
    authority = authority_for()
    ca_file = authority.write(tmp_path)
    caller = Caller("digishare")
    with serve(caller.server, tls=authority.server) as base_url:
        port = urlsplit(base_url).port or 0
        try:
            answer = talk(("127.0.0.1", port), request("GET /v1/campaigns HTTP/1.1", "Host: localhost"))
        except OSError:
            answer = b""
        connection = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context(cafile=ca_file))
        connection.request("GET", "/v1/campaigns")
        status = connection.getresponse().status
        connection.close()

    assert b"HTTP/1.1" not in answer
    assert status == 401
    assert len(caller.server.requests) == 1


def test_idle_connections_do_not_hold_up_the_end(caller: Caller) -> None:
    """Leaving the block ends connections on which nobody speaks, and the socket is closed then."""
    before = threading.active_count()
    with serve(caller.server) as base_url:
        address = ("127.0.0.1", urlsplit(base_url).port or 0)
        idle = [socket.create_connection(address, timeout=10) for _ in range(3)]
        for connection in idle:
            connection.sendall(request("GET /ext/status HTTP/1.1", HOST))
            assert connection.recv(4096).endswith(b"}")
    last_words = [connection.recv(1) for connection in idle]
    for connection in idle:
        connection.close()

    assert last_words == [b"", b"", b""]
    assert before == threading.active_count()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)


def test_many_at_once(caller: Caller, address: tuple[str, int]) -> None:
    """Many connections are answered at the same time, each with its own answers."""
    answers: list[list[int]] = []

    def work() -> None:
        answers.append(statuses(talk(address, request("GET /ext/status HTTP/1.1", HOST) * 20)))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[200] * 20] * 10
    assert len(caller.server.requests) == 200


def test_own_mistakes_come_to_light(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error within the server itself is raised where the block ends, not swallowed by a thread."""

    def broken(request: Request) -> Response:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(caller.server, "handle", broken)

    def run() -> None:
        with serve(caller.server) as base_url:
            address = ("127.0.0.1", urlsplit(base_url).port or 0)
            assert talk(address, request("GET /ext/status HTTP/1.1", HOST)) == b""

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        run()


def test_crash_is_500(caller: Caller) -> None:
    """A fault that crashes answers 500 on the wire, and the connection lives on."""
    crashing = Caller("jindexe", "token-non-ascii-crash")
    with serve(crashing.server) as base_url:
        address = ("127.0.0.1", urlsplit(base_url).port or 0)
        bad = request("GET /public/cards HTTP/1.1", HOST, "X-API-KEY: \xe9")
        good = request("GET /public/cards HTTP/1.1", HOST, f"X-API-KEY: {crashing.key()}")
        answer = talk(address, bad, good)

    assert statuses(answer) == [500, 200]

"""Real connections: over loopback, with TLS, and what is said where nobody answers.

The server at the other end keeps the very bytes that arrived.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
import trustme

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import DroppedError, GuardError, ProfileError, UnreachableError
from pytest_apiauth.http import Network, Sender, build_async_client, build_client, library
from pytest_apiauth.http.connections import proxy_for
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Profile
from tests.here import EACH
from tests.shop import authenticator, shop

# Nothing listens on the discard port of loopback.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


class Listener:
    """Answers every request of every connection, and keeps the bytes of each."""

    def __init__(self, tls: ssl.SSLContext | None = None, answer: bytes | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._tls = tls
        self._answer = answer
        self.arrived: list[bytes] = []
        self._port = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self._port}"
        self._is_over = False
        self._connections: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        # A connection of its own wakes the thread that accepts.
        socket.create_connection(("127.0.0.1", self._port)).close()
        for thread in (self._thread, *self._connections):
            thread.join(10)
        self._socket.close()

    def _run(self) -> None:
        while not self._is_over:
            connection, _ = self._socket.accept()
            connection.settimeout(5)
            self._connections.append(threading.Thread(target=self._keep_serving, args=(connection,)))
            self._connections[-1].start()

    def _keep_serving(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while self._serve(connection):
                pass
        connection.close()

    def _serve(self, connection: socket.socket) -> bool:
        with connection.makefile("rb") as stream:
            lines: list[bytes] = []
            while (line := stream.readline()) not in (b"\r\n", b""):
                lines.append(line)
            if not lines:
                return False
            lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
            # A body left unread would make the kernel reset the connection, answer and all.
            stream.read(sum(lengths))
        got = b"".join([*lines, b"\r\n"])
        self.arrived.append(got)
        if got.startswith(b"POST /token "):
            body = b'{"access_token": "access-token-1", "token_type": "Bearer", "expires_in": 3600}'
        else:
            body = b"hello"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body if self._answer is None else self._answer)
        return self._answer is None


def local(url: str, **changes: Any) -> Profile:
    """Give the shop's profile with its every URL at one origin."""
    return shop(api_url=url, token_url=url + "/token", authorize_url=url + "/authorize", **changes)


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side of TLS for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A listener without TLS."""
    with Listener() as listener:
        yield listener


def get(is_async: bool, profile: Profile, network: Network) -> Any:
    """Send one authenticated request with a client of either kind."""
    redactor = Redactor()
    user = authenticator(profile, redactor=redactor)

    async def main() -> Any:
        async with build_async_client(profile, network, redactor, authenticator=user) as client:
            return await client.get("/user/me")

    if is_async:
        return asyncio.run(main())
    with build_client(profile, network, redactor, authenticator=user) as client:
        return client.get("/user/me")


def test_what_a_sender_sends_arrives_byte_by_byte(name: str, listener: Listener) -> None:
    """Target, header lines and their bytes are on the wire as they were given, and nothing else is."""
    sender = Sender.live(name, local(listener.url), Redactor())
    lines = (("X-A", "1"), ("x-a", "2"), ("X-Bytes", "caf\xe9"))
    answer = sender.send(Request("get", listener.url + "/ext/../user//me?a=b&a", lines))
    sender.close()

    host = listener.url.removeprefix("http://").encode()
    assert (answer.status, answer.body, answer.reason) == (200, b"hello", "OK")
    assert listener.arrived == [
        b"get /ext/../user//me?a=b&a HTTP/1.1\r\nHost: " + host + b"\r\nX-A: 1\r\nx-a: 2\r\nX-Bytes: caf\xe9\r\n"
        b"User-Agent: pytest-apiauth\r\n\r\n"
    ]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_client_is_authenticated_over_the_network(name: str, listener: Listener, is_async: bool) -> None:
    """The token request and the user's request travel over real connections."""
    response = get(is_async, local(listener.url), Network(name))

    assert response.text == "hello"
    assert [request.split(b" ", 2)[1] for request in listener.arrived] == [b"/token", b"/user/me"]
    assert b"Authorization: Bearer access-token-1\r\n" in listener.arrived[1]


def test_an_asynchronous_client_serves_one_loop_after_another(name: str, listener: Listener) -> None:
    """Each test may have its own event loop: no connection of the first one is left for the second."""
    profile, redactor = local(listener.url), Redactor()
    client = build_async_client(
        profile, Network(name), redactor, authenticator=authenticator(profile, redactor=redactor)
    )

    async def main() -> int:
        return (await client.get("/user/me")).status_code

    assert [asyncio.run(main()) for _ in range(3)] == [200, 200, 200]
    asyncio.run(client.aclose())


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_private_authority_is_trusted_by_name(
    name: str, authority: trustme.CA, tls: ssl.SSLContext, tmp_path: Path, is_async: bool
) -> None:
    """With ca_file the server's certificate is good; without it, one line says that it is not."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Listener(tls) as listener:
        profile = local(listener.url)

        assert get(is_async, profile, Network(name, ca_file=str(tmp_path / "ca.pem"))).text == "hello"
        with pytest.raises(UnreachableError, match=r"no answer \(ConnectError: .*CERTIFICATE_VERIFY_FAILED"):
            get(is_async, profile, Network(name))


def test_an_answer_that_is_no_http_is_one_line(name: str) -> None:
    """Garbage from the other side is a network fault, not a traceback."""
    with Listener(answer=b"SSH-2.0-OpenSSH\r\n") as listener:
        sender = Sender.live(name, local(listener.url), Redactor())
        with pytest.raises(UnreachableError, match=r"^shop: http://localhost:\d+/: no answer \(RemoteProtocolError: "):
            sender.send(Request("GET", listener.url + "/"))
        sender.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_an_answer_without_end_is_one_line(name: str, is_async: bool) -> None:
    """An answer to a request of ours is read up to a bound, counted once it is unpacked."""
    bomb = gzip.compress(bytes(20_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with (
        Listener(answer=head + bomb) as listener,
        pytest.raises(UnreachableError, match=r"^shop: http://localhost:\d+/token: the answer is larger than 8 MB$"),
    ):
        get(is_async, local(listener.url), Network(name))


def test_a_live_sender_is_behind_the_guard(name: str) -> None:
    """The examiner's requests leave for the profile's origins only, too."""
    sender = Sender.live(name, shop(), Redactor())
    with pytest.raises(GuardError, match=r"would travel to https://evil\.example"):
        sender.send(Request("GET", "https://evil.example/", (("X-API-Key", "some-key"),)))
    sender.close()


def test_a_live_sender_says_who_did_not_answer(name: str) -> None:
    """A network fault is one line with the endpoint, without its query, which may hold a key."""
    sender = Sender.live(name, shop(api_url=NOBODY), Redactor())
    with pytest.raises(UnreachableError, match=r"^shop: http://127.0.0.1:9/x: no answer \(ConnectError: "):
        sender.send(Request("GET", NOBODY + "/x?key=made-up", (("X-API-Key", "some-key"),)))
    sender.close()


def test_certificates_that_cannot_be_read_are_one_line(name: str) -> None:
    """A wrong ca_file is named."""
    with pytest.raises(ProfileError, match=r"^ca_file: no-such\.pem cannot be read: "):
        Network(name, ca_file="no-such.pem").tls()


def test_there_is_one_tls_context(name: str) -> None:
    """The context is made once, when it is first needed."""
    network = Network(name)

    assert network.tls() is network.tls()


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example.org/", "http://proxy.example:3128"),
        ("http://api.example.org/", "http://plain.example:1"),
        ("https://api.internal.example/", None),
        ("http://localhost:9/", None),
        ("http://127.0.0.1:9/", None),
        ("http://[::1]:9/", None),
    ],
)
def test_the_environments_proxies_are_used(
    name: str, url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold as usual; loopback is never reached through a proxy."""
    for variable, value in (
        ("HTTPS_PROXY", "proxy.example:3128"),
        ("HTTP_PROXY", "http://plain.example:1"),
        ("NO_PROXY", "internal.example"),
        ("ALL_PROXY", ""),
    ):
        monkeypatch.setenv(variable, value)
        monkeypatch.delenv(variable.lower(), raising=False)

    assert proxy_for(library(name).request("GET", url)) == proxy


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_sender_sends_once_whatever_comes_of_it(name: str, method: str) -> None:
    """A request whose connection ends before the answer is not sent again here: that is for who sends it to decide."""
    with Listener(answer=b"") as listener:
        sender = Sender.live(name, local(listener.url), Redactor())
        with pytest.raises(DroppedError):
            sender.send(Request(method, f"{listener.url}/", body=b"x" if method == "POST" else b""))
        sender.close()

    assert (len(listener.arrived), sender.sent) == (1, 1)

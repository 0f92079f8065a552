"""Every HTTP library meets the double at the API's own hosts, or is refused in one line before anything leaves."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import metadata
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
import requests
import truststore

from pytest_apiauth.embedded import Server
from pytest_apiauth.http.router import MockRouter
from pytest_apiauth.offline import offline_error_in
from pytest_apiauth.plugin.doubles import standing_in
from pytest_apiauth.plugin.reach import advice_beside_mock
from tests.embedded.caller import profile_named
from tests.here import USUAL, has, httpx, needs, param
from tests.libraries import by_authlib
from tests.libraries.by_authlib import AUTHLIB
from tests.libraries.clients import (
    BODIES,
    BYTES,
    ENCODED,
    FORM,
    MEMBERS,
    PARTS,
    SESSIONS,
    TEXT,
    Answer,
    Send,
    Session,
    token_at,
)

TOKEN = "https://account.dastra.eu/connect/token"
API = "https://api.dastra.eu/v1/workspaces"
EVERY = pytest.mark.parametrize("library", [param(name) for name in SESSIONS])


def pair_of(server: Server) -> tuple[str, str]:
    """Return the client's id and secret."""
    return server.environment["DASTRA_CLIENT_ID"], server.environment["DASTRA_CLIENT_SECRET"]


def token(library: str, send: Send, server: Server) -> str:
    """Ask for a token with the client's credentials, as production code does."""
    return token_at(library, send, TOKEN, *pair_of(server))


@EVERY
def test_meets_the_double(library: str, server: Server, router: Any) -> None:
    """A token is issued, and the API answers to it alone, in the TLS context that a library makes for itself."""
    with SESSIONS[library](context=None) as send:
        headers = {"Authorization": f"Bearer {token(library, send, server)}"}
        found, refused = send("GET", API, headers=headers), send("GET", API)

    assert (found.status, refused.status) == (200, 401)
    assert json.loads(found.body)["total"] == 3
    assert [request.url for request in server.requests] == [TOKEN, API, API]
    assert len(router.calls) == 3


@pytest.mark.slow
@EVERY
def test_answer_is_the_same(library: str, server: Server, router: Any) -> None:
    """Status, header lines in their order and body are those that the chosen library gets."""

    def answers(session: Session) -> list[Answer]:
        with session() as send:
            return [send("GET", API), send("HEAD", API), send("GET", f"{TOKEN}/x"), send("DELETE", API)]

    def undated(found: list[Answer]) -> list[tuple[int, list[tuple[str, str]], bytes]]:
        # urllib asks for one answer a connection, and is told so.
        skipped = ("date", "connection")
        return [(each.status, [line for line in each.headers if line[0] not in skipped], each.body) for each in found]

    assert undated(answers(SESSIONS[library])) == undated(answers(SESSIONS[USUAL]))


BODY_CASES = [param(library, kind) for library, kinds in BODIES.items() for kind in kinds]


@pytest.mark.slow
@pytest.mark.parametrize(("library", "kind"), BODY_CASES)
def test_request_arrives_as_it_was_sent(library: str, kind: str, server: Server, router: Any) -> None:
    """Method, URL, header lines and a body of each kind arrive at the server as the library sends them."""
    options = BODIES[library][kind]()
    headers = {"X-Own": "Blue; a=1", **options.pop("headers", {})}
    with SESSIONS[library]() as send:
        send("POST", f"{API}?page=2&q=a" if library != "http.client" else API, headers=headers, **options)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/workspaces")
    assert request.query == ("page=2&q=a" if library != "http.client" else "")
    assert request.header("host") == "api.dastra.eu"
    assert request.header_lines("x-own") == ["Blue; a=1"]
    assert request.header("user-agent") != "pytest-apiauth"
    match kind:
        case "text":
            assert request.body == TEXT.encode()
        case "bytes":
            assert request.body == BYTES
        case "form":
            assert {name: values[0] for name, values in parse_qs(request.body.decode()).items()} == FORM
            assert (request.header("content-type") or "").startswith(ENCODED["Content-Type"])
        case "json":
            assert json.loads(request.body) == MEMBERS
        case "parts":
            assert (request.header("content-type") or "").startswith("multipart/form-data; boundary=")
            assert b'filename="a.txt"' in request.body
            assert PARTS["file"][1] in request.body
        case _:
            assert request.body == b"onetwo"


@pytest.mark.slow
@EVERY
def test_client_is_older_than_the_test(
    library: str, request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session made before, with connections and addresses kept from an earlier test, meets each test's own server."""
    if library == "http.client":
        pytest.skip("a connection is its own session: it ends with the server")
    second = Server(server.profile)
    with SESSIONS[library]() as send:
        for each in (server, second):
            with standing_in(each, monkeypatch, advice_beside_mock):
                assert send("GET", API).status == 401

    assert (len(server.requests), len(second.requests)) == (1, 1)


@pytest.mark.slow
@EVERY
def test_own_route_is_met(library: str, server: Server, router: Any) -> None:
    """What a test adds to the router answers whatever library asks, and so does its error."""
    router.routes.clear()
    router.get(API).respond(201, json={"own": True}, headers={"X-Own": "1"})
    router.get(TOKEN).mock(side_effect=httpx.ConnectError("down"))
    with SESSIONS[library]() as send:
        found = send("GET", API)
        with pytest.raises(Exception, match=r".*") as caught:
            send("GET", TOKEN)

    assert (found.status, json.loads(found.body), dict(found.headers)["x-own"]) == (201, {"own": True}, "1")
    assert offline_error_in(caught.value) is None
    assert server.requests == []


@pytest.mark.slow
@EVERY
def test_answer_of_the_tests_own_is_met(library: str, server: Server, router: Any) -> None:
    """An answer that a test gives the server comes to every library, and so does a connection that ends."""
    server.respond("POST", "token", status=503, html="<h1>Down</h1>", headers={"Retry-After": "7"}, once=True)
    server.respond("POST", "token", exception=ConnectionResetError, once=True)
    server.respond("POST", "token", text="only a part", cut_off=4, once=True)
    with SESSIONS[library]() as send:
        found = send("POST", TOKEN)
        for _ in range(2):
            with pytest.raises(Exception, match=r".*") as caught:
                send("POST", TOKEN)
            assert offline_error_in(caught.value) is None

    assert (found.status, found.body, dict(found.headers)["retry-after"]) == (503, b"<h1>Down</h1>", "7")
    assert len(server.requests) == 3


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Listen as a proxy would; gives its URL, and what it was sent."""
    arrived: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        arrived.append(connection.recv(1000))
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", arrived
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@EVERY
def test_what_cannot_be_led_is_refused(
    library: str, server: Server, router: Any, proxy: tuple[str, list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """Through a proxy of its own nobody meets the double: one line names library and version, the proxy hears nothing.

    The chosen library is met above its connections; urllib asks the environment again which hosts need no proxy.
    """
    url, arrived = proxy
    root = library.partition("-")[0]
    is_met = root in (USUAL, "urllib")
    caplog.set_level("CRITICAL", "asyncio")
    with SESSIONS[library](url) as send:
        if is_met:
            assert send("GET", API).status == 401
        else:
            with pytest.raises(BaseException, match=r".*") as caught:
                send("GET", API)
            line = offline_error_in(caught.value) or ""
            known = root if root == "http.client" else f"{root} {metadata.version(root)}"
            assert line.startswith(f"{root} reached for api.dastra.eu: {known} goes past apiauth_mock")
            assert "apiauth_url" in line

    assert {data for data in arrived if data} == set()
    assert len(server.requests) == (1 if is_met else 0)


@pytest.mark.parametrize("library", ["requests", "urllib", "aiohttp"])
def test_proxy_of_the_environment_is_passed_by(
    library: str, request: pytest.FixtureRequest, server: Server, proxy: tuple[str, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A machine behind a proxy meets the double as any other."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy[0])
    with standing_in(server, monkeypatch, advice_beside_mock), SESSIONS[library]() as send:
        assert send("GET", API).status == 401

    assert proxy[1] == []


def test_many_at_once(server: Server, router: Any) -> None:
    """Threads and tasks meet it side by side, each with its own answer."""

    async def tasks() -> list[int]:
        async def ask(number: int) -> int:
            async with session.get(f"{API}?n={number}") as answer:
                return answer.status

        async with aiohttp.ClientSession() as session:
            return await asyncio.gather(*map(ask, range(10)))

    with ThreadPoolExecutor(10) as pool:
        threads = list(pool.map(lambda number: requests.get(f"{API}?n={number}", timeout=20).status_code, range(10)))

    assert threads + asyncio.run(tasks()) == [401] * 20
    assert sorted(request.query for request in server.requests) == sorted(f"n={number}" for number in [*range(10)] * 2)


def test_plain_http_is_no_twin(server: Server, router: Any) -> None:
    """Over plain HTTP the hosts of an HTTPS API answer nothing, and the server has seen who asked."""
    assert requests.get(API.replace("https", "http"), timeout=20).status_code == 421
    assert [request.url for request in server.requests] == [API.replace("https", "http")]


def test_everything_is_put_back(
    request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the test, of an error too, every method is the one that was there, and the hosts are nobody's again."""
    owners: list[Any] = [socket, socket.socket, ssl.SSLContext, truststore.SSLContext]
    before = [dict(vars(owner)) for owner in owners]

    def fail() -> None:
        with standing_in(server, monkeypatch, advice_beside_mock):
            assert requests.get(API, timeout=20).status_code == 401
            assert all(dict(vars(owner)) != was for owner, was in zip(owners, before, strict=True))
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert [dict(vars(owner)) for owner in owners] == before


@pytest.mark.filterwarnings("ignore:The httpx module is deprecated")
@pytest.mark.parametrize("library", [param(name) for name in AUTHLIB])
def test_authlib_meets_the_double(library: str, server: Server, router: Any) -> None:
    """Authlib's clients fetch a token and call the API, on httpx2, on httpx where that is all there is, on requests."""
    assert by_authlib.ask(library, pair_of(server), TOKEN, API)[0] == 200
    expected = {"requests": "python-requests"}.get(library, "python-httpx/" if "2" not in library else "python-httpx2/")
    agents = {(request.header("user-agent") or "") for request in server.requests}
    assert len(server.requests) == 2
    assert all(expected in agent or "Authlib" in agent for agent in agents), agents


# What is not there at once


@pytest.mark.slow
@pytest.mark.parametrize("library", [param(name) for name in SESSIONS if name != "httpx2-trio"])
def test_time_out_takes_no_time(library: str, server: Server, router: Any) -> None:
    """A client sees its own time-out, for an answer that never comes; what it would have waited is left out."""
    server.respond("POST", "/v1/workspaces", exception=TimeoutError)
    began = time.monotonic()
    with SESSIONS[library]() as send, pytest.raises(Exception) as caught:
        send("POST", API, headers={"Authorization": f"Bearer {token(library, send, server)}"})

    assert "timeout" in type(caught.value).__name__.lower()
    assert time.monotonic() - began < 4, "the least patient of these clients waits for 5 seconds"


@pytest.mark.slow
@pytest.mark.parametrize("library", [param(name) for name in SESSIONS if name not in ("httpx2-trio", "http.client")])
def test_slow_answer_takes_no_time(library: str, server: Server, router: Any) -> None:
    """An answer that comes within a client's patience is read; a later one is a time-out."""
    server.respond("GET", "/v1/workspaces", json={"total": 7}, delay=2)
    server.respond("GET", "/v1/workspaces", json={"total": 8}, delay=4000, once=True)
    began = time.monotonic()
    with SESSIONS[library]() as send:
        with pytest.raises(Exception) as caught:
            send("GET", API, headers={"Authorization": f"Bearer {token(library, send, server)}"})
        # The server's clock has moved on by as much, and the token is not good any more.
        found = send("GET", API, headers={"Authorization": f"Bearer {token(library, send, server)}"})

    assert "timeout" in type(caught.value).__name__.lower()
    assert json.loads(found.body) == {"total": 7}
    assert time.monotonic() - began < 4


@pytest.mark.slow
@pytest.mark.parametrize("library", [param(name) for name in SESSIONS if name != "httpx2-trio"])
def test_time_out_on_a_kept_connection_takes_no_time(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is where a client from an earlier test is connected already."""
    with SESSIONS[library]() as send:
        server = Server(profile_named("dastra"))
        with standing_in(server, monkeypatch, advice_beside_mock):
            token(library, send, server)
        server = Server(profile_named("dastra"))
        server.respond("POST", "token", exception=TimeoutError)
        began = time.monotonic()
        with standing_in(server, monkeypatch, advice_beside_mock), pytest.raises(Exception) as caught:
            token(library, send, server)

    assert "timeout" in type(caught.value).__name__.lower()
    assert time.monotonic() - began < 4


@EVERY
def test_connection_is_good_in_the_next_test(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is made once for many tests keeps its connection, and meets the double of each test by it."""
    met = []
    with SESSIONS[library]() as send:
        for _ in range(2):
            server = Server(profile_named("dastra"))
            with standing_in(server, monkeypatch, advice_beside_mock):
                headers = {"Authorization": f"Bearer {token(library, send, server)}"}
                assert send("DELETE", API, headers=headers).status == 405
            met.append(len(server.requests))

    assert met == [2, 2]


@needs("httpx2")
@EVERY
def test_the_other_choice_is_met_as_well(library: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With httpx2 chosen every library meets the double, and routes of its router and of respx before that."""
    import httpx2

    respx = importlib.import_module("respx") if has("respx") else None
    with ExitStack() as opened, SESSIONS[library]() as send:
        router: Any = opened.enter_context(standing_in(server, monkeypatch, advice_beside_mock, http="httpx2"))
        assert isinstance(router, MockRouter)
        headers = {"Authorization": f"Bearer {token(library, send, server)}"}
        assert (send("GET", API, headers=headers).status, send("GET", API).status) == (200, 401)
        router.get(API).respond(201, json={"own": True}, headers={"X-Own": "1"})
        router.post(TOKEN).mock(side_effect=httpx2.ConnectError("down"))
        found = send("GET", API)
        with pytest.raises(Exception, match=r".*") as caught:
            send("POST", TOKEN)
        assert (found.status, json.loads(found.body), dict(found.headers)["x-own"]) == (201, {"own": True}, "1")
        assert offline_error_in(caught.value) is None
        assert (len(router.calls), len(server.requests)) == (5, 3)
        if respx is not None:
            other = opened.enter_context(respx.mock(assert_all_called=False))
            route = other.delete(API).respond(204)
            assert send("DELETE", API).status == 204
            assert send("HEAD", API).status == 401
            assert route.call_count == 1

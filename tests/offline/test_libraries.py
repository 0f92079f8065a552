"""Every library that reaches for a host out of reach is refused before anything leaves, and named."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import logging
import socket
import ssl
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import requests
import trio
import urllib3
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]

from pytest_apiauth.installed import LIBRARIES
from pytest_apiauth.messages import Origin
from pytest_apiauth.offline import Hosts, OfflineError, Refusal, at_work, offline_error_in
from tests.here import INSTALLED, httpx, needs, param

FAR = "https://account.shop.example/token"
NAME = "account.shop.example"
Ask = Callable[[str], object]


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback; gives the port, and what arrives there first on each connection."""
    arrived: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    data = connection.recv(1000)
                    if data == b"\x05\x01\x00":
                        # SOCKS without a password: a library says only then where to.
                        connection.sendall(b"\x05\x00")
                        data = connection.recv(1000)
                    if data:
                        arrived.append(data)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], arrived
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def place(url: str) -> tuple[str, int]:
    """Give the host and the port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


def out_of_reach(url: str) -> Refusal:
    """Refuse the origin of a URL."""
    return Refusal(Hosts.of([Origin.of(url)]), lambda library: "do this")


def told(ask: Ask, url: str) -> str:
    """Give the one line that asking is answered with, however deep it lies."""
    with at_work(out_of_reach(url)) as refusal, pytest.raises(BaseException) as caught:
        ask(url)
    assert refusal.errors
    line = offline_error_in(caught.value)
    assert line is not None
    return line


def _http_client(url: str) -> None:
    connection = http.client.HTTPSConnection(*place(url))
    connection.request("GET", "/token")


async def _httpx2(url: str, proxy: str | None = None) -> None:
    import httpx2

    async with httpx2.AsyncClient(proxy=proxy, trust_env=False) as client:
        await client.get(url)


async def _aiohttp(url: str, *, resolver: type, proxy: str | None = None) -> None:
    connector = aiohttp.TCPConnector(resolver=resolver())
    async with aiohttp.ClientSession(connector=connector) as session:
        await session.get(url, proxy=proxy)


async def _streams(url: str) -> None:
    await asyncio.open_connection(*place(url))


def _raw(url: str) -> None:
    with socket.socket() as connection:
        connection.connect(place(url))


def _raw_ex(url: str) -> None:
    with socket.socket() as connection:
        connection.connect_ex(place(url))


def _datagram(url: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", place(url))


ASKING: dict[str, tuple[str, Ask]] = {
    "requests": ("requests", requests.get),
    "urllib3": ("urllib3", lambda url: urllib3.request("GET", url)),
    "urllib": ("urllib", urllib.request.urlopen),
    "http.client": ("http.client", _http_client),
    "httpx": ("httpx", lambda url: importlib.import_module("httpx").get(url)),
    "httpx2": ("httpx2", lambda url: importlib.import_module("httpx2").get(url)),
    "httpx2-asyncio": ("httpx2", lambda url: asyncio.run(_httpx2(url))),
    "httpx2-trio": ("httpx2", lambda url: trio.run(_httpx2, url)),
    "authlib": (f"authlib (by {INSTALLED[-1]})", lambda url: OAuth2Client("a", "b").fetch_token(url)),
    "aiohttp": ("aiohttp", lambda url: asyncio.run(_aiohttp(url, resolver=aiohttp.ThreadedResolver))),
    "aiohttp-c-ares": ("aiohttp", lambda url: asyncio.run(_aiohttp(url, resolver=aiohttp.AsyncResolver))),
    "asyncio": ("a socket", lambda url: asyncio.run(_streams(url))),
    "socket": ("a socket", _raw),
    "socket-ex": ("a socket", _raw_ex),
    "datagram": ("a socket", _datagram),
}


EVERY = [pytest.param(*pair, marks=needs(*({pair[0]} & {*LIBRARIES})), id=name) for name, pair in ASKING.items()]


@pytest.mark.parametrize(("library", "ask"), EVERY)
def test_look_up_of_a_far_host_is_refused(library: str, ask: Ask) -> None:
    """No library looks the name up; one line names the library, the host and what to do."""
    assert told(ask, FAR) == f"{library} reached for {NAME}: do this"


@pytest.mark.parametrize(("library", "ask"), EVERY)
def test_connection_to_a_port_of_this_machine_is_refused(
    library: str, ask: Ask, listener: tuple[int, list[bytes]]
) -> None:
    """A host on loopback is refused at its port, by number too; nothing arrives."""
    port, arrived = listener
    assert told(ask, f"http://127.0.0.1:{port}/token") == f"{library} reached for 127.0.0.1: do this"
    assert arrived == []


@pytest.mark.parametrize("url", [FAR, "http://account.shop.example/token"], ids=["tunnel", "whole-url"])
@pytest.mark.parametrize(
    "library", [*map(param, ["requests", "urllib", "httpx", "httpx2", "httpx2-trio", "aiohttp"]), "socks"]
)
def test_proxy_is_not_told_the_host(
    library: str, url: str, listener: tuple[int, list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy that the code under test names itself is not asked to connect there."""
    port, arrived = listener
    proxy = f"http://127.0.0.1:{port}"
    both = {"http": proxy, "https": proxy}
    asking: dict[str, Ask] = {
        "requests": lambda url: requests.get(url, proxies=both),
        "urllib": urllib.request.build_opener(urllib.request.ProxyHandler(both)).open,
        "httpx": lambda url: importlib.import_module("httpx").Client(proxy=proxy, trust_env=False).get(url),
        "httpx2": lambda url: importlib.import_module("httpx2").Client(proxy=proxy, trust_env=False).get(url),
        "httpx2-trio": lambda url: trio.run(_httpx2, url, proxy),
        "aiohttp": lambda url: asyncio.run(_aiohttp(url, resolver=aiohttp.ThreadedResolver, proxy=proxy)),
        "socks": lambda url: requests.get(url, proxies={name: proxy.replace("http", "socks5h") for name in both}),
    }
    caplog.set_level(logging.CRITICAL, "asyncio")
    line = told(asking[library], url)
    assert line.endswith(f"reached for {NAME}: do this")
    assert line.startswith("requests" if library == "socks" else library.partition("-")[0])
    assert arrived == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
@pytest.mark.parametrize("way", ["look-up", "aiohttp", "connection"])
def test_uvloop_is_refused(way: str) -> None:
    """A loop that has a network of its own, in C, is refused too."""
    import uvloop

    async def ask(url: str) -> None:
        loop = asyncio.get_running_loop()
        if way == "look-up":
            await loop.getaddrinfo(NAME, 443)
        elif way == "connection":
            await loop.create_connection(asyncio.Protocol, NAME, 443, ssl=ssl.create_default_context())
        else:
            await _aiohttp(url, resolver=aiohttp.ThreadedResolver)

    library = "aiohttp" if way == "aiohttp" else "a socket"
    assert told(lambda url: uvloop.run(ask(url)), FAR) == f"{library} reached for {NAME}: do this"


@pytest.mark.parametrize("way", ["socket", "memory"])
def test_tls_to_an_address_found_elsewhere_is_refused(way: str, listener: tuple[int, list[bytes]]) -> None:
    """Who knows the address without a look-up names the host when TLS begins: nothing is sent."""
    port, arrived = listener

    def ask(url: str) -> None:
        tls = ssl.create_default_context()
        if way == "memory":
            # As event loops do it.
            tls.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=NAME)
        with socket.create_connection(("127.0.0.1", port)) as plain:
            tls.wrap_socket(plain, server_hostname=NAME)

    assert told(ask, FAR) == f"a socket reached for {NAME}: do this"
    assert arrived == []


def test_other_threads_are_refused() -> None:
    """What a thread of the code under test reaches for is refused there too."""
    with ThreadPoolExecutor(1) as pool:
        assert told(lambda url: pool.submit(requests.get, url).result(10), FAR).startswith("requests reached for")


def test_wrapped_library_is_named_with_its_http() -> None:
    """The library that a person has written down stands first, then what it asks with."""
    assert told(ASKING["authlib"][1], FAR).startswith(f"authlib (by {INSTALLED[-1]}) reached for")


def test_everybody_else_is_in_reach(listener: tuple[int, list[bytes]]) -> None:
    """Other ports of this machine answer as ever, and after the refusal so does everything."""
    port, arrived = listener
    with at_work(out_of_reach("http://127.0.0.1:1/")), at_work(out_of_reach(FAR)):
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 204
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 204
        assert socket.getaddrinfo("localhost", port)
    with at_work(out_of_reach(f"http://127.0.0.1:{port}/")), pytest.raises(OfflineError):
        requests.get(f"http://127.0.0.1:{port}/", timeout=5)
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 204
    assert len(arrived) == 3
    arrived.clear()


def test_nothing_stays_behind() -> None:
    """After the last refusal, and not before, no method stands before the library's own any more."""
    owners: tuple[Any, ...] = (socket, socket.socket, ssl.SSLContext, trio.SocketStream)
    before = [dict(vars(owner)) for owner in owners]
    with at_work(out_of_reach(FAR)):
        with at_work(out_of_reach(FAR)):
            pass
        assert all(dict(vars(owner)) != was for owner, was in zip(owners, before, strict=True))
    assert [dict(vars(owner)) for owner in owners] == before


def test_later_refusal_speaks_first() -> None:
    """Of two refusals of one host the later one says what to do: a mock knows more than the run."""
    later = Refusal(Hosts.of([Origin.of(FAR)]), lambda library: f"not {library}")
    with at_work(out_of_reach(FAR)), at_work(later), pytest.raises(OfflineError, match=r": not a socket$"):
        socket.getaddrinfo(NAME, 443)

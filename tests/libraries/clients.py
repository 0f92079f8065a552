"""Each HTTP library as one function: a method, a URL and the library's own options to an answer."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import ssl
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import requests
import trio
import urllib3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, header lines with names in lower case, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
        """Read what a library gives."""
        return cls(status, tuple((name.lower(), value) for name, value in headers), body)


Send = Callable[..., Answer]
Session = Callable[..., AbstractContextManager[Send]]
"""Opens a session: through a proxy if one is named, in a TLS context or in the library's own, which is slow to make."""
SHARED = ssl.create_default_context()
LEAVES_TLS_OPEN = sys.version_info < (3, 12, 7)
"""Whether aiohttp must end connections itself that a time-out has closed; later Pythons do, and it warns there."""


def _httpx(name: str) -> Session:
    @contextmanager
    def session(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
        library = importlib.import_module(name)
        with library.Client(proxy=proxy, verify=context or True) as client:

            def send(method: str, url: str, **options: Any) -> Answer:
                found = client.request(method, url, **options)
                return Answer.of(found.status_code, found.headers.multi_items(), found.content)

            yield send

    return session


def _httpx_async(name: str) -> Session:
    @contextmanager
    def session(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
        library = importlib.import_module(name)
        with asyncio.Runner() as runner:
            client = library.AsyncClient(proxy=proxy, verify=context or True)

            def send(method: str, url: str, **options: Any) -> Answer:
                found = runner.run(client.request(method, url, **options))
                return Answer.of(found.status_code, found.headers.multi_items(), found.content)

            yield send
            runner.run(client.aclose())

    return session


@contextmanager
def _httpx2_trio(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
    import httpx2

    def send(method: str, url: str, **options: Any) -> Answer:
        async def ask() -> Answer:
            async with httpx2.AsyncClient(proxy=proxy, verify=context or True) as client:
                found = await client.request(method, url, **options)
                return Answer.of(found.status_code, found.headers.multi_items(), found.content)

        return trio.run(ask)

    yield send


@contextmanager
def _requests(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
    with requests.Session() as client:
        client.proxies = {} if proxy is None else {"http": proxy, "https": proxy}

        def send(method: str, url: str, **options: Any) -> Answer:
            found = client.request(method, url, timeout=20, **options)
            return Answer.of(found.status_code, found.raw.headers.iteritems(), found.content)

        yield send


@contextmanager
def _urllib3(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
    with (
        urllib3.PoolManager(ssl_context=context) if proxy is None else urllib3.ProxyManager(proxy, ssl_context=context)
    ) as pool:

        def send(method: str, url: str, **options: Any) -> Answer:
            found = pool.request(method, url, retries=False, timeout=20, **options)
            return Answer.of(found.status, found.headers.iteritems(), found.data)

        yield send


@contextmanager
def _urllib(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
    proxies = [] if proxy is None else [urllib.request.ProxyHandler({"http": proxy, "https": proxy})]
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), *proxies)

    def send(method: str, url: str, **options: Any) -> Answer:
        try:
            found = opener.open(urllib.request.Request(url, method=method, **options), timeout=20)
        except urllib.error.HTTPError as error:
            found = error
        with found:
            return Answer.of(found.status, found.headers.items(), found.read())

    yield send


@contextmanager
def _http_client(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
    open_connections: dict[str, http.client.HTTPConnection] = {}

    def send(method: str, url: str, **options: Any) -> Answer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in open_connections and parts.scheme == "http":
            open_connections[host] = http.client.HTTPConnection(host, parts.port)
        elif host not in open_connections:
            place = (host, parts.port or 443) if proxy is None else _pair(proxy)
            open_connections[host] = http.client.HTTPSConnection(*place, context=context)
            if proxy is not None:
                open_connections[host].set_tunnel(host)
        connection = open_connections[host]
        connection.request(method, parts.path, **options)
        found = connection.getresponse()
        return Answer.of(found.status, found.getheaders(), found.read())

    yield send
    for connection in open_connections.values():
        connection.close()


def _pair(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def _aiohttp(resolver: type) -> Session:
    @contextmanager
    def session(proxy: str | None = None, context: ssl.SSLContext | None = SHARED) -> Iterator[Send]:
        async def opened() -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(resolver=resolver(), enable_cleanup_closed=LEAVES_TLS_OPEN)
            return aiohttp.ClientSession(connector=connector, proxy=proxy)

        with asyncio.Runner() as runner:
            client = runner.run(opened())

            def send(method: str, url: str, **options: Any) -> Answer:
                async def ask() -> Answer:
                    async with client.request(method, url, **options) as found:
                        return Answer.of(found.status, found.headers.items(), await found.read())

                return runner.run(ask())

            yield send
            runner.run(client.close())

    return session


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


SESSIONS: dict[str, Session] = {
    "httpx": _httpx("httpx"),
    "httpx-async": _httpx_async("httpx"),
    "httpx2": _httpx("httpx2"),
    "httpx2-async": _httpx_async("httpx2"),
    "httpx2-trio": _httpx2_trio,
    "requests": _requests,
    "urllib3": _urllib3,
    "urllib": _urllib,
    "http.client": _http_client,
    "aiohttp": _aiohttp(aiohttp.ThreadedResolver),
    "aiohttp-c-ares": _aiohttp(aiohttp.AsyncResolver),
}

FORM = {"grant_type": "client_credentials", "scope": "api1"}
MEMBERS = {"label": "Ünïcode", "of": [1, None]}
TEXT, BYTES = "größe", bytes(range(256))
PARTS = {"file": ("a.txt", b"content of it")}
ENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
_HTTPX: dict[str, Callable[[], dict[str, Any]]] = {
    "text": lambda: {"content": TEXT},
    "bytes": lambda: {"content": BYTES},
    "form": lambda: {"data": FORM},
    "json": lambda: {"json": MEMBERS},
    "parts": lambda: {"files": PARTS},
    "pieces": lambda: {"content": iter([b"one", b"two"])},
}
_STANDARD: dict[str, Callable[[str], dict[str, Any]]] = {
    "bytes": lambda name: {name: BYTES},
    "form": lambda name: {name: urlencode(FORM).encode(), "headers": ENCODED},
    "pieces": lambda name: {name: iter([b"one", b"two"])},
}


def _form_data() -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", PARTS["file"][1], filename=PARTS["file"][0])
    return form


BODIES: dict[str, dict[str, Callable[[], dict[str, Any]]]] = {
    "httpx": _HTTPX,
    "httpx-async": {**_HTTPX, "pieces": lambda: {"content": _pieces()}},
    "httpx2": _HTTPX,
    "httpx2-async": {**_HTTPX, "pieces": lambda: {"content": _pieces()}},
    "httpx2-trio": {**_HTTPX, "pieces": lambda: {"content": _pieces()}},
    "requests": {
        "text": lambda: {"data": TEXT.encode()},
        "bytes": lambda: {"data": BYTES},
        "form": lambda: {"data": FORM},
        "json": lambda: {"json": MEMBERS},
        "parts": lambda: {"files": PARTS},
        "pieces": lambda: {"data": iter([b"one", b"two"])},
    },
    "urllib3": {
        "text": lambda: {"body": TEXT.encode()},
        "bytes": lambda: {"body": BYTES},
        "form": lambda: {"fields": FORM, "encode_multipart": False},
        "json": lambda: {"json": MEMBERS},
        "parts": lambda: {"fields": PARTS},
        "pieces": lambda: {"body": iter([b"one", b"two"])},
    },
    "urllib": {kind: lambda made=made: made("data") for kind, made in _STANDARD.items()},  # type: ignore[misc]
    "http.client": {kind: lambda made=made: made("body") for kind, made in _STANDARD.items()},  # type: ignore[misc]
    "aiohttp": {
        "text": lambda: {"data": TEXT},
        "bytes": lambda: {"data": BYTES},
        "form": lambda: {"data": FORM},
        "json": lambda: {"json": MEMBERS},
        "parts": lambda: {"data": _form_data()},
        "pieces": lambda: {"data": _pieces()},
    },
}
"""The options with which each library sends a body of each kind."""


NAMES = {"requests": "data", "urllib": "data", "aiohttp": "data", "urllib3": "body", "http.client": "body"}
"""What a library calls a body of bytes, unless it is content."""


def token_at(library: str, send: Send, url: str, client_id: str, client_secret: str) -> str:
    """Ask for a token with a client's credentials, as production code does."""
    headers = {**ENCODED, "Authorization": f"Basic {b64encode(f'{client_id}:{client_secret}'.encode()).decode()}"}
    body = {NAMES.get(library.removesuffix("-c-ares"), "content"): urlencode(FORM).encode()}
    return str(json.loads(send("POST", url, headers=headers, **body).body)["access_token"])

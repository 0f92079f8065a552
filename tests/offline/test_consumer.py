"""A whole project of a client's author, run without --apiauth-live: nothing is looked up or connected to but here.

An ear at the interpreter hears every look-up and connection that nobody has refused, by whatever library of Python;
c-ares and uvloop, which have a network of their own, are heard where they are called. What it hears of other places it
stops, so that the controls, which show that it can hear, send nothing either.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_apiauth import installed
from tests.here import in_its_words
from tests.test_readme import BLOCKS

EAR = """
import json, os, sys

import pycares

from pytest_apiauth.offline import Hosts, Refusal, at_work

NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
ADDRESSES = ("socket.connect", "socket.sendto", "socket.sendmsg")
heard = []
is_configured = False

def note(event, host):
    host = host.decode() if isinstance(host, bytes) else host
    heard.append((event, host, os.environ.get("PYTEST_CURRENT_TEST", "")))
    if host and not str(host).startswith(("127.", "::1", "::ffff:127.")):
        raise OSError(f"heard {event} of {host}")

def hear(event, arguments):
    if event in NAMES:
        note(event, arguments[0])
    elif event in ADDRESSES and isinstance(arguments[1], tuple):
        note(event, arguments[1][0])

sys.addaudithook(lambda event, arguments: None if is_configured else hear(event, arguments))

def before(owner, name, host_at):
    below = getattr(owner, name, None)
    if below is None:
        return
    def method(self, *arguments, **options):
        note(f"{owner.__module__}.{name}", arguments[host_at] if len(arguments) > host_at else options.get("host"))
        return below(self, *arguments, **options)
    setattr(owner, name, method)

for name in ("getaddrinfo", "gethostbyname", "query", "search"):
    before(pycares.Channel, name, 0)
if sys.platform != "win32":
    import uvloop
    before(uvloop.Loop, "getaddrinfo", 0)
    before(uvloop.Loop, "create_connection", 1)

def pytest_configure():
    global is_configured
    # Ears hear in the order in which they came. What the plug-in's has refused never reaches one that came later.
    with at_work(Refusal(Hosts.of([]), str)):
        pass
    sys.addaudithook(hear)
    is_configured = True

def pytest_unconfigure():
    with open(os.environ["EAR_FILE"], "w") as file:
        json.dump(heard, file)
"""

ASKING = """
import asyncio
import http.client
import socket
import urllib.error
import urllib.request

import aiohttp
import httpx
import httpx2
import requests
import trio
import urllib3
import uvloop
from authlib.integrations import httpx_client, requests_client

API = "https://staging.example.org/v1/workspaces"
TOKEN = "https://account.staging.example.org/connect/token"


def by_urllib(url):
    try:
        return urllib.request.urlopen(url).status
    except urllib.error.HTTPError as error:
        return error.code


def by_http_client(url):
    asked = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if asked.scheme == "https" else http.client.HTTPConnection
    connection = kind(asked.hostname, asked.port)
    connection.request("GET", asked.path)
    return connection.getresponse().status


async def by_aiohttp(url, resolver=None):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver and resolver())) as session:
        async with session.get(url) as answer:
            return answer.status


async def by_async_client(library, url):
    async with library.AsyncClient() as client:
        return (await client.get(url)).status_code


def by_authlib(client, url):
    client.token = {"access_token": "x", "token_type": "bearer"}
    return client.get(url).status_code


ASKING = {
    "httpx": lambda url: httpx.get(url).status_code,
    "httpx-asyncio": lambda url: asyncio.run(by_async_client(httpx, url)),
    "httpx-trio": lambda url: trio.run(by_async_client, httpx, url),
    "httpx2": lambda url: httpx2.get(url).status_code,
    "httpx2-asyncio": lambda url: asyncio.run(by_async_client(httpx2, url)),
    "httpx2-uvloop": lambda url: uvloop.run(by_async_client(httpx2, url)),
    "httpx2-trio": lambda url: trio.run(by_async_client, httpx2, url),
    "requests": lambda url: requests.get(url).status_code,
    "urllib3": lambda url: urllib3.request("GET", url, retries=False).status,
    "urllib": by_urllib,
    "http.client": by_http_client,
    "aiohttp": lambda url: asyncio.run(by_aiohttp(url, aiohttp.ThreadedResolver)),
    "aiohttp-c-ares": lambda url: asyncio.run(by_aiohttp(url, aiohttp.AsyncResolver)),
    "aiohttp-uvloop": lambda url: uvloop.run(by_aiohttp(url)),
    "authlib-httpx2": lambda url: by_authlib(httpx_client.OAuth2Client("a", "b"), url),
    "authlib-requests": lambda url: by_authlib(requests_client.OAuth2Session("a", "b"), url),
}
"""
ABSENT = [name for name in installed.LIBRARIES if not installed.has(name)]
ASKING = "".join(
    line for line in ASKING.splitlines(keepends=True) if not any(re.search(rf"\b{name}\b", line) for name in ABSENT)
)
LIBRARIES = re.findall(r'^    "([a-z0-9.-]+)": ', ASKING, re.MULTILINE)

TESTS = """
import pytest
from asking import API, ASKING, TOKEN

every_library = pytest.mark.parametrize("library", ASKING)
every_host = pytest.mark.parametrize("url", [API, TOKEN])


def is_refused(library, url):
    # By an error of the plug-in, or by one that the library makes of it. What has left the ear has heard.
    with pytest.raises(Exception):
        ASKING[library](url)
    return True


@every_library
@every_host
def test_beside_the_double(apiauth_mock, library, url):
    assert ASKING[library](url) in (400, 401, 405)


@every_library
def test_beside_a_client(apiauth_client, library):
    assert is_refused(library, TOKEN)


@every_library
def test_beside_a_url(apiauth_url, library):
    assert is_refused(library, API)
    assert ASKING[library](f"{apiauth_url}/v1/workspaces") == 401


@every_library
@pytest.mark.vcr
def test_without_a_cassette(library):
    assert is_refused(library, API)


@pytest.fixture(scope="session")
def asked_early():
    return [is_refused(library, TOKEN) for library in ASKING]


@pytest.fixture
def asked_late():
    yield
    assert all(is_refused(library, TOKEN) for library in ASKING)


@pytest.mark.apiauth("shop")
def test_of_fixtures(asked_early, asked_late):
    assert all(asked_early)
"""
CONTROL = """
import pytest
from asking import ASKING

@pytest.mark.parametrize("library", ASKING)
def test_it({arguments}library):
    with pytest.raises(Exception):
        ASKING[library]({url!r})
"""
CONTROLS = {
    "another host": ("apiauth_client, ", "https://elsewhere.invalid/"),
    "no profile's test": ("", "https://staging.example.org/"),
}


class Heard(NamedTuple):
    """One look-up or connection."""

    event: str
    host: str | None
    test: str

    @property
    def is_here(self) -> bool:
        """Whether it is of this machine; a name, be it localhost, is not known to be."""
        try:
            return ipaddress.ip_address(self.host or "127.0.0.1").is_loopback
        except ValueError:
            return False


def written(folder: Path, **files: str) -> None:
    """Write the project that the pages show to authors of clients, and files beside it."""
    shown = {name: text for (kind, name), text in BLOCKS.items() if kind == "file"}
    for name in (
        "shop.py",
        "pytest.ini",
        "tests/shop.apiauth.toml",
        "tests/conftest.py",
        "tests/test_shop.py",
        "tests/test_answers.py",
    ):
        files[name] = shown[name]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(in_its_words(text), encoding="utf-8")


def heard_in(folder: Path, *options: str) -> list[Heard]:
    """Run the project's tests, which pass; returns what was looked up or connected to."""
    (folder / "ear.py").write_text(EAR, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "SHOP_"))},
        "PYTHONPATH": str(folder),
        "EAR_FILE": str(folder / "heard.json"),
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "ear", *options],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    heard = json.loads((folder / "heard.json").read_text(encoding="utf-8"))
    return [Heard(*each) for each in heard]


@pytest.mark.slow
def test_project_reaches_nothing_but_this_machine(tmp_path: Path) -> None:
    """Without --apiauth-live no library looks up or connects to a profile's host: not one packet leaves."""
    written(tmp_path, **{"asking.py": ASKING, "tests/test_asking.py": TESTS})

    heard = heard_in(tmp_path)

    assert [each for each in heard if not each.is_here] == []
    # The double is met by sockets, which the ear hears.
    assert {each.event for each in heard} >= {"socket.getaddrinfo", "socket.connect"}


@pytest.mark.slow
@pytest.mark.parametrize("control", CONTROLS)
def test_what_is_reached_is_heard(tmp_path: Path, control: str) -> None:
    """The ear hears each library that does reach for another place: what is no profile's business, here."""
    arguments, url = CONTROLS[control]
    written(tmp_path, **{"asking.py": ASKING, "test_it.py": CONTROL.format(arguments=arguments, url=url)})

    heard = heard_in(tmp_path, "test_it.py")

    tests = {each.test for each in heard if not each.is_here}
    assert len(tests) == len(LIBRARIES) >= 16 - 5 * len(ABSENT)

"""Names of hosts: looked up within a time limit for requests of ours, whatever the system's resolver does."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import Network, Sender, bounds, build_async_client, build_client
from pytest_apiauth.http.resolving import NoAddressError, addresses
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.connection import Connection
from tests.here import EACH
from tests.http.test_network import Listener, local
from tests.shop import authenticator

NEVER = "http://never.test"
LATE = r"^shop: http://never\.test/(token|user/me): .*no address of never\.test after 0\.2 seconds"
ALONE = """
import asyncio, socket, threading
from pytest_apiauth.http.resolving import NoAddressError, look_up

socket.getaddrinfo = lambda *words, **named: threading.Event().wait()
try:
    asyncio.run(look_up("never.test", 80, 0.1))
except NoAddressError as error:
    print(error)
"""


class Resolver:
    """Answers for one name only when it is told to, and notes what it was asked."""

    def __init__(self, usual: Callable[..., Any]) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.addresses = ["127.0.0.1"]
        self._usual = usual

    def __call__(self, host: Any, port: Any, *words: Any, **named: Any) -> Any:
        """Look up a name."""
        if host != "never.test":
            return self._usual(host, port, *words, **named)
        self.asked.append(host)
        self.answers.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self.addresses]


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Have a resolver that never answers for never.test, while the test runs, and little patience."""
    found = Resolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(bounds, "BOUNDS", replace(bounds.BOUNDS, patience=0.2))
    yield found
    found.answers.set()
    for thread in threading.enumerate():
        if thread.name == "looks up never.test":
            thread.join(10)


def never(url: str) -> Profile:
    """Give the shop's profile at that host, which may be asked in clear."""
    return local(url, insecure_hosts=["never.test"])


def ask(name: str, url: str, loop: str) -> None:
    """Get one page by a client that needs a token first."""
    import trio

    profile, redactor = never(url), Redactor()
    options: Any = {"authenticator": authenticator(profile, redactor=redactor), "timeout": 0.2}

    async def main() -> None:
        async with build_async_client(profile, Network(name), redactor, **options) as client:
            await client.get("/user/me")

    if loop == "none":
        with build_client(profile, Network(name), redactor, **options) as client:
            client.get("/user/me")
    elif loop == "asyncio":
        asyncio.run(main())
    else:
        trio.run(main)


@pytest.mark.parametrize("loop", ["none", "asyncio", "trio"])
def test_a_resolver_that_never_answers_is_one_line(name: str, loop: str, resolver: Resolver) -> None:
    """A token request ends within its time-out, blocking or not, and so does the event loop."""
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match=LATE):
        ask(name, NEVER, loop)

    assert time.monotonic() - begun < 30
    assert resolver.asked == ["never.test"]


@pytest.mark.slow
def test_who_asks_again_waits_for_the_same_answer(name: str, resolver: Resolver) -> None:
    """However many requests there are, there is one thread that looks up a name; with its answer all goes on."""
    sender = Sender.live(name, never(NEVER), Redactor())
    for _ in range(3):
        with pytest.raises(UnreachableError, match=LATE):
            sender.send(Request("GET", f"{NEVER}/user/me"))
    with Connection(never(NEVER), NEVER) as connection, pytest.raises(UnreachableError, match=LATE):
        connection.send(Request("GET", f"{NEVER}/user/me"))
    assert resolver.asked == ["never.test"]

    resolver.answers.set()
    with Listener() as listener:
        there = listener.url.replace("localhost", "never.test")
        own = Sender.live(name, never(there), Redactor())
        assert own.send(Request("GET", f"{there}/user/me")).body == b"hello"
        own.close()
        with Connection(never(there), there) as connection:
            assert connection.send(Request("GET", f"{there}/user/me")).body == b"hello"
    sender.close()


def test_addresses_are_tried_in_their_order(name: str, resolver: Resolver) -> None:
    """Where one address refuses, the next is asked; if all refuse, the line says so."""
    resolver.answers.set()
    resolver.addresses = ["127.0.0.2", "127.0.0.1"]
    with Listener() as listener:
        there = listener.url.replace("localhost", "never.test")
        sender = Sender.live(name, never(there), Redactor())
        assert sender.send(Request("GET", f"{there}/user/me")).body == b"hello"
        resolver.addresses = ["127.0.0.2", "127.0.0.3"]
        again = Sender.live(name, never(there), Redactor())
        with pytest.raises(UnreachableError, match=r"/user/me: no answer \(ConnectError: .*refused"):
            again.send(Request("GET", f"{there}/user/me"))
        sender.close()
        again.close()


def test_a_name_that_is_not_known_is_the_librarys_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver says is said as ever."""

    def unknown(*words: object, **named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    sender = Sender.live(name, never(NEVER), Redactor())
    with pytest.raises(UnreachableError, match=r"no answer \(ConnectError: .*Name or service not known\)$"):
        sender.send(Request("GET", f"{NEVER}/user/me"))
    sender.close()


def test_with_more_patience_the_same_answer_comes(resolver: Resolver) -> None:
    """It is the limit that ends the wait: whoever has none waits until the resolver answers."""
    with pytest.raises(NoAddressError):
        addresses("never.test", 80, 0.01)
    threading.Timer(0.1, resolver.answers.set).start()

    assert addresses("never.test", 80, None) == ["127.0.0.1"]


@pytest.mark.slow
def test_the_end_of_the_process_does_not_wait_for_a_resolver() -> None:
    """An event loop and a process end, though a thread that looks up a name does not."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (0, "no address of never.test after 0.1 seconds\n")

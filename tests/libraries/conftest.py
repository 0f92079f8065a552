"""The double of Dastra's API, at Dastra's own hosts, while an ear at the interpreter hears what is reached for."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.plugin.doubles import standing_in
from pytest_apiauth.plugin.reach import advice_beside_mock
from tests.embedded.caller import profile_named

_heard: list[tuple[str, Any]] = []
_is_listening = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _is_listening:
        return
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _heard.append((event, arguments[0]))
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        _heard.append((event, arguments[1][0]))


sys.addaudithook(_hear)


@pytest.fixture(autouse=True)
def ear() -> Iterator[list[tuple[str, Any]]]:
    """Hear every look-up and connection of a test; none is of anything but an address of this machine."""
    global _is_listening
    _heard.clear()
    _is_listening = True
    yield _heard
    _is_listening = False
    # A name here, be it localhost, is no address and an error.
    assert [each for each in _heard if not ipaddress.ip_address(each[1] or "127.0.0.1").is_loopback] == []


@pytest.fixture
def server() -> Server:
    """Make a server that keeps Dastra's promise."""
    return Server(profile_named("dastra"))


@pytest.fixture
def router(request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let it stand in for Dastra's hosts; gives the router."""
    with standing_in(server, monkeypatch, advice_beside_mock) as router:
        yield router

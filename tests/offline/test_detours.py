"""How connections are led: what is looked up, and where each way of connecting goes."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_apiauth.messages import Origin
from pytest_apiauth.offline import Detour, Hosts, OfflineError, Place, Refusal, at_work

FAR = ("api.far.example", "https://api.far.example")
OTHER = ("api.other.example", "https://api.other.example")


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Listen twice on this machine; nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        yield [first, second]


def detour(listener: socket.socket, *urls: str, found: list[int] | None = None) -> Detour:
    """Lead the hosts of URLs to a listener; ``found`` counts how often it is asked for."""

    def find() -> Place:
        if found is not None:
            found.append(1)
        return Place(listener.getsockname()[1], ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    return Detour(Hosts.of(map(Origin.of, urls)), lambda library: "do this", find=find)


def reached(*arguments: Any) -> int:
    """Connect, and give the port that was reached."""
    with socket.create_connection(*arguments) as connection:
        return int(connection.getpeername()[1])


def test_host_is_led_and_its_address_may_be_kept(listeners: list[socket.socket]) -> None:
    """A name, the address that was given for it, and that of an earlier test all lead to the server of this one."""
    first, second = listeners
    with at_work(detour(first, FAR[1])):
        kept = socket.getaddrinfo(FAR[0], 443, type=socket.SOCK_STREAM)[0][4]
        assert [reached((FAR[0], 443)), reached(kept)] == [first.getsockname()[1]] * 2
    with at_work(detour(second, FAR[1])):
        assert socket.getaddrinfo(FAR[0], 443, type=socket.SOCK_STREAM)[0][4] == kept
        assert [reached((FAR[0], 443)), reached(kept)] == [second.getsockname()[1]] * 2
    assert ipaddress.ip_address(kept[0]).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_of_this_machine_is_led(listeners: list[socket.socket], host: str) -> None:
    """An API that is developed on this machine is stood in for as others are, by every way of connecting."""
    first, second = (listener.getsockname()[1] for listener in listeners)
    with at_work(detour(listeners[0], "http://127.0.0.1:9")):
        assert {info[4][0] for info in socket.getaddrinfo(host, 9, type=socket.SOCK_STREAM)} <= {"127.0.0.1", "::1"}
        assert (reached((host, 9)), reached((host, second))) == (first, second)
    refusal = Refusal(Hosts.of([Origin.of("http://127.0.0.1:9")]), lambda library: "do this")
    with at_work(refusal), pytest.raises(OfflineError, match="do this"):
        reached((host, 9))


def test_two_detours_at_once(listeners: list[socket.socket]) -> None:
    """Each host goes to its own server, and of two for one host the later speaks."""
    first, second = (listener.getsockname()[1] for listener in listeners)
    with at_work(detour(listeners[0], FAR[1], OTHER[1])):
        with at_work(detour(listeners[1], OTHER[1])):
            assert (reached((FAR[0], 443)), reached((OTHER[0], 443))) == (first, second)
        assert reached((OTHER[0], 443)) == first


def test_server_is_started_at_first_need(listeners: list[socket.socket]) -> None:
    """Whoever connects to nobody starts nothing, and the second connection finds the server of the first."""
    found: list[int] = []
    with at_work(detour(listeners[0], FAR[1], found=found)):
        socket.getaddrinfo(FAR[0], 443)
        assert found == []
        reached((FAR[0], 443))
        reached((FAR[0], 443))
        assert found == [1]


def test_kept_address_is_refused_by_its_name(listeners: list[socket.socket]) -> None:
    """What an earlier test looked up leads nowhere when no server stands in, and the line names the host."""
    with at_work(detour(listeners[0], FAR[1])):
        kept = socket.getaddrinfo(FAR[0], 443, type=socket.SOCK_STREAM)[0][4]
    refusal = Refusal(Hosts.of([Origin.of(FAR[1])]), lambda library: "do this")
    with at_work(refusal), pytest.raises(OfflineError, match=f"^a socket reached for {FAR[0]}: do this$"):
        reached(kept)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_port_of_this_machine_is_led(listeners: list[socket.socket], family: socket.AddressFamily) -> None:
    """A profile whose API is on this machine is stood in for at its port, by a socket of either family."""
    here, there = (listener.getsockname()[1] for listener in listeners)
    try:
        connection = socket.socket(family)
    except OSError:
        pytest.skip("no sockets of this family")
    with connection, at_work(detour(listeners[0], f"http://127.0.0.1:{there}")):
        connection.connect(("127.0.0.1" if family == socket.AF_INET else "::1", there))
        assert connection.getpeername()[1] == here


def test_datagram_is_refused(listeners: list[socket.socket]) -> None:
    """What is no connection is not led: HTTP/3, say, has nobody to speak to."""
    with (
        at_work(detour(listeners[0], FAR[1])),
        socket.socket(type=socket.SOCK_DGRAM) as sending,
        pytest.raises(OfflineError, match=r": do this$"),
    ):
        sending.connect((FAR[0], 443))


def test_loop_of_windows_is_led(listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop whose connections the system makes is told the server's address."""

    class Loop:
        def sock_connect(self, sock: socket.socket, address: object) -> object:
            return address

    monkeypatch.setattr(asyncio, "ProactorEventLoop", Loop, raising=False)
    with at_work(detour(listeners[0], FAR[1])), socket.socket() as sock:
        kept = socket.getaddrinfo(FAR[0], 443)[0][4]
        assert Loop().sock_connect(sock, kept) == listeners[0].getsockname()
    assert Loop().sock_connect(sock, kept) == kept

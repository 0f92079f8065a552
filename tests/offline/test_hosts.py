"""Which hosts are out of reach, however they are spelled."""

from __future__ import annotations

import pytest

from pytest_apiauth.messages import Origin
from pytest_apiauth.offline import Hosts
from pytest_apiauth.offline.standing import asked_of_proxy

FAR = Hosts.of(
    [Origin.of("https://api.shop.example"), Origin.of("https://bücher.example"), Origin.of("http://10.1.2.3")]
)
NEAR = Hosts.of([Origin.of("http://127.0.0.1:8000")])


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("api.shop.example", True),
        ("API.Shop.Example.", True),
        (b"api.shop.example", True),
        ("xn--bcher-kva.example", True),
        ("BÜCHER.example", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("shop.example", False),
        ("evil-api.shop.example", False),
        ("api.shop.example.org", False),
        ("10.1.2.4", False),
        ("localhost", False),
        ("", False),
        (None, False),
    ],
)
def test_far_host_is_covered_at_every_port(host: object, covered: bool) -> None:
    """A host elsewhere is one of them in every spelling and at every port, and nobody else is."""
    assert [FAR.covers(host, port) for port in (443, 8443, None, "https")] == [covered] * 4


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "127.1", "127.9.9.9", "0.0.0.0", b"localhost"]
)
def test_this_machine_is_covered_at_one_port(host: object) -> None:
    """On this machine it is the port that counts: a database beside the API stays in reach."""
    assert [NEAR.covers(host, port) for port in (8000, "8000", 5432, None)] == [True, True, False, False]


def test_far_host_and_this_machine_are_two() -> None:
    """A port of this machine says nothing about other hosts, and together they cover both."""
    assert not NEAR.covers("api.shop.example", 8000)
    both = FAR | NEAR
    assert both.covers("api.shop.example")
    assert both.covers("127.0.0.1", 8000)
    assert both.covers_url("https://api.shop.example/x")
    assert both.covers_url("http://localhost:8000/x")
    assert not both.covers_url("http://localhost:8001/x")
    assert not both.covers_url("http://[broken")


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"CONNECT api.shop.example:443 HTTP/1.1\r\n", (b"api.shop.example", 443)),
        (b"POST http://api.shop.example/token HTTP/1.1\r\n", (b"api.shop.example", 80)),
        (b"GET http://who:pass@api.shop.example:81/ HTTP/1.1\r\n", (b"api.shop.example", 81)),
        (b"\x05\x01\x00\x03\x10api.shop.example\x01\xbb", (b"api.shop.example", 443)),
        (b"\x04\x01\x01\xbb\x00\x00\x00\x01me\x00api.shop.example\x00", (b"api.shop.example", 443)),
        (b"GET /?next=http://api.shop.example/ HTTP/1.1\r\n", None),
        (b"\x05\x01\x00", None),
        (b"\x04\x01\x01\xbb\x0a\x01\x02\x03me\x00", None),
        (b"", None),
    ],
)
def test_what_a_proxy_is_asked_for(data: bytes, asked: tuple[bytes, int] | None) -> None:
    """A tunnel, a whole URL, a SOCKS connection by name: host and port are read from what is sent."""
    assert asked_of_proxy(data) == asked

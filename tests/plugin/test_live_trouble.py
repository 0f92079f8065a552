"""Live runs of servers that answer with trouble, now and then or for good."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from pytest_apiauth.targets import retries
from tests.plugin.live_projects import project, report_of, verdicts
from tests.plugin.projects import Run, told


@contextmanager
def troubled(server: Server, trouble: Callable[[int], str]) -> Iterator[str]:
    """Serve behind a gateway of our own that makes trouble, by the number of the request; gives its base URL."""
    count = iter(range(10**6))
    with serve(server) as behind:
        host, port = behind.removeprefix("http://").split(":")

        def carry(client: socket.socket) -> None:
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = client.recv(65536)
                    if not piece:
                        return
                    head += piece
                kind = trouble(next(count))
                if kind == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif kind.isdigit():
                    extra = b"Retry-After: 0\r\n" if kind == "429" else b""
                    client.sendall(
                        b"HTTP/1.1 "
                        + kind.encode()
                        + b" Trouble\r\n"
                        + extra
                        + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                elif kind != "drop":
                    if kind == "delay":
                        threading.Event().wait(0.05)
                    relay(client, head, (host, int(port)))

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=accepting, args=(listener, carry), daemon=True).start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            listener.shutdown(socket.SHUT_RDWR)


def accepting(listener: socket.socket, carry: Callable[[socket.socket], None]) -> None:
    """Give each connection a thread, until the listener is closed."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=carry, args=(client,), daemon=True).start()


def relay(client: socket.socket, begun: bytes, address: tuple[str, int]) -> None:
    """Pass one request on and its answer back, and end the connection."""
    head, _, body = begun.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += client.recv(65536)
    with socket.create_connection(address) as server:
        server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
        while piece := server.recv(65536):
            client.sendall(piece)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "REPEAT_AFTER", 0.0)


READY = 12
"""Requests that make the profile ready, and a few more."""


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("kind", ["drop", "reset", "429", "503", "502"])
def test_nothing_passes_where_nothing_answers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run, kind: str
) -> None:
    """A server that gives out once the run has begun: no rule passes on it, the run ends, the report is written."""
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with troubled(server, lambda number: kind if number >= READY else "") as url:
        project(pytester, monkeypatch, url, server)
        result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json", "-k", "not wire")

    found = report_of(pytester)
    passed = [rule for rule in found["rules"] if rule["verdict"] in ("pass", "warning")]
    assert sum(rule["requests"] for rule in passed) <= READY
    assert "fail" not in verdicts(found).values()
    told(result, "nothing more is sent after 10 requests in a row")
    assert result.ret == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_trouble_now_and_then_is_no_fault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A good server behind a bad network: rules pass or are inconclusive, none fails."""
    kinds = ("drop", "429", "delay", "503", "reset")
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with troubled(server, lambda number: kinds[number // 9 % 5] if number > READY and number % 9 == 0 else "") as url:
        project(pytester, monkeypatch, url, server)
        run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json")

    found = list(verdicts(report_of(pytester)).values())
    assert found.count("fail") == 0
    assert found.count("pass") > 20


@pytest.mark.usefixtures("_impatient")
def test_trouble_does_not_hide_a_fault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A bad server behind a bad network is not let pass."""
    kinds = ("drop", "429", "delay", "503", "reset")
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]), faults=["token-prefix-compare"])
    with troubled(server, lambda number: kinds[number // 9 % 5] if number > READY and number % 9 == 0 else "") as url:
        project(pytester, monkeypatch, url, server)
        words = ("-k", "res-mutated-token", "--apiauth-report=report.json")
        result = run("shop.apiauth.toml", "--apiauth-live", *words)

    assert verdicts(report_of(pytester))["res-mutated-token"] in ("fail", "inconclusive")
    assert result.ret == 1

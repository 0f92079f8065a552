"""A server that counts token requests, in a process of its own: ``python -m tests.benchmarks.server``.

It is no double of an API, but the simplest thing that tells herds apart: it answers a POST with a token after a delay,
and a GET with 200 if the token is one that it has given. Rotation is strict: a refresh token is good once. What it has
seen is read at ``/control/counts``; ``/control/reset`` and ``/control/expire`` do what they say.
"""

from __future__ import annotations

import itertools
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl

from .measuring import ROOT

DELAY: Final = 0.05
"""Seconds that the token endpoint takes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the server has seen: token requests, refreshes among them, how many were refused, and most at a time."""

    token_requests: int = 0
    refreshes: int = 0
    refused: int = 0
    at_once: int = 0


class Counting:
    """The server as its process sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def counts(self) -> Counts:
        """Return what it has seen since the last reset."""
        return Counts(**json.loads(self._ask("counts")))

    def reset(self) -> None:
        """Count from nought, and forget all tokens."""
        self._ask("reset")

    def expire(self) -> None:
        """Have every access token end; refresh tokens stay good."""
        self._ask("expire")

    def _ask(self, what: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}/control/{what}") as response:
            body: bytes = response.read()
            return body


@contextmanager
def serving(*, tls: str = "") -> Iterator[Counting]:
    """Run the server in a process while the block runs; ``tls`` is a file with certificate and key, in PEM."""
    command = [sys.executable, "-m", "tests.benchmarks.server", *([tls] if tls else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Counting(process.stdout.readline().strip())
        finally:
            process.kill()


class _State:
    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        self.counts = dict.fromkeys(("token_requests", "refreshes", "refused", "at_once"), 0)
        self.access: set[str] = set()
        self.refresh: set[str] = set()
        self.under_way = 0


STATE: Final = _State()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: the second would wait for the first one's acknowledgement

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a request to the API, or do as told."""
        if self.path.startswith("/control/"):
            self._control(self.path.rpartition("/")[2])
            return
        token = (self.headers["Authorization"] or "").partition(" ")[2]
        self._answer(200 if token in STATE.access else 401, {"items": [], "total": 0})

    def do_POST(self) -> None:
        """Answer a token request."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        asked = json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
        with STATE.mutex:
            STATE.under_way += 1
            STATE.counts["at_once"] = max(STATE.counts["at_once"], STATE.under_way)
        time.sleep(DELAY)  # what it is about: how many come while one is under way
        with STATE.mutex:
            STATE.under_way -= 1
            STATE.counts["token_requests"] += 1
            is_refresh = asked.get("grant_type") == "refresh_token"
            STATE.counts["refreshes"] += is_refresh
            good = not is_refresh or asked["refresh_token"] in STATE.refresh
            STATE.counts["refused"] += not good
            STATE.refresh.discard(asked.get("refresh_token", ""))
            number = next(STATE.numbers)
            access, refresh = f"access-token-number-{number:08}", f"refresh-token-number-{number:08}"
            if good:
                STATE.access.add(access)
                STATE.refresh.add(refresh)
        if not good:
            self._answer(400, {"error": "invalid_grant"})
            return
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": asked.get("scope", "")}
        self._answer(200, {**answer, "refresh_token": refresh})

    def _control(self, what: str) -> None:
        with STATE.mutex:
            if what == "reset":
                STATE.reset()
            if what == "expire":
                STATE.access.clear()
            self._answer(200, STATE.counts)

    def _answer(self, status: int, members: object) -> None:
        body = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


def main() -> None:
    """Serve until the process is ended; print the base URL first."""
    server, scheme = _Server(("127.0.0.1", 0), _Handler), "http"
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1])
        server.socket, scheme = context.wrap_socket(server.socket, server_side=True), "https"
    print(f"{scheme}://{'localhost' if scheme == 'https' else '127.0.0.1'}:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""Exchanges recorded over a loopback socket by the real recorder, read again in every way, and replayed."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import logging
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

import yaml
from pytest_recording._vcr import use_cassette

import pytest_apiauth
from pytest_apiauth.credentials.redaction import LOGGERS, OutputRedactor, RedactingFilter
from pytest_apiauth.recording.taping import CassetteTest
from tests.here import httpx
from tests.plugin.test_secrets import forms

_PACKAGE: Final = Path(pytest_apiauth.__file__).parent
SEARCHING: Final = (
    *sorted(_PACKAGE.glob("recording/*.py")),
    *sorted(_PACKAGE.glob("credentials/*.py")),
    _PACKAGE / "codings.py",
)
"""What looks for secrets in what is recorded, for rows of tables that are about that (`tests.sharing.about`)."""


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    status: int = 200


@dataclass(frozen=True)
class Ask:
    """What a client asks, and what it is answered."""

    path: str = "/token"
    """``{token}`` in it is the access token of the answer before."""
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    userinfo: str = ""
    reply: Reply = field(default_factory=Reply)


class Loopback:
    """A server that answers with whatever is next."""

    def __init__(self) -> None:
        loopback = self
        self.next = Reply()
        self.asked = 0
        self.heard: list[tuple[str, bytes]] = []
        """Media type and body of each request."""

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                loopback.asked += 1
                loopback.heard.append((self.headers.get("Content-Type", ""), self._body()))
                reply = loopback.next
                self.send_response_only(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = answer  # noqa: N815 - the standard library's names

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, format: str, *args: object) -> None:
                """Be silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@dataclass
class Taped:
    """What was left of a recording."""

    path: Path
    refusal: str | None
    logs: str
    answers: list[tuple[int, bytes]]

    @property
    def text(self) -> str:
        """The cassette's text."""
        return self.path.read_text(encoding="utf-8")

    def seen(self) -> Iterator[str]:
        """Give everything that a person may read in the cassette and in the logs."""
        yield self.text
        yield self.logs
        yield from readings(yaml.safe_load(self.text))

    def survivors(self, secrets: set[str]) -> set[tuple[str, str]]:
        """Give secrets that survive, with the form that was found."""
        seen = list(self.seen())
        looked = [secret for secret in secrets if len(secret) >= 6]
        wanted = {(secret, form) for secret in looked for form in forms(secret) if len(form) >= 6}
        return {(secret, form) for secret, form in wanted for text in seen if form in text}


def readings(value: Any) -> Iterator[str]:
    """Give the texts in a cassette, each decoded in every way that fits."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from readings(each)
    elif isinstance(value, list):
        for each in value:
            yield from readings(each)
    elif isinstance(value, bytes):
        for unpack in (gzip.decompress, zlib.decompress):
            try:
                yield from readings(unpack(value))
            except (OSError, zlib.error):
                continue
        yield value.decode("latin-1")
        yield value.decode("utf-8", "replace")
        yield value.replace(b"\0", b"").decode("latin-1")
    elif isinstance(value, str):
        yield from (value, unquote(value), unquote_plus(value))
        for word in value.split():
            try:
                yield base64.b64decode(word, validate=True).decode()
            except ValueError:
                continue
        if value[:1] in ("{", "["):
            try:
                yield from readings(json.loads(value, strict=False))
            except ValueError:
                return


@contextmanager
def _logged(redactor: OutputRedactor, test: CassetteTest) -> Iterator[list[str]]:
    """Collect what the libraries log, all of it, behind the plug-in's filter."""
    lines: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, keeper = Keeping(), RedactingFilter(redactor)
    keeper.watch = test.watch
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in LOGGERS:
        logging.getLogger(name).addFilter(keeper)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(keeper)


@contextmanager
def taping(
    folder: Path, *, is_live: bool, secrets: tuple[str, ...] = (), mode: str | None = None
) -> Iterator[tuple[CassetteTest, list[str]]]:
    """Put a cassette in place, to record or to replay; gives the test that it belongs to, and what is logged."""
    redactor = OutputRedactor()
    for secret in secrets:
        redactor.learn(secret, "shop.access_token")
    test = CassetteTest("test_it.py::test_tape", folder, redactor, is_live=is_live)
    config: Any = SimpleNamespace(
        hook=SimpleNamespace(pytest_recording_configure=lambda config, vcr: test.configure(vcr))
    )
    mode = mode or ("all" if is_live else "none")
    with _logged(redactor, test) as lines, use_cassette("tape", str(folder), mode, [], {}, config):
        yield test, lines
    test.close()


def run_tape(folder: Path, server: Loopback, asks: list[Ask], *, is_live: bool, secrets: tuple[str, ...] = ()) -> Taped:
    """Record exchanges, or replay them; ``secrets`` are known to the run beforehand."""
    answers: list[tuple[int, bytes]] = []
    with taping(folder, is_live=is_live, secrets=secrets) as (test, lines), httpx.Client() as client:
        for ask in asks:
            server.next = ask.reply
            at = f"{ask.userinfo}@" if ask.userinfo else ""
            path = ask.path
            if "{token}" in path:
                path = path.replace("{token}", json.loads(answers[-1][1])["access_token"])
            url = f"http://{at}127.0.0.1:{server.port}{path}"
            answer = client.request(ask.method, url, headers=list(ask.headers), content=ask.body)
            answers.append((answer.status_code, answer.content))
    return Taped(folder / "tape.yaml", test.refusal, "\n".join(lines), answers)

"""A server on loopback whose answers are poisonous, each in one way: the first part of the path names it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from .marks import long_poison, poison

JSON: Final = ("Content-Type", "application/json")
GOOD: Final = "good"
"""The way of an API that means well."""
ANSWER: Final = {"access_token": "made-up-token-of-a-good-answer", "token_type": "Bearer", "expires_in": 3600}
Answer = bytes


def raw(text: str) -> bytes:
    """Return text as bytes of HTTP, whatever is in it."""
    return text.encode("utf-8", "surrogatepass")


def answer(status: str, *headers: tuple[str, str], body: bytes | Any = b"") -> Answer:
    """Write an answer; a body that is no bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(content)}"]
    return raw("\r\n".join([*lines, "Connection: close", "", ""])) + content


def _line(way: str) -> str:
    """Return poison for a line: what cannot stand in a header is a matter of its own (``header``)."""
    plain = poison(way, has_lines=False)
    return "".join(letter for letter in plain if letter.isprintable() or letter == "\x9b")


def _json(status: str, **members: object) -> Answer:
    return answer(status, JSON, ("Cache-Control", "no-store"), body=members)


TOKEN: Final[dict[str, Callable[[str], Answer]]] = {
    "reason": lambda way: answer(f"400 {_line(way)}", JSON, body={"error": "invalid_client"}),
    "control": lambda way: answer(f"400 {poison(way, has_lines=False)}"),
    "name": lambda way: answer("400 Bad Request", (f"X-{poison(way, has_lines=False)}", "x")),
    "header": lambda way: answer("400 Bad Request", ("X-Why", poison(way, has_lines=False))),
    "media": lambda way: answer("400 Bad Request", ("Content-Type", f"text/{_line(way)}"), body=b"no"),
    "body": lambda way: answer("400 Bad Request", ("Content-Type", "text/plain"), body=raw(poison(way))),
    "error": lambda way: _json("400 Bad Request", error=poison(way)),
    "description": lambda way: _json("400 Bad Request", error="invalid_client", error_description=poison(way)),
    "uri": lambda way: _json("400 Bad Request", error="invalid_client", error_uri=poison(way)),
    "long": lambda way: _json("400 Bad Request", error="invalid_client", error_description=long_poison(way)),
    "token": lambda way: _json("200 OK", **{**ANSWER, "access_token": poison(way)}),
    "type": lambda way: _json("200 OK", **{**ANSWER, "token_type": poison(way)}),
    "scope": lambda way: _json("200 OK", **{**ANSWER, "scope": poison(way)}),
    "lifetime": lambda way: _json("200 OK", **{**ANSWER, "expires_in": poison(way)}),
    "member": lambda way: _json("200 OK", **{poison(way): "x"}),
    "location": lambda way: answer("302 Found", ("Location", f"https://{_line(way)}.example/{_line(way)}")),
    "page": lambda way: answer("200 OK", ("Content-Type", "text/html"), body=raw(f"<title>{poison(way)}</title>")),
}
"""Answers of a token endpoint, by way."""
ZONE: Final[dict[str, Callable[[str], Answer]]] = {
    "realm": lambda way: answer("401 Unauthorized", ("WWW-Authenticate", f'Bearer realm="{_line(way)}"')),
    "parameter": lambda way: answer("401 No", ("WWW-Authenticate", f'Bearer {_line(way)}="x", error="{_line(way)}"')),
    "scheme": lambda way: answer("401 Unauthorized", ("WWW-Authenticate", _line(way))),
    "cookie": lambda way: answer("401 Unauthorized", ("Set-Cookie", f"{_line(way)}={_line(way)}; Path=/")),
    "told": lambda way: answer(f"401 {_line(way)}", ("Content-Type", f"text/{_line(way)}"), body=raw(poison(way))),
    "problem": lambda way: answer("401 No", ("Content-Type", "application/problem+json"), body={"title": poison(way)}),
    "moved": lambda way: answer("302 Found", ("Location", f"https://{_line(way)}.example/")),
    "crash": lambda way: answer(f"500 {_line(way)}", ("Content-Type", "text/plain"), body=raw(poison(way))),
}  # fmt: skip
"""Answers of the API to whatever is no valid request, by way."""
DEVICE: Final = "device"
LATE: Final = {f"late-{way}": way for way in ("error", "media", "body", "location", "page")}
"""Profiles whose token endpoint answers a valid request well and all others poisonously, and their ways: a run whose
valid request is refused never comes to the rules about refusals."""
SECRET: Final = "made-up-secret-of-poison"


class _Api:
    def answer(self, target: str, head: str, body: str) -> Answer:
        """Answer one request."""
        name, _, place = target.lstrip("/").partition("?")[0].partition("/")
        way = LATE.get(name, name)
        if place.endswith("device"):
            return _json(
                "200 OK", device_code="made-up", user_code=poison(way), verification_uri=f"https://{_line(way)}.example/",
                expires_in=1, interval=1,
            )  # fmt: skip
        if place.endswith("token"):
            is_valid = {"grant_type=client_credentials", f"client_secret={SECRET}"} <= set(body.split("&"))
            is_good = way not in TOKEN or (name in LATE and is_valid)
            return _json("200 OK", **ANSWER) if is_good else TOKEN[way](way)
        if f"Bearer {ANSWER['access_token']}" in head and "/me" in f"/{place}":
            return _json("200 OK", id=1)
        return ZONE[way](way) if way in ZONE else answer("401 Unauthorized", ("WWW-Authenticate", "Bearer"))


@contextmanager
def serving() -> Iterator[str]:
    """Serve while the block runs, and yield the URL."""
    api, listening = _Api(), socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(api, connection), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def _serve(api: _Api, connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as reading:
        connection.settimeout(10)
        try:
            first = reading.readline(100_000).decode("latin-1").split(" ")
            head, length = "", 0
            while (line := reading.readline(100_000).decode("latin-1")).strip():
                head += line
                if line.lower().startswith("content-length:"):
                    length = int(line.partition(":")[2])
            body = reading.read(length).decode("latin-1")
            if len(first) > 2:
                connection.sendall(api.answer(first[1], head, body))
        except OSError:
            return

"""Messages of HTTP/1.1 as they travel: read strictly (RFC 9112), and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedReader
from typing import Final

from pytest_apiauth.messages import Headers, Response

TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
TARGET: Final = re.compile(rb"[\x21-\xff]+\Z")
LONGEST_HEAD: Final = 256 * 1024
LONGEST_BODY: Final = 16 * 1024 * 1024
CODING: Final = "Transfer-Encoding"
CHUNK: Final = 16


class Malformed(Exception):
    """What arrived is not a request; ``status`` says how."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and header lines as they arrived."""

    method: str
    target: str
    is_current: bool
    """HTTP/1.1, as opposed to 1.0."""
    headers: Headers

    def lines(self, name: str) -> list[str]:
        """Return every line of a header field."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def is_last(self) -> bool:
        """Whether the connection ends after this request (RFC 9112 9.3)."""
        return not self.is_current or any("close" in line.lower() for line in self.lines("connection"))


def _line(stream: BufferedReader) -> bytes:
    """Read a line up to CRLF, and return it without."""
    line = stream.readline(LONGEST_HEAD)
    if not line.endswith(b"\r\n"):
        raise Malformed(431 if len(line) >= LONGEST_HEAD else 400)
    return line[:-2]


def read_head(stream: BufferedReader) -> Head | None:
    """Read a request line and the header lines after it (RFC 9112 3, 5); None at the end of the connection."""
    # One empty line before a request is forgiven (RFC 9112 2.2).
    first = stream.peek(1)[:1] and _line(stream)
    first = first or (stream.peek(1)[:1] and _line(stream))
    if not first:
        return None
    pieces = first.split(b" ")
    if len(pieces) != 3 or not TOKEN.match(pieces[0]) or not TARGET.match(pieces[1]):
        raise Malformed
    if pieces[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Malformed(505 if pieces[2].startswith(b"HTTP/") else 400)
    headers: list[tuple[str, str]] = []
    size = 0
    while line := _line(stream):
        size += len(line)
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name) or b"\0" in value or b"\r" in value:
            raise Malformed
        if size > LONGEST_HEAD:
            raise Malformed(431)
        headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    head = Head(pieces[0].decode(), pieces[1].decode("latin-1"), pieces[2] == b"HTTP/1.1", tuple(headers))
    if len(head.lines("host")) != 1 and (head.is_current or head.lines("host")):
        raise Malformed
    return head


def read_body(stream: BufferedReader, head: Head) -> bytes:
    """Read the content (RFC 9112 6.3). Two statements of its length are refused: that is how requests are smuggled."""
    codings, lengths = head.lines("transfer-encoding"), head.lines("content-length")
    if codings:
        if lengths or [line.lower() for line in codings] != ["chunked"]:
            raise Malformed
        return _read_chunks(stream)
    if not lengths:
        return b""
    if len(lengths) > 1 or not re.fullmatch("[0-9]{1,12}", lengths[0]):
        raise Malformed
    return _exactly(stream, int(lengths[0]))


def _read_chunks(stream: BufferedReader) -> bytes:
    body = b""
    while True:
        size = re.fullmatch(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?", _line(stream))
        if size is None:
            raise Malformed
        count = int(size[1], 16)
        if count == 0:
            while _line(stream):
                pass
            return body
        body += _exactly(stream, count, len(body))
        if _line(stream):
            raise Malformed


def _exactly(stream: BufferedReader, count: int, before: int = 0) -> bytes:
    if before + count > LONGEST_BODY:
        raise Malformed(413)
    body = stream.read(count)
    if len(body) < count:
        raise EOFError("the connection ended within a request")
    return body


def completed(response: Response) -> Response:
    """Return an answer with the header lines that it gets on its way: its date, and the length that it does not say."""
    lines = list(response.headers)
    if response.header("date") is None:
        lines.append(("Date", formatdate(usegmt=True)))
    if response.header("content-length") is None and response.header(CODING) != "chunked":
        lines.append(("Content-Length", str(len(response.body))))
    return replace(response, headers=tuple(lines))


def written(response: Response, method: str, *, is_last: bool, version: str = "HTTP/1.1") -> bytes:
    """Write an answer; its length is that of the body unless it says so itself, as an answer to HEAD does."""
    known = {code.value: code.phrase for code in HTTPStatus}
    if version == "HTTP/1.0":
        # It knows no chunks, nor has an answer of it anything but its length or its end (RFC 9112 6.1).
        response = replace(response, headers=tuple(line for line in response.headers if line[0] != CODING))
    response = completed(response)
    is_chunked = response.header(CODING) == "chunked"
    lines = [f"{version} {response.status} {response.reason or known.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if is_last and response.header("connection") is None:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if method == "HEAD":
        return head
    return head + (b"".join(_chunks(response.body)) if is_chunked else response.body)


def _chunks(body: bytes) -> Iterator[bytes]:
    """Cut a body into small chunks (RFC 9112 7.1), so that a reader meets more than one."""
    for place in range(0, len(body), CHUNK):
        piece = body[place : place + CHUNK]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"

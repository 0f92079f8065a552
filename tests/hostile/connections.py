"""Behaviours of connections and of HTTP itself: what never ends, never begins, ends too soon, or is no HTTP."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.behaviours import (
    CLOSE,
    DOCUMENT,
    JSON,
    PLACES,
    RESET,
    TOKEN,
    Piece,
    Play,
    answer,
    behaves,
    dripping,
    endless,
    head,
    then_silent,
    token,
)

GOOD = answer(token())
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = head(b"Transfer-Encoding: chunked")


AT_EACH_PLACE = frozenset((
    "silent", "silent in the body", "header lines", "body", "chunks", "interim answers", "interim answers 103",
    "body of open brackets", "closed at once", "reset at once", "closed in the body",
))  # fmt: skip
"""What is met at every place; the rest at the token endpoint, which most of ours goes to."""


def _met(family: str, name: str, play: Play | bytes) -> None:
    behaves(family, name, play, *(PLACES if name in AT_EACH_PLACE else (TOKEN,)))


def _never() -> None:
    family = "never an answer"
    _met(family, "silent", then_silent(b""))
    _met(family, "silent after a status line", then_silent(OK))
    _met(family, "silent in a header", then_silent(OK + b"X-Half: on"))
    _met(family, "silent before the body", then_silent(head(b"Content-Length: 100")))
    _met(family, "silent in the body", then_silent(GOOD[:-20]))
    _met(family, "silent in a chunk", then_silent(CHUNKED + b"64\r\nabc"))
    _met(family, "silent before the last chunk", then_silent(CHUNKED + b"%x\r\n%s\r\n" % (len(token()), token())))
    _met(family, "only interim", then_silent(b"HTTP/1.1 102 Processing\r\n\r\n"))
    behaves(family, "no address: the resolver is silent", GOOD, TOKEN, DOCUMENT, names="silent")
    behaves(family, "no address: the resolver has none", GOOD, TOKEN, DOCUMENT, names="none")


def _drips() -> None:
    family = "drips"
    _met(family, "status line", dripping(b"HTTP/1.1 200 " + b"O" * 9000))
    _met(family, "header name", dripping(b"X" * 9000, OK))
    _met(family, "header value", dripping(b"x" * 9000, OK + b"X-Slow: "))
    _met(family, "header lines", dripping(b"A: b\r\n", OK))
    _met(family, "body", dripping(b" ", head(b"Content-Length: 100000000")))
    _met(family, "body without a length", dripping(b" ", head()))
    _met(family, "chunks", dripping(b"1\r\n \r\n", CHUNKED))
    _met(family, "chunk size", dripping(b"0", CHUNKED))
    _met(family, "trailer", dripping(b"A: b\r\n", CHUNKED + b"0\r\n"))
    _met(family, "interim answers", dripping(b"HTTP/1.1 102 Processing\r\n\r\n"))
    _met(family, "blanks before the status line", dripping(b"\r\n"))


def _endless() -> None:
    family = "endless"
    _met(family, "garbage", endless(b"\x00\xff"))
    _met(family, "lines before the status line", endless(b"\r\n"))
    _met(family, "status line", endless(b"O", b"HTTP/1.1 200 "))
    _met(family, "header name", endless(b"X", OK))
    _met(family, "header value", endless(b"x", OK + b"X-Long: "))
    _met(family, "header lines", endless(b"A: b\r\n", OK))
    _met(family, "folded header", endless(b" x\r\n", OK + b"X-Fold: a\r\n"))
    _met(family, "body", endless(b" ", head()))
    _met(family, "body of a token", endless(b"a", head() + b'{"access_token": "'))
    _met(family, "body of open brackets", endless(b"[", head()))
    _met(family, "chunks", endless(b"1000\r\n" + b" " * 4096 + b"\r\n", CHUNKED))
    _met(family, "tiny chunks", endless(b"1\r\n \r\n", CHUNKED))
    _met(family, "chunk size", endless(b"0", CHUNKED))
    _met(family, "chunk extension", endless(b"x", CHUNKED + b"5;"))
    _met(family, "trailer", endless(b"A: b\r\n", CHUNKED + b"0\r\n"))
    _met(family, "interim answers 100", endless(b"HTTP/1.1 100 Continue\r\n\r\n"))
    _met(family, "interim answers 103", endless(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"))


def _flood(line: bytes, count: int, rest: bytes = b"") -> Play:
    def play(request: bytes) -> Iterator[Piece]:
        yield OK
        block = line * 1000
        for _ in range(count // 1000):
            yield block
        yield b"\r\n" + rest

    return play


def _heads() -> None:
    family = "heads"
    mega = 1_000_000
    behaves(family, "a million headers", _flood(b"A: b\r\n", mega))
    behaves(family, "three thousand headers", answer(token(), *[b"A: b"] * 3000))
    behaves(family, "a header of a megabyte", answer(token(), b"X-Long: " + b"x" * mega))
    behaves(family, "a header of ninety kilobytes", answer(token(), b"X-Long: " + b"x" * 90_000), may_pass=True)
    behaves(family, "a header name of a megabyte", answer(token(), b"X" * mega + b": 1"))
    behaves(family, "a reason of a megabyte", answer(token(), reason=b"O" * mega))
    behaves(family, "a reason of ninety kilobytes", answer(token(), reason=b"O" * 90_000), may_pass=True)
    behaves(family, "a reason of ninety kilobytes, refused", answer(b"", status=400, reason=b"O" * 90_000))
    behaves(
        family, "a thousand cookies", answer(token(), *[b"Set-Cookie: a%d=b" % n for n in range(990)]), may_pass=True
    )
    behaves(family, "a content type of ninety kilobytes", answer(b"x", media=b"Content-Type: x/" + b"y" * 90_000))
    behaves(family, "many interim answers, then a good one", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30_000 + GOOD)
    behaves(
        family,
        "some interim answers, then a good one",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50 + GOOD,
        TOKEN,
        may_pass=True,
    )
    behaves(
        family, "a protocol switched", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + token()
    )


def _ends() -> None:
    family = "closed in the middle"
    _met(family, "closed at once", b"")
    _met(family, "reset at once", lambda request: [RESET])
    _met(family, "closed in the status line", b"HTTP/1.")
    _met(family, "closed in the head", GOOD[:30])
    _met(family, "reset in the head", lambda request: [GOOD[:30], RESET])
    _met(family, "closed before the body", head(b"Content-Length: 100"))
    _met(family, "closed in the body", GOOD[:-20])
    _met(family, "reset in the body", lambda request: [GOOD[:-20], 0.01, RESET])
    _met(family, "closed in a chunk", CHUNKED + b"64\r\nabc")
    _met(family, "closed before the last chunk", CHUNKED + b"%x\r\n%s\r\n" % (len(token()), token()))
    _met(family, "closed in the chunk size", CHUNKED + b"6")


def _lengths() -> None:
    family = "wrong lengths and chunks"
    text = token()
    of_length = {
        "longer than the body": b"%d" % (len(text) + 10), "shorter than the body": b"%d" % (len(text) - 10),
        "nothing": b"0", "a quintillion": b"1000000000000000000", "of a thousand digits": b"9" * 1000,
        "negative": b"-1", "signed": b"+%d" % len(text), "a word": b"many", "hexadecimal": b"0x80",
        "a fraction": b"12.5", "empty": b"", "a list": b"%d, 3" % len(text),
    }  # fmt: skip
    for name, length in of_length.items():
        behaves(family, f"length: {name}", head(b"Content-Length: " + length) + text, TOKEN)
    behaves(family, "length: two", head(b"Content-Length: 3", b"Content-Length: %d" % len(text)) + text, TOKEN)
    both = head(b"Content-Length: %d" % len(text), b"Transfer-Encoding: chunked")
    behaves(family, "length beside chunks", both + b"3\r\n[1]\r\n0\r\n\r\n" + text, TOKEN)
    behaves(family, "length beside no chunks", both + text, TOKEN)
    sizes = {
        "negative": b"-1\r\n", "huge": b"FFFFFFFFFFFFFFF\r\n", "of a thousand digits": b"F" * 1000 + b"\r\n",
        "a word": b"lots\r\n", "empty": b"\r\n", "with a blank": b"1 0\r\n", "signed": b"+5\r\n",
    }  # fmt: skip
    for name, size in sizes.items():
        behaves(family, f"chunk size: {name}", CHUNKED + size + text, TOKEN)
    behaves(family, "chunk too long", CHUNKED + b"5\r\n" + text + b"\r\n0\r\n\r\n", TOKEN)
    behaves(family, "coding unknown", head(b"Transfer-Encoding: rot13") + text, TOKEN)
    behaves(family, "coding twice", head(b"Transfer-Encoding: chunked, chunked") + text, TOKEN)
    behaves(family, "no content, with one", b"HTTP/1.1 204 No Content\r\n" + CLOSE + b"\r\n\r\n" + text, TOKEN)
    behaves(family, "not modified", b"HTTP/1.1 304 Not Modified\r\n" + CLOSE + b"\r\n\r\n", TOKEN)


def _no_http() -> None:
    family = "no HTTP"
    texts = {
        "SSH": b"SSH-2.0-OpenSSH_9.9\r\n", "SMTP": b"220 mail.example ESMTP\r\n", "TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
        "HTTP/0.9": token(), "HTTP/2 frame": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/9.9": b"HTTP/9.9 200 OK\r\n\r\n",
        "zeros": bytes(4096), "status 99": b"HTTP/1.1 99 Low\r\n\r\n", "status 1000": b"HTTP/1.1 1000 High\r\n\r\n",
        "status a word": b"HTTP/1.1 abc OK\r\n\r\n", "no colon": OK + b"no colon here\r\n\r\n",
        "blank before colon": OK + b"X-A : b\r\n\r\n", "NUL in a header": OK + b"X-A: a\x00b\r\n\r\n",
        "blank in a header name": OK + b"X A: b\r\n\r\n", "no header name": OK + b": b\r\n\r\n",
        "escape in a header name": OK + b"X-\x1b[2J: b\r\n\r\n", "request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "status line twice": OK + OK + JSON + b"\r\n\r\n", "bare CR": b"HTTP/1.1 200 OK\rX: y\r\r" + token(),
    }  # fmt: skip
    for name, text in texts.items():
        behaves(family, name, text, TOKEN)


for _each in (_never, _drips, _endless, _heads, _ends, _lengths, _no_http):
    _each()

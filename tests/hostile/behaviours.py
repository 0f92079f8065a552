"""What a hostile server does, as data: each behaviour has a name, a family, and the place at which it is met.

A behaviour *plays* once for each request to its place: it gives pieces, bytes to send or seconds to wait, and when it
has no more the connection ends. To every other place the server answers as a good one does. Where one answer is met at
several places (the token endpoint, a route of the API, a document) it is a behaviour of each, since other code reads it
there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

Piece = bytes | float
Play = Callable[[bytes], Iterable[Piece]]
"""From the bytes of a request to the pieces of its answer."""
TOKEN: Final = "token"
API: Final = "api"
DOCUMENT: Final = "document"
DEVICE: Final = "device"
PAGE: Final = "page"
PLACES: Final = (TOKEN, API, DOCUMENT, DEVICE, PAGE)
EVERYWHERE: Final = (TOKEN, API, DOCUMENT)
"""Where what is about HTTP and JSON alone is met; devices read their answers as tokens are read."""
JSON: Final = b"Content-Type: application/json"
CLOSE: Final = b"Connection: close"
GOOD: Final = "a-good-access-token-of-the-shop"
"""The token that the good part of the server gives and takes."""
RESET: Final = -1.0
"""A piece that ends the connection at once, with what is not sent yet (RST)."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing that a server does. ``may_pass`` if what it says is usable, odd as it is."""

    name: str
    family: str
    place: str
    play: Play
    may_pass: bool = False
    certificate: str = ""
    """Which certificate the server shows; none is no TLS."""
    clock: str = ""
    """What the machine's clock does meanwhile."""
    names: str = ""
    """What the resolver of names does: it is ``silent``, or has ``none``. Empty if it does what it should."""

    @property
    def is_of_connections(self) -> bool:
        """Whether it is met by whatever connects, and so by the first request."""
        return bool(self.certificate or self.names)


TABLE: Final[dict[str, Behaviour]] = {}


def behaves(
    family: str,
    name: str,
    play: Play | bytes,
    *places: str,
    may_pass: bool | Iterable[str] = False,
    certificate: str = "",
    clock: str = "",
    names: str = "",
) -> None:
    """Put a behaviour into the table, once for each of its places (by default those of `EVERYWHERE`)."""
    plays = play if callable(play) else _always(play)
    allowed = PLACES if may_pass is True else tuple(may_pass or ())
    for place in places or EVERYWHERE:
        label = f"{family}: {name} @{place}"
        assert label not in TABLE, label
        TABLE[label] = Behaviour(label, family, place, plays, place in allowed, certificate, clock, names)


def _always(text: bytes) -> Play:
    return lambda request: [text]


class Later:
    """An answer that takes a while to make: made once, when it is first wanted."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self.make = cache(make)
        """Return the answer."""

    def __call__(self, request: bytes) -> list[Piece]:
        """Play it."""
        return [self.make()]


def answer(body: bytes = b"", *lines: bytes, status: int = 200, reason: bytes = b"OK", media: bytes = JSON) -> bytes:
    """Write an answer that is well-formed, as far as its parts are."""
    head = [b"HTTP/1.1 %d %s" % (status, reason), b"Content-Length: %d" % len(body), media, CLOSE, *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def head(*lines: bytes) -> bytes:
    """Write the head of an answer whose body has no stated length."""
    return b"\r\n".join((b"HTTP/1.1 200 OK", JSON, CLOSE, *lines)) + b"\r\n\r\n"


def token(**changes: object) -> bytes:
    """Write a token answer's body, with members changed; ``None`` as a value is null."""
    return json.dumps({"access_token": GOOD, "token_type": "Bearer", "expires_in": 3600, **changes}).encode()


def raw_token(**members: str) -> bytes:
    """Write a token answer's body whose changed members are JSON as it stands, well-formed or not."""
    usual = {"access_token": json.dumps(GOOD), "token_type": '"Bearer"', "expires_in": "3600", **members}
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in usual.items()) + "}").encode()


def endless(piece: bytes, begun: bytes = b"") -> Play:
    """Send a beginning, and then the same piece for ever, as fast as it is taken."""
    block = piece * max(1, 65536 // len(piece))

    def play(request: bytes) -> Iterator[Piece]:
        yield begun
        while True:
            yield block

    return play


def dripping(text: bytes, begun: bytes = b"", *, seconds: float = 0.02) -> Play:
    """Send a beginning, and then a text a byte at a time, over and over."""

    def play(request: bytes) -> Iterator[Piece]:
        yield begun
        while True:
            for place in range(len(text)):
                yield text[place : place + 1]
                yield seconds

    return play


def then_silent(text: bytes) -> Play:
    """Send a text, and then nothing, without an end."""
    return lambda request: [text, 3600.0]

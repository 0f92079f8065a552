"""Bodies on their way to a foreign origin, looked through for every value that the redactor knows.

A body that lies in memory is read as a whole. A stream can be read only once, and the server is to have it, so it is
looked through as it goes out. What has been seen is held back as far as the longest known form of a value reaches, so
that a value broken over two pieces is found before its first byte leaves. A stream shorter than a block is seen to
its end before anything is sent at all.

A value is found as it is, percent-encoded, JSON-escaped, in HTML, in a Python literal, in base64 (also as
``id:secret``, also broken over lines), in hexadecimal, in UTF-16, and with any of its letters percent-encoded or
JSON-escaped, up to three times over. What is compressed with gzip or zlib is looked into, a stream's first block only.
Not found is what is compressed otherwise, encrypted or hashed, a value cut into several members, values of less than
six characters, and values that the redactor has never met.
"""

from __future__ import annotations

import base64
import contextlib
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pytest_apiauth.credentials.secrets import SHORTEST, Redactor

if TYPE_CHECKING:
    import httpx
    from httpx import AsyncByteStream, SyncByteStream
else:
    SyncByteStream = AsyncByteStream = object

BLOCK: Final = 64 * 1024
"""How much of a stream is looked through at once, beside what is held back."""
INFLATED: Final = 4 * 1024 * 1024
"""How much of what is compressed is looked through."""
LAYERS: Final = 3
"""How often a value may be encoded over."""
WIDENED: Final = 6
"""Bytes that one letter of a form may take: ``\\u0041``."""
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_BASE64: Final = re.compile(f"[-0-9A-Za-z+/_]{{{SHORTEST * 4 // 3},}}")
_HEXADECIMAL: Final = re.compile(f"[0-9a-fA-F]{{{2 * SHORTEST},}}")
_BREAK: Final = re.compile(r"\s+")


def holds(redactor: Redactor, data: bytes) -> bool:
    """Whether bytes hold a value that a redactor knows."""
    return any(redactor.finds(text) for text in readings(data))


def readings(data: bytes) -> Iterator[str]:
    """Yield every text that bytes may be read as, each once."""
    texts = set()
    for each in (data, _inflated(data)):
        texts.add(each.decode("latin-1"))
        if not each.isascii():
            texts.add(each.decode("utf-8", "replace"))
        if b"\0" in each:
            # UTF-16 and UTF-32, in either order.
            texts.add(each.replace(b"\0", b"").decode("latin-1"))
    for _ in range(LAYERS):
        texts |= {read for text in texts for read in (unquote(text), _unescaped(text))}
    yield from texts
    decoded = set()
    for text in texts:
        # Mail breaks base64 into lines (RFC 2045 6.8).
        unbroken = _BREAK.sub("", text)
        if unbroken != text:
            yield unbroken
        decoded |= {"\n".join(map(_from_base64, _BASE64.findall(each))) for each in (text, unbroken)}
        for word in _HEXADECIMAL.findall(text) + _HEXADECIMAL.findall(unbroken):
            decoded |= {_from_hexadecimal(word), _from_hexadecimal(word[1:])}
    yield from decoded | {unquote(text) for text in decoded}


def _inflated(data: bytes) -> bytes:
    """Return what a compressed body holds, or its beginning."""
    if not data.startswith((b"\x1f\x8b", b"\x78")):
        return b""
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(wbits=47).decompress(data, INFLATED)
    return b""


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text


def _from_base64(word: str) -> str:
    whole = word[: len(word) - len(word) % 4] if len(word) % 4 == 1 else word + "=" * (-len(word) % 4)
    return base64.b64decode(whole, altchars=b"-_" if "-" in word or "_" in word else None).decode("latin-1")


def _from_hexadecimal(word: str) -> str:
    return bytes.fromhex(word[: len(word) - len(word) % 2]).decode("latin-1")


class Window:
    """Looks through a stream piece by piece. ``refusal`` makes the error that ends it."""

    def __init__(self, redactor: Redactor, refusal: Callable[[], Exception]) -> None:
        self._redactor = redactor
        self._refusal = refusal
        self._reach = WIDENED * redactor.longest
        self._held = bytearray()

    def push(self, piece: bytes) -> bytes:
        """Take a piece, and return what may leave by now. Raises the refusal."""
        self._held += piece
        # Only a block at a time: to look again at what is held back for every byte would take for ever.
        if len(self._held) < self._reach + max(BLOCK, self._reach):
            return b""
        return self._released(len(self._held) - self._reach)

    def rest(self) -> bytes:
        """Return what is left when the stream is over. Raises the refusal."""
        return self._released(len(self._held))

    def _released(self, count: int) -> bytes:
        if holds(self._redactor, bytes(self._held)):
            raise self._refusal()
        released = bytes(self._held[:count])
        del self._held[:count]
        return released


class LookedThrough(SyncByteStream):
    """A stream that is looked through as it is read. `begin` reads as much as is held back at first."""

    def __init__(self, stream: httpx.SyncByteStream, window: Callable[[], Window]) -> None:
        self._stream = stream
        self._window = window
        self._begun: tuple[bytes, Generator[bytes]] | None = None

    def begin(self) -> None:
        """Look through the beginning, before anything is sent. Raises the window's refusal."""
        pieces = self._pieces()
        self._begun = next(pieces, b""), pieces

    def __iter__(self) -> Iterator[bytes]:
        begun, self._begun = self._begun, None
        if begun is None:
            # Sent again: what cannot be read twice says so itself.
            begun = b"", self._pieces()
        if begun[0]:
            yield begun[0]
        yield from begun[1]

    def _pieces(self) -> Generator[bytes]:
        window = self._window()
        for piece in self._stream:
            if passed := window.push(piece):
                yield passed
        if passed := window.rest():
            yield passed

    def end(self) -> None:
        """Leave off, if nobody wants the rest."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun[1].close()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class AsyncLookedThrough(AsyncByteStream):
    """The same for asynchronous clients."""

    def __init__(self, stream: httpx.AsyncByteStream, window: Callable[[], Window]) -> None:
        self._stream = stream
        self._window = window
        self._begun: tuple[bytes, AsyncGenerator[bytes]] | None = None

    async def begin(self) -> None:
        """Look through the beginning, before anything is sent. Raises the window's refusal."""
        pieces = self._pieces()
        self._begun = await anext(pieces, b""), pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        begun, self._begun = self._begun, None
        if begun is None:
            begun = b"", self._pieces()
        if begun[0]:
            yield begun[0]
        async with contextlib.aclosing(begun[1]) as pieces:
            async for piece in pieces:
                yield piece

    async def _pieces(self) -> AsyncGenerator[bytes]:
        window = self._window()
        async for piece in self._stream:
            if passed := window.push(piece):
                yield passed
        if passed := window.rest():
            yield passed

    async def end(self) -> None:
        """Leave off, if nobody wants the rest."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await begun[1].aclose()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

"""Content codings undone within bounds (RFC 9110 8.4.1): a few kilobytes may stand for gigabytes."""

from __future__ import annotations

import importlib
import zlib
from typing import Final

MOST_CODINGS: Final = 4
"""Codings that one body may be in, one within the other."""
GZIP: Final = b"\x1f\x8b"
_WINDOW: Final = 16 << 20
_STEP: Final = 4096
_BROTLI_STEP: Final = 16


class CodingError(Exception):
    """A body is not in the coding that it is said to be in, or in one that nothing here undoes."""


class TooLargeError(CodingError):
    """A body is larger than what is read of one."""


def codings_in(field: str) -> list[str]:
    """Return the codings that a ``Content-Encoding`` names, in the order in which they were put on.

    >>> codings_in("gzip, br")
    ['gzip', 'br']
    """
    return [name.strip().lower() for name in field.split(",") if name.strip()]


def undone(body: bytes, coding: str, most: int) -> bytes:
    """Undo one content coding. Raises TooLargeError for more than ``most`` bytes, else CodingError.

    Raises ImportError if what undoes it is not installed.

    >>> undone(zlib.compress(b"body"), "deflate", 10)
    b'body'
    """
    try:
        if coding in ("gzip", "x-gzip"):
            return _gunzipped(body, most)
        if coding == "deflate":
            return _inflated(body, most)
        if coding == "br":
            return _unbrotlied(body, most)
        if coding == "zstd":
            decompressor = importlib.import_module("zstandard").ZstdDecompressor(max_window_size=_WINDOW)
            unpacked: bytes = decompressor.stream_reader(body, read_across_frames=True).read(most + 1)
            return _bounded(unpacked, most)
    except (CodingError, ImportError):
        raise
    except Exception as error:
        # The errors of four libraries; none of them says anything that its name does not.
        raise CodingError(type(error).__name__) from None
    raise CodingError("unknown")


def _gunzipped(body: bytes, most: int) -> bytes:
    """Undo ``gzip``, of one member or several (RFC 1952 2.2)."""
    place, unpacked = 0, bytearray()
    while place < len(body):
        place = _inflate(body, place, 16 + zlib.MAX_WBITS, unpacked, most)
        while body[place : place + 1] == b"\0":
            place += 1
    return bytes(unpacked)


def _bounded(unpacked: bytes, most: int) -> bytes:
    if len(unpacked) > most:
        raise TooLargeError
    return unpacked


def _inflated(body: bytes, most: int) -> bytes:
    """Undo ``deflate``: zlib's format, or bare as some servers have it."""
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        unpacked = bytearray()
        try:
            _inflate(body, 0, bits, unpacked, most)
        except zlib.error:
            continue
        return bytes(unpacked)
    raise zlib.error


def _inflate(body: bytes, place: int, bits: int, unpacked: bytearray, most: int) -> int:
    """Undo one stream of DEFLATE from a place on; returns the place behind it.

    In small steps, since the rest is copied at the end of each stream, and there may be very many.
    """
    decompressor = zlib.decompressobj(bits)
    while not decompressor.eof:
        step = body[place : place + _STEP]
        if not step:
            raise EOFError
        unpacked += decompressor.decompress(step, most + 1 - len(unpacked))
        if len(unpacked) > most:
            raise TooLargeError
        place += len(step) - len(decompressor.unused_data)
    return place


def _unbrotlied(body: bytes, most: int) -> bytes:
    """Undo ``br``, which a few bytes can make sixteen million of (RFC 7932 9.2): in very small steps."""
    decompressor = importlib.import_module("brotli").Decompressor()
    unpacked = bytearray()
    for place in range(0, len(body), _BROTLI_STEP):
        unpacked += decompressor.process(body[place : place + _BROTLI_STEP])
        if len(unpacked) > most:
            raise TooLargeError
    if not decompressor.is_finished():
        raise EOFError
    return bytes(unpacked)

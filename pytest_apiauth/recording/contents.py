"""Bodies as text: content codings and charsets undone, and put on again if that is needed."""

from __future__ import annotations

import codecs
import gzip
import importlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from pytest_apiauth.codings import GZIP, MOST_CODINGS, CodingError, TooLargeError, codings_in, undone
from pytest_apiauth.errors import ApiAuthError

MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)


LARGEST: Final = 16 << 20
"""Bytes of one body, without its codings, that are looked into: one of a few kilobytes may unpack to gigabytes."""
MOST_PIECES: Final = 500_000
"""Values of JSON, pairs or parts of one text that are looked into; each takes fifty times its size in memory."""
ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "identity": bytes,
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "x-gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": lambda body: bytes(importlib.import_module("brotli").compress(body)),
    "zstd": lambda body: bytes(importlib.import_module("zstandard").ZstdCompressor().compress(body)),
}
"""How each content coding is put on (RFC 9110 8.4.1, RFC 7932, RFC 8878)."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNTEXTUAL: Final = frozenset(("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"))
"""Encodings of Python's that are no charsets; some take time with the square of the text."""


class CassetteError(ApiAuthError):
    """A cassette that cannot be written, read or replayed."""


def too_large(most: int = LARGEST) -> CassetteError:
    """Return what is said of a body, or of a file, that is not looked into."""
    return CassetteError(f"not looked into: more than {most >> 20} MB")


@dataclass(frozen=True, slots=True)
class Content:
    """A body without its codings: its bytes, and its text if it has one."""

    raw: bytes
    charset: str
    is_packed: bool = False
    """Whether it is gzip that no header announces: a file, packed again after a change."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are none in its charset are kept as ISO-8859-1."""
        try:
            return self.raw.decode(self.charset)
        except (UnicodeDecodeError, LookupError):
            return self.raw.decode("latin-1")

    def encoded(self, text: str) -> bytes:
        """Return another text as this body would have been."""
        try:
            self.raw.decode(self.charset)
            raw = text.encode(self.charset)
        except (UnicodeError, LookupError):
            try:
                raw = text.encode("latin-1")
            except UnicodeEncodeError:
                raw = text.encode()
        return gzip.compress(raw, mtime=0) if self.is_packed else raw


def decoded(text: str, decode: Callable[[str], str] = unquote) -> str:
    """Return a text without its percent-encoding, which takes a hundred times its size in memory while it is undone."""
    if "%" not in text and "+" not in text:
        return text
    if len(text) > MOST_PIECES and text.count("%") > MOST_PIECES:
        raise CassetteError(f"not looked into: a text of more than {MOST_PIECES} percent signs")
    return decode(text)


def pieces(text: str, mark: str) -> list[str]:
    """Split a text. Raises CassetteError if it goes to more pieces than memory should hold."""
    if len(text) > MOST_PIECES and text.count(mark) > MOST_PIECES:
        raise CassetteError(f"not looked into: a text of more than {MOST_PIECES} pieces")
    return text.split(mark)


def content_of(body: bytes, coding: str, media_type: str, most: int = LARGEST) -> Content:
    """Undo the content codings of a body.

    Raises CassetteError for one that nothing here can look into, and for one of more than ``most`` bytes.
    """
    names = codings_in(coding)
    if len(names) > MOST_CODINGS:
        raise CassetteError(f"a body in {len(names)} content codings is not looked into")
    body = _bounded(body, most)
    for name in reversed(names):
        body = _decoded(body, name, most)
    is_packed = False
    if body.startswith(GZIP):
        try:
            body, is_packed = undone(body, "gzip", most), True
        except TooLargeError:
            raise too_large(most) from None
        except CodingError:
            pass
    return Content(body, _charset(body, media_type), is_packed)


def _bounded(body: bytes | bytearray, most: int) -> bytes:
    if len(body) > most:
        raise too_large(most)
    return bytes(body)


def _decoded(body: bytes, coding: str, most: int) -> bytes:
    # A library may have decoded the body and left the header: what does not begin like gzip is none.
    if coding == "identity" or not body or (coding in ("gzip", "x-gzip") and not body.startswith(GZIP)):
        return body
    if coding not in ENCODERS:
        raise CassetteError(f"a body in content coding {coding[:40]!r} cannot be looked into")
    try:
        return undone(body, coding, most)
    except TooLargeError:
        raise too_large(most) from None
    except ImportError:
        why = "its package is not installed"
    except CodingError as error:
        why = str(error)
    if _is_plain(body):
        return body
    raise CassetteError(f"a body in content coding {coding!r} cannot be looked into: {why}")


def _is_plain(body: bytes) -> bool:
    """Whether a body is JSON or markup as it stands: a library has undone its coding, and left the header."""
    if body.lstrip()[:1] not in (b"{", b"[", b'"', b"<"):
        return False
    try:
        return _CONTROL.search(body.decode()) is None
    except UnicodeDecodeError:
        return False


def coded(body: bytes, coding: str) -> bytes | None:
    """Put content codings on a body; nothing if one is not known here, or its package is not installed."""
    for name in (name.strip().lower() for name in coding.split(",")):
        encode = ENCODERS.get(name)
        if encode is None:
            return None
        try:
            body = encode(body)
        except ImportError:
            return None
    return body


def _charset(body: bytes, media_type: str) -> str:
    for mark, name in MARKS:
        if body.startswith(mark):
            return name
    found = _CHARSET.search(media_type)
    if found:
        try:
            name = codecs.lookup(found.group(1)).name
        except LookupError:
            return "utf-8"
        return "utf-8" if name.replace("-", "_") in UNTEXTUAL else name
    if len(body) > 3 and body.lstrip()[:1] in (b"{", b"[", b"\x00"):
        # JSON says by its zeros which Unicode it is in (RFC 4627 3).
        if body[:4:2] == b"\0\0" and body[1:2] != b"\0":
            return "utf-16-be"
        if body[1:4:2] == b"\0\0" and body[2:3] != b"\0":
            return "utf-16-le"
        if body[:3] == b"\0\0\0":
            return "utf-32-be"
        if body[1:4] == b"\0\0\0":
            return "utf-32-le"
    return "utf-8"

"""Bodies as text: content codings and charsets undone, and put on again where that is needed."""

from __future__ import annotations

import codecs
import gzip
import importlib
import re
import zlib
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.errors import ApiAuthError

GZIP: Final = b"\x1f\x8b"
MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)


class CassetteError(ApiAuthError):
    """A cassette that cannot be written, read or replayed."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body without its codings: its bytes, and its text where it has one."""

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
        """Give another text as this body would have been."""
        try:
            self.raw.decode(self.charset)
            raw = text.encode(self.charset)
        except (UnicodeError, LookupError):
            try:
                raw = text.encode("latin-1")
            except UnicodeEncodeError:
                raw = text.encode()
        return gzip.compress(raw, mtime=0) if self.is_packed else raw


def content_of(body: bytes, coding: str, media_type: str) -> Content:
    """Undo the content codings of a body. Raises CassetteError for one that nothing here can look into."""
    for name in reversed([name.strip().lower() for name in coding.split(",") if name.strip()]):
        body = _decoded(body, name)
    is_packed = False
    if body.startswith(GZIP):
        try:
            body, is_packed = gzip.decompress(body), True
        except (OSError, EOFError, zlib.error):
            is_packed = False
    return Content(body, _charset(body, media_type), is_packed)


def _decoded(body: bytes, coding: str) -> bytes:
    if coding in ("identity", "") or not body:
        return body
    try:
        if coding in ("gzip", "x-gzip"):
            # A library may have decoded the body and left the header: what does not begin like gzip is none.
            return gzip.decompress(body) if body.startswith(GZIP) else body
        if coding == "deflate":
            return _inflated(body)
        if coding == "br":
            unpacked: bytes = importlib.import_module("brotli").decompress(body)
            return unpacked
        if coding == "zstd":
            decompressor = importlib.import_module("zstandard").ZstdDecompressor().decompressobj()
            unpacked = decompressor.decompress(body)
            return unpacked  # noqa: RET504 - typed
    except ImportError:
        raise CassetteError(
            f"a body in content coding {coding!r} cannot be looked into: its package is not installed"
        ) from None
    except Exception as error:
        raise CassetteError(
            f"a body in content coding {coding!r} cannot be looked into: {type(error).__name__}"
        ) from None
    raise CassetteError(f"a body in content coding {coding!r} cannot be looked into")


def _inflated(body: bytes) -> bytes:
    """Undo ``deflate``: zlib's format, or bare as some servers have it."""
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)


def _charset(body: bytes, media_type: str) -> str:
    for mark, name in MARKS:
        if body.startswith(mark):
            return name
    found = _CHARSET.search(media_type)
    if found:
        try:
            return codecs.lookup(found.group(1)).name
        except LookupError:
            return "utf-8"
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

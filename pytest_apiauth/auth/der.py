"""Public keys in DER (X.690), as far as the spellings of RSA, P-256, P-384, P-521 and Ed25519 take it.

The standard library has no ASN.1, and what anybody makes of a public key takes no more of it than this.
"""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator
from typing import Final

RSA: Final = "1.2.840.113549.1.1.1"
EC: Final = "1.2.840.10045.2.1"
ED25519: Final = "1.3.101.112"
CURVES: Final = {"P-256": "1.2.840.10045.3.1.7", "P-384": "1.3.132.0.34", "P-521": "1.3.132.0.35"}
SEQUENCE, SET, INTEGER, BITS, NULL, OID = 0x30, 0x31, 0x02, 0x03, 0x05, 0x06


def element(tag: int, *parts: bytes) -> bytes:
    """Return one element.

    >>> element(SEQUENCE, integer(1)).hex()
    '3003020101'
    """
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """Return a number that is not negative."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def bits(content: bytes) -> bytes:
    """Return a string of bits, all of whose bytes are whole."""
    return element(BITS, b"\0", content)


def oid(dotted: str) -> bytes:
    """Return an object identifier.

    >>> oid(ED25519).hex()
    '06032b6570'
    """
    first, second, *rest = map(int, dotted.split("."))
    content = bytearray((first * 40 + second,))
    for arc in rest:
        groups = [arc >> shift & 0x7F for shift in range(0, max(arc.bit_length(), 1), 7)]
        content += bytes(group | (0x80 if place else 0) for place, group in reversed(list(enumerate(groups))))
    return element(OID, bytes(content))


def children(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the elements that stand in a row: the tag of each, what is in it, and the whole. Raises ValueError."""
    while content:
        if len(content) < 2:
            raise ValueError("not DER")
        start, length = 2, content[1]
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(content[2:start])
        if len(content) < start + length:
            raise ValueError("not DER")
        yield content[0], content[start : start + length], content[: start + length]
        content = content[start + length :]


def rsa_key(modulus: int, exponent: int) -> bytes:
    """Return the public key of RSA by itself (RFC 8017 A.1.1), as PKCS #1 has it."""
    return element(SEQUENCE, integer(modulus), integer(exponent))


def of_rsa(own: bytes) -> bytes:
    """Return a key as PKCS #1 has it as the one that says that it is of RSA (RFC 3279 2.3.1)."""
    return element(SEQUENCE, element(SEQUENCE, oid(RSA), element(NULL)), bits(own))


def of_curve(name: str, x: bytes, y: bytes) -> bytes:
    """Return a point of a curve as a public key (RFC 5480 2.1). Raises LookupError for another curve."""
    return element(SEQUENCE, element(SEQUENCE, oid(EC), oid(CURVES[name])), bits(b"\x04" + x + y))


def of_ed25519(x: bytes) -> bytes:
    """Return a key of Ed25519 (RFC 8410 4)."""
    return element(SEQUENCE, element(SEQUENCE, oid(ED25519)), bits(x))


def pem(label: str, content: bytes) -> str:
    """Return DER as text, with a line break at its end (RFC 7468 2)."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(content).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"

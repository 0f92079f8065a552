"""Keys that everybody has, to sign forgeries with: whoever takes such a signature believes the token about its key.

Theory of operation. A forgery by a key of the forger's own takes one whose private half is here, which the standard
library can sign with. So there is no secret to keep: the primes of the
key of RSA are the last below 2**1024 and the first above 2**1023; the private number of the key on P-256 is 1, so that
the public point is the generator, and its signatures take 1 for the random number too (FIPS 186-5 6.4.1), so that
``r`` is the x of the generator and ``s`` is the digest plus that. To whoever verifies, both are keys like any other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Final

from pytest_apiauth.auth import der


def _number(digits: str) -> int:
    return int.from_bytes(bytes.fromhex(digits))


P: Final = 2**1024 - 105
Q: Final = 2**1023 + 1155
N: Final = P * Q
E: Final = 65537
GX: Final = _number("6B17D1F2 E12C4247 F8BCE6E5 63A440F2 77037D81 2DEB33A0 F4A13945 D898C296")
GY: Final = _number("4FE342E2 FE1A7F9B 8EE7EB4A 7C0F9E16 2BCE3357 6B315ECE CBB64068 37BF51F5")
ORDER: Final = _number("FFFFFFFF 00000000 FFFFFFFF FFFFFFFF BCE6FAAD A7179E84 F3B9CAC2 FC632551")
OWN: Final = ("RS256", "RS384", "RS512", "ES256")
"""What they sign by."""
DATA: Final = "data:application/json;base64,"
"""What a URL begins with that is its own content (RFC 2397)."""
_DIGESTS: Final = {
    "256": "3031300d 06096086 48016503 04020105 000420",
    "384": "3041300d 06096086 48016503 04020205 000430",
    "512": "3051300d 06096086 48016503 04020305 000440",
}
"""What stands before a digest in a signature of PKCS #1 (RFC 8017 9.2)."""


@cache
def signature(alg: str, content: bytes) -> bytes:
    """Sign by the own key that is fit for an algorithm (RFC 7518 3.3, 3.4).

    >>> len(signature("RS256", b"")), len(signature("ES256", b""))
    (256, 64)
    """
    digest = hashlib.new(f"sha{alg[2:]}", content).digest()
    if alg == "ES256":
        return GX.to_bytes(32) + ((int.from_bytes(digest) + GX) % ORDER).to_bytes(32)
    info = bytes.fromhex(_DIGESTS[alg[2:]]) + digest
    padded = b"\0\1" + b"\xff" * (253 - len(info)) + b"\0" + info
    return pow(int.from_bytes(padded), pow(E, -1, (P - 1) * (Q - 1)), N).to_bytes(256)


def public_key(alg: str) -> bytes:
    """Return the public half of the own key for an algorithm, in DER."""
    if alg == "ES256":
        return der.of_curve("P-256", GX.to_bytes(32), GY.to_bytes(32))
    return der.of_rsa(der.rsa_key(N, E))


def jwk(alg: str) -> dict[str, object]:
    """Return the same as a JWK (RFC 7518 6.2.1, 6.3.1).

    >>> jwk("ES256")["crv"]
    'P-256'
    """
    if alg == "ES256":
        return {"kty": "EC", "crv": "P-256", "x": _encoded(GX.to_bytes(32)), "y": _encoded(GY.to_bytes(32))}
    return {"kty": "RSA", "n": _encoded(N.to_bytes(256)), "e": _encoded(E.to_bytes(3))}


@cache
def certificate(alg: str) -> str:
    """Return a certificate for the own key, signed by itself, as ``x5c`` has it (RFC 7515 4.1.6).

    >>> base64.b64decode(certificate("ES256"))[0] == der.SEQUENCE
    True
    """
    by = "RS256" if alg != "ES256" else alg
    names = {"RS256": "1.2.840.113549.1.1.11", "ES256": "1.2.840.10045.4.3.2"}
    nothing = (der.element(der.NULL),) if by == "RS256" else ()
    method = der.element(der.SEQUENCE, der.oid(names[by]), *nothing)
    common = der.element(der.SEQUENCE, der.oid("2.5.4.3"), der.element(0x0C, b"apiauth"))
    who = der.element(der.SEQUENCE, der.element(der.SET, common))
    when = der.element(der.SEQUENCE, *(der.element(0x17, f"{year}0101000000Z".encode()) for year in (20, 49)))
    version = der.element(0xA0, der.integer(2))
    content = der.element(der.SEQUENCE, version, der.integer(1), method, who, when, who, public_key(alg))
    made = signature(by, content)
    if by == "ES256":
        halves = (int.from_bytes(made[:32]), int.from_bytes(made[32:]))
        made = der.element(der.SEQUENCE, *map(der.integer, halves))
    return base64.b64encode(der.element(der.SEQUENCE, content, method, der.bits(made))).decode()


def key_set_url(alg: str, kid: str) -> str:
    """Return a URL at which a set with the own key is, although nobody serves it: the URL is its content (RFC 2397).

    >>> key_set_url("ES256", "1")[:29]
    'data:application/json;base64,'
    """
    # As short as can be: there are servers that read short headers only.
    content = json.dumps({"keys": [{**jwk(alg), "kid": kid}]}, separators=(",", ":")).encode()
    return f"{DATA}{base64.b64encode(content).decode()}"


def kid_in(url: str) -> str:
    """Return the name of the key behind such a URL; empty if it is none.

    >>> kid_in(key_set_url("ES256", "1"))
    '1'
    """
    try:
        return str(json.loads(base64.b64decode(url.removeprefix(DATA)))["keys"][0]["kid"])
    except (ValueError, LookupError, TypeError):
        return ""


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")

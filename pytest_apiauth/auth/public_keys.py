"""Every spelling of an API's public key that a server could take for the secret of an HMAC (RFC 8725 2.1).

What is published is a JWK, or a text: PEM of any label, a certificate, a line of SSH. The server may have it in another
form than the one that it publishes, so each is made into all others.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from pytest_apiauth.auth import der

Published = str | Mapping[str, object]
"""A key as it came: a text, or a JWK."""


def spellings(key: Published) -> dict[str, bytes]:
    """Return what a public key is written as, by what each spelling is called; no two are the same.

    >>> rsa = {"kty": "RSA", "n": "s3J2YQ", "e": "AQAB"}
    >>> list(spellings(rsa))[:3]
    ['JWK', 'JWK with blanks', 'JWK of RFC 7638']
    """
    found: dict[bytes, str] = {}
    for name, spelling in _spelt(key):
        found.setdefault(spelling, name)
    return {name: spelling for spelling, name in found.items() if spelling}


def fitting(keys: list[Published], kid: object) -> list[Published]:
    """Return the keys that a token may be signed with: the one that it names, or all of them if it names none.

    >>> fitting([{"kid": "1"}, {"kid": "2"}], "2")
    [{'kid': '2'}]
    """
    named: list[Published] = [
        key for key in keys if not isinstance(key, str) and kid is not None and key.get("kid") == kid
    ]
    return named or keys


def _spelt(key: Published) -> Iterator[tuple[str, bytes]]:
    if isinstance(key, str):
        yield "as published", key.encode()
        yield "as published, stripped", key.strip().encode()
        yield "as published, with a line break", key.strip().encode() + b"\n"
    else:
        yield from _as_jwk(key)
    with suppress(ValueError, LookupError, TypeError):
        spki = _from_text(key) if isinstance(key, str) else _from_jwk(key)
        yield from _as_der(spki)
        if isinstance(key, str):
            yield from _as_jwk(_jwk_of(spki))


def _as_jwk(key: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    yield "JWK", json.dumps(key, separators=(",", ":")).encode()
    yield "JWK with blanks", json.dumps(key).encode()
    needed = {name: key[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in key}
    yield "JWK of RFC 7638", json.dumps(needed, separators=(",", ":")).encode()
    chain = key.get("x5c")
    if isinstance(chain, list) and chain and isinstance(chain[0], str):
        with suppress(ValueError):
            text = der.pem("CERTIFICATE", base64.b64decode(chain[0], validate=True))
            yield "certificate", text.encode()
            yield "certificate, stripped", text.strip().encode()


def _as_der(spki: bytes) -> Iterator[tuple[str, bytes]]:
    algorithm, own = _taken_apart(spki)
    text = der.pem("PUBLIC KEY", spki)
    yield "PEM", text.encode()
    yield "PEM, stripped", text.strip().encode()
    yield "DER", spki
    yield "DER in Base64", base64.b64encode(spki)
    if algorithm == der.oid(der.RSA):
        text = der.pem("RSA PUBLIC KEY", own)
        yield "PEM of PKCS #1", text.encode()
        yield "PEM of PKCS #1, stripped", text.strip().encode()
        yield "DER of PKCS #1", own
    yield "SSH", _as_ssh(_jwk_of(spki)).encode()


def _from_text(key: str) -> bytes:
    """Return a key in PEM or of SSH as DER says what it is. Raises ValueError or LookupError for any other."""
    if key.lstrip().startswith("{"):
        return _from_jwk(json.loads(key))
    found = re.search(r"-----BEGIN ([A-Z ]+)-----(.+?)-----END", key, re.DOTALL)
    if found is None:
        return _from_ssh(key)
    content = base64.b64decode("".join(found[2].split()), validate=True)
    match found[1]:
        case "PUBLIC KEY":
            return content
        case "RSA PUBLIC KEY":
            return der.of_rsa(content)
        case "CERTIFICATE":
            (_, signed, _), *_ = der.children(content)
            (_, inner, _), *_ = der.children(signed)
            parts = [whole for tag, _, whole in der.children(inner) if tag != 0xA0]
            # RFC 5280 4.1: number, algorithm, issuer, time, subject, and then the key.
            return parts[5]
    raise ValueError("no public key")


def _from_ssh(key: str) -> bytes:
    """Read a line of SSH (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4)."""
    content, parts = base64.b64decode(key.split()[1], validate=True), []
    while content:
        length = int.from_bytes(content[:4])
        parts.append(content[4 : 4 + length])
        content = content[4 + length :]
    name = parts[0].decode()
    if name == "ssh-rsa":
        return der.of_rsa(der.rsa_key(int.from_bytes(parts[2]), int.from_bytes(parts[1])))
    if name == "ssh-ed25519":
        return der.of_ed25519(parts[1])
    half = len(parts[2]) // 2
    curve = {"nistp256": "P-256", "nistp384": "P-384", "nistp521": "P-521"}[parts[1].decode()]
    return der.of_curve(curve, parts[2][1 : half + 1], parts[2][half + 1 :])


def _as_ssh(key: Mapping[str, object]) -> str:
    curves = {"P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521"}
    curve = curves.get(str(key.get("crv")), "")
    if key["kty"] == "RSA":
        name, parts = "ssh-rsa", [_whole(key["e"]), _whole(key["n"])]
    elif key["kty"] == "OKP":
        name, parts = "ssh-ed25519", [_decoded(key["x"])]
    else:
        name, parts = f"ecdsa-sha2-{curve}", [curve.encode(), b"\x04" + _decoded(key["x"]) + _decoded(key["y"])]
    content = b"".join(len(part).to_bytes(4) + part for part in (name.encode(), *parts))
    return f"{name} {base64.b64encode(content).decode()}"


def _from_jwk(key: Mapping[str, object]) -> bytes:
    """Return a JWK as DER. Raises LookupError or ValueError for one that is no public key of a known kind."""
    if key["kty"] == "RSA":
        return der.of_rsa(der.rsa_key(*(int.from_bytes(_decoded(key[name])) for name in ("n", "e"))))
    if key["kty"] == "EC":
        return der.of_curve(str(key["crv"]), _decoded(key["x"]), _decoded(key["y"]))
    if key["crv"] != "Ed25519":
        raise LookupError("no curve that is known here")
    return der.of_ed25519(_decoded(key["x"]))


def _jwk_of(spki: bytes) -> dict[str, object]:
    """Return DER as a JWK. Raises ValueError or LookupError for a kind that is not known."""
    algorithm, own = _taken_apart(spki)
    if algorithm == der.oid(der.RSA):
        (_, inner, _), *_ = der.children(own)
        numbers = [content.lstrip(b"\0") for _, content, _ in der.children(inner)]
        return {"kty": "RSA", "n": _encoded(numbers[0]), "e": _encoded(numbers[1])}
    if algorithm == der.oid(der.ED25519):
        return {"kty": "OKP", "crv": "Ed25519", "x": _encoded(own)}
    size = len(own) // 2
    curve = {32: "P-256", 48: "P-384", 66: "P-521"}[size]
    return {"kty": "EC", "crv": curve, "x": _encoded(own[1 : size + 1]), "y": _encoded(own[size + 1 :])}


def _taken_apart(spki: bytes) -> tuple[bytes, bytes]:
    """Return the identifier of a key's algorithm, and the key itself. Raises ValueError."""
    (_, content, _), *_ = der.children(spki)
    (_, algorithm, _), (_, own, _), *_ = der.children(content)
    (_, _, identifier), *_ = der.children(algorithm)
    return identifier, own[1:]


def _whole(text: object) -> bytes:
    """Return a number as SSH has it (RFC 4251 5)."""
    number = int.from_bytes(_decoded(text))
    return number.to_bytes(number.bit_length() // 8 + 1)


def _decoded(text: object) -> bytes:
    return base64.urlsafe_b64decode(f"{text}===")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")

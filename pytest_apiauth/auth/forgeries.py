"""Forgeries of a signed JWT: what anybody who has seen one token can make of it, without the key.

A `Forgery` stands where an `Edit` does: it is applied to the secret at the moment of sending. A curl line has the words
for it (`editing`), which are of what is altered and not of the token.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_apiauth.auth import own_keys
from pytest_apiauth.auth.edits import equivalent

Signature = Literal[
    "kept", "empty", "absent", "zeros", "reversed", "half", "longer", "first bit", "last bit", "stray letter",
    "forged",
]  # fmt: skip
Form = Literal["compact", "JSON", "JSON around another", "nested"]
Place = Literal["changed", "first", "last"]
STRAY = 8
"""Where a letter goes that is none of the alphabet."""
Members = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Forgery:
    """A JWT made from another one (RFC 7515 3.1: header, payload and signature between dots).

    ``header`` and ``claims`` are members that are set anew, or left out if the value is None; a part without
    any stays as it came, byte by byte. ``place`` has them written beside those of the same name, in front of all or
    behind. ``signature`` says what stands at the end; ``forged`` is one by the header's ``alg``: an HMAC by ``key``, or
    one by a key that everybody has (`own_keys`).

    ``form`` is what is made of that in the end: ``JSON`` is the serialization of RFC 7515 7.2.2; in ``JSON around
    another`` the token itself is in that, around the forged one in compact form; ``nested`` has the token itself as
    payload.

    >>> token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"
    >>> Forgery(signature="empty").apply(token)
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.'
    """

    header: Members = ()
    claims: Members = ()
    signature: Signature = "kept"
    key: str | bytes = ""
    place: Place = "changed"
    form: Form = "compact"

    def apply(self, value: str) -> str | None:
        """Return the forged token; None if the value is no JWT, or the forgery leaves it what it was."""
        if not is_jwt(value):
            return None
        header, claims, signature = value.split(".")
        first = _changed(header, self.header, self.place)
        second = _encoded(value.encode()) if self.form == "nested" else _changed(claims, self.claims, self.place)
        start = f"{first}.{second}"
        if self.signature == "absent":
            return start
        if self.signature == "forged":
            end = _encoded(self._signed(start.encode()))
        else:
            end = _SIGNATURES[self.signature](signature)
        if self.form == "JSON":
            return _written({"payload": second, "protected": first, "signature": end})
        if self.form == "JSON around another":
            # CVE-2022-39227: who verifies reads the members, and who splits at the dots reads the forged claims. With
            # two blanks, what stands before the header has four letters, which decoders of Base64 pass over.
            return _written({f"  {start}.": "", "protected": header, "payload": claims, "signature": signature})
        forged = f"{start}.{end}"
        return None if equivalent(forged, value) else forged

    @property
    def alg(self) -> str:
        """How it is signed anew."""
        return str(dict(self.header).get("alg", "HS256"))

    def _signed(self, content: bytes) -> bytes:
        if self.alg in own_keys.OWN:
            return own_keys.signature(self.alg, content)
        key = self.key.encode() if isinstance(self.key, str) else self.key
        return hmac.digest(key, content, f"sha{self.alg[2:]}")

    def __str__(self) -> str:
        words = [f"{part} {name}={value!r}" for part in ("header", "claims") for name, value in getattr(self, part)]
        more = [self.place] * (self.place != "changed") + [self.form] * (self.form != "compact")
        return ", ".join([*words, f"signature {self.signature}", *more])


def is_jwt(value: str) -> bool:
    """Whether a token is a signed JWT to look at: three parts of base64url, the header with an ``alg``.

    >>> is_jwt("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"), is_jwt("mF_9.B5f-4.1JqM")
    (True, False)
    """
    parts = value.split(".")
    if len(parts) != 3:
        return False
    header, claims = _object(parts[0]), _object(parts[1])
    return header is not None and claims is not None and isinstance(header.get("alg"), str)


def jwt_parts(value: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return header and claims of a signed JWT. Raises ValueError for any other value.

    >>> jwt_parts("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk")
    ({'alg': 'HS256'}, {'sub': '1'})
    """
    if not is_jwt(value):
        raise ValueError("no signed JWT")
    header, claims, _ = value.split(".")
    return _object(header) or {}, _object(claims) or {}


def _object(part: str) -> dict[str, object] | None:
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "===")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _changed(part: str, members: Members, place: Place) -> str:
    if not members:
        return part
    old, new = _object(part) or {}, dict(members)
    if place == "changed":
        return _encoded(
            json.dumps({name: value for name, value in {**old, **new}.items() if value is not None}).encode()
        )
    first, second = (new, old) if place == "first" else (old, new)
    return _encoded(f"{json.dumps(first)[:-1]}, {json.dumps(second)[1:]}".encode())


def _written(members: dict[str, str]) -> str:
    return json.dumps(members, separators=(",", ":"))


def _flipped(part: str, place: int) -> str:
    content = bytearray(_decoded(part))
    if content:
        content[place] ^= 1
    return _encoded(bytes(content))


_SIGNATURES: dict[str, Callable[[str], str]] = {
    "kept": lambda part: part,
    "empty": lambda part: "",
    "zeros": lambda part: _encoded(bytes(len(_decoded(part)))),
    "reversed": lambda part: part[::-1],
    "half": lambda part: part[: len(part) // 8 * 4],
    "longer": lambda part: _encoded(_decoded(part) + b"\0"),
    "first bit": lambda part: _flipped(part, 0),
    "last bit": lambda part: _flipped(part, -1),
    "stray letter": lambda part: f"{part[:STRAY]}!{part[STRAY:]}",
}

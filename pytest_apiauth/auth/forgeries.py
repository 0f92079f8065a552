"""Forgeries of a signed JWT: what anybody who has seen one token can make of it, without the key.

A `Forgery` stands where an `Edit` does: it is applied to the secret at the moment of sending, and is written
into a curl line as a Python expression over the placeholder, so that the token itself shows nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_apiauth.auth.edits import equivalent, quoted

Signature = Literal[
    "kept", "empty", "absent", "zeros", "reversed", "half", "longer", "first bit", "last bit", "stray letter",
    "forged",
]  # fmt: skip
STRAY = 8
"""Where a letter goes that is none of the alphabet."""
Members = tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Forgery:
    """A JWT made from another one (RFC 7515 3.1: header, payload and signature between dots).

    ``header`` and ``claims`` are members that are set anew, or left out if the value is None; a part without
    any stays as it came, byte by byte. ``signature`` says what stands at the end; ``forged`` is an HMAC with
    SHA-256 by the text ``key``.

    >>> token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"
    >>> Forgery(signature="empty").apply(token)
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.'
    """

    header: Members = ()
    claims: Members = ()
    signature: Signature = "kept"
    key: str = ""

    def apply(self, value: str) -> str | None:
        """Return the forged token; None if the value is no JWT, or the forgery leaves it what it was."""
        if not is_jwt(value):
            return None
        header, claims, signature = value.split(".")
        start = f"{_changed(header, self.header)}.{_changed(claims, self.claims)}"
        if self.signature == "absent":
            return start
        if self.signature == "forged":
            end = _encoded(hmac.digest(self.key.encode(), start.encode(), hashlib.sha256))
        else:
            end = _SIGNATURES[self.signature](signature)
        forged = f"{start}.{end}"
        return None if equivalent(forged, value) else forged

    def shell(self, name: str, value: str) -> str:
        """Write the forgery as a bash expression for use inside double quotes, with the token in ``$name``."""
        code = (
            "import sys,json,hmac,base64 as b;h,p,s=sys.argv[1].split('.');"
            "d=lambda t:b.urlsafe_b64decode(t+'===');e=lambda o:b.urlsafe_b64encode(o).decode().rstrip('=');"
            "c=lambda t,m:e(json.dumps({k:v for k,v in (json.loads(d(t))|m).items() if v is not None}).encode());"
        )
        for part, members in (("h", self.header), ("p", self.claims)):
            code += f"{part}=c({part},{dict(members)!r});" if members else ""
        end = "" if self.signature == "absent" else f"+'.'+{self._expression()}"
        code += f"print(h+'.'+p{end},end='')"
        return f'$(python3 -c {quoted(code)} "${{{name}}}")'

    def _expression(self) -> str:
        if self.signature == "forged":
            return f"e(hmac.digest({self.key!r}.encode(),(h+'.'+p).encode(),'sha256'))"
        return _SIGNATURE_CODE[self.signature]

    def __str__(self) -> str:
        words = [f"{part} {name}={value!r}" for part in ("header", "claims") for name, value in getattr(self, part)]
        return ", ".join([*words, f"signature {self.signature}"])


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


def _changed(part: str, members: Members) -> str:
    if not members:
        return part
    found = {**(_object(part) or {}), **dict(members)}
    return _encoded(json.dumps({name: value for name, value in found.items() if value is not None}).encode())


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
_SIGNATURE_CODE: dict[str, str] = {
    "kept": "s",
    "empty": "''",
    "zeros": "e(bytes(len(d(s))))",
    "reversed": "s[::-1]",
    "half": "s[:len(s)//8*4]",
    "longer": "e(d(s)+bytes(1))",
    "first bit": "e(bytes([d(s)[0]^1])+d(s)[1:])",
    "last bit": "e(d(s)[:-1]+bytes([d(s)[-1]^1]))",
    "stray letter": f"s[:{STRAY}]+'!'+s[{STRAY}:]",
}

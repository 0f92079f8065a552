"""Signed JWTs taken apart and put together, for whoever judges them by himself (RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Final

BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, repr=False)
class Jws:
    """A token taken apart."""

    header: dict[str, Any]
    claims: dict[str, Any]
    content: bytes
    """What the signature is about: the first two parts as they came."""
    signature: bytes


def taken_apart(token: str) -> Jws | None:
    """Read a JWS in compact form; None for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        raw = [decoded(part) for part in parts]
        header, claims = json.loads(raw[0]), json.loads(raw[1])
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return Jws(header, claims, ".".join(parts[:2]).encode(), raw[2])


def decoded(part: str) -> bytes:
    """Decode base64url without padding. Raises ValueError for letters of another alphabet."""
    if not BASE64URL.match(part):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encoded(content: bytes) -> str:
    """Encode in base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def hs256(key: bytes, content: bytes) -> bytes:
    """Sign (RFC 7518 3.2)."""
    return hmac.digest(key, content, hashlib.sha256)

"""What a project signs its requests by: HMAC over a time and the request, in headers or in the query."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from urllib.parse import urlsplit

from pytest_apiauth.messages import Request

COUNT = itertools.count()


def sign(request: Request, key: str) -> dict[str, str]:
    """Sign method, path, query and body with the time and a number, which are taken from a request that has them."""
    at = request.header("X-Signed-At") or str(int(time.time()))
    number = request.header("X-Number") or str(next(COUNT))
    path = request.path + (f"?{request.query}" if request.query else "")
    made = _hmac(key, request.method, path, at, number, hashlib.sha256(request.body).hexdigest())
    return {"X-Signed-At": at, "X-Number": number, "X-Signature": made}


def sign_in_query(request: Request, key: str) -> dict[str, str]:
    """Sign method, path and a number, in parameters of the URL."""
    number = request.params.get("n") or str(next(COUNT))
    return {"n": number, "sig": _hmac(key, request.method, urlsplit(request.url).path, number)}


def sign_alone(request: Request, key: str) -> dict[str, str]:
    """Sign method and path, and nothing that changes."""
    return {"X-Signed-At": "today", "X-Signature": _hmac(key, request.method, request.path, "today")}


def sign_alone_in_query(request: Request, key: str) -> dict[str, str]:
    """Sign the URL without what is added to it, and nothing that changes."""
    return {"at": "today", "sig": _hmac(key, request.method, request.url.partition("?")[0], "today")}


def fail(request: Request, key: str) -> dict[str, str]:
    """Fail, and tell the key."""
    raise ValueError(f"no signature with {key}")


def nothing(request: Request, key: str) -> object:
    """Return something else than asked for."""
    return key


def unsigned(request: Request, key: str) -> dict[str, str]:
    """Return what goes with a signature, and no signature."""
    return {"X-Signed-At": "now"}


def number(request: Request, key: str) -> dict[str, object]:
    """Return a number in the place of a text."""
    return {"X-Signature": 7}


def _hmac(key: str, *parts: str) -> str:
    return hmac.digest(key.encode(), "\n".join(parts).encode(), hashlib.sha256).hex()

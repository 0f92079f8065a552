"""Authlib's clients: a token, and the API with it, on each library that Authlib is built on."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

Pair = tuple[str, str]
"""A client's id and secret."""
Ask = Callable[[type, Pair, str, str], tuple[int, Any]]


def _blocking(kind: type, pair: Pair, token_url: str, url: str) -> tuple[int, Any]:
    with kind(*pair, scope="api1") as client:
        client.fetch_token(token_url, grant_type="client_credentials")
        found = client.get(url)
        return int(found.status_code), found.json()


def _asynchronous(kind: type, pair: Pair, token_url: str, url: str) -> tuple[int, Any]:
    async def ask() -> tuple[int, Any]:
        async with kind(*pair, scope="api1") as client:
            await client.fetch_token(token_url, grant_type="client_credentials")
            found = await client.get(url)
            return int(found.status_code), found.json()

    return asyncio.run(ask())


AUTHLIB: dict[str, tuple[str, str, Ask]] = {
    "httpx2": ("httpx_client", "OAuth2Client", _blocking),
    "httpx2-async": ("httpx_client", "AsyncOAuth2Client", _asynchronous),
    "httpx": ("httpx_client", "OAuth2Client", _blocking),
    "httpx-async": ("httpx_client", "AsyncOAuth2Client", _asynchronous),
    "requests": ("requests_client", "OAuth2Session", _blocking),
}


def ask(library: str, pair: Pair, token_url: str, url: str) -> tuple[int, Any]:
    """Fetch a token on one of the libraries and call the API; returns the status and what the answer says.

    Authlib takes httpx2 wherever that is installed, so that has to seem absent for httpx to be taken.
    """
    module, name, asking = AUTHLIB[library]
    with pytest.MonkeyPatch.context() as patch:
        for known in [each for each in sys.modules if each.startswith("authlib.integrations.httpx_client")]:
            patch.delitem(sys.modules, known)
        if library in ("httpx", "httpx-async"):
            patch.setitem(sys.modules, "httpx2", None)
        kind = getattr(importlib.import_module(f"authlib.integrations.{module}"), name)
    return asking(kind, pair, token_url, url)

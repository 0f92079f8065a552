"""Clients of other libraries, built as their documentation says: what ours are measured beside.

They are imported by name, since they need not be installed: `Peer.find` gives None then. Authlib's client is built on
httpx2 wherever that can be imported, so for httpx it is imported once more with httpx2 hidden.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from functools import cache
from types import ModuleType
from typing import Any, Final

CLIENT_ID: Final = "benchmarks"
CLIENT_SECRET: Final = "not-a-secret-but-long-enough"
USER: Final = "somebody"
AUTHLIB: Final = "authlib.integrations.httpx_client"


@cache
def found(name: str) -> Any:
    """Import a module by its name; None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@cache
def authlib(library: str) -> Any:
    """Import Authlib's client on one of the two libraries; None if either is missing."""
    if found("authlib") is None or found(library) is None:
        return None
    kept: dict[str, ModuleType | None] = {name: sys.modules[name] for name in sys.modules if _is_authlibs(name)}
    for name in kept:
        del sys.modules[name]
    hidden = {"httpx2": sys.modules.get("httpx2")} if library == "httpx" else {}
    try:
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]
        # That httpx is deprecated it tells whatever the filters say.
        with warnings.catch_warnings(record=True):
            return importlib.import_module(AUTHLIB)
    finally:
        for name in [name for name in sys.modules if _is_authlibs(name)]:
            del sys.modules[name]
        for name, module in {**kept, **hidden}.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def _is_authlibs(name: str) -> bool:
    return name.startswith(AUTHLIB)


def httpx_auth(token_url: str, client: Any = None) -> Any:
    """Return its authentication by client credentials; ``client`` asks for the token. None if not installed."""
    module = found("httpx_auth")
    if module is None:
        return None
    module.OAuth2.token_cache.clear()
    options = {} if client is None else {"client": client}
    return module.OAuth2ClientCredentials(token_url, CLIENT_ID, CLIENT_SECRET, **options)


def httpx_auth_of_user(token_url: str, client: Any = None) -> Any:
    """Return its authentication by a user's password, which comes with a refresh token. None if not installed."""
    module = found("httpx_auth")
    if module is None:
        return None
    module.OAuth2.token_cache.clear()
    options = {} if client is None else {"client": client}
    return module.OAuth2ResourceOwnerPasswordCredentials(token_url, USER, CLIENT_SECRET, **options)

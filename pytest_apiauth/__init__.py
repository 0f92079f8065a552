"""pytest-apiauth: authenticated HTTP clients for tests, and a conformance suite for API authentication."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.fixtures import ClientFactory
    from pytest_apiauth.profile import Profile
    from pytest_apiauth.secrets import Secret
    from pytest_apiauth.tokens import Token

__all__ = ["ClientFactory", "Profile", "Secret", "Server", "Token"]

_HOMES = {
    "ClientFactory": "fixtures",
    "Profile": "profile",
    "Secret": "secrets",
    "Server": "embedded",
    "Token": "tokens",
}


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first used: a plug-in must cost nothing while it is not."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

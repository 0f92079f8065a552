"""pytest-apiauth: authenticated HTTP clients for tests, and a conformance suite for API authentication."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_apiauth.auth.tokens import Token
    from pytest_apiauth.credentials.secrets import Secret
    from pytest_apiauth.embedded import FAULTS, VARIANTS, OwnAnswer, Reply, Server
    from pytest_apiauth.http.router import MockRouter
    from pytest_apiauth.messages import Request
    from pytest_apiauth.plugin.apis import ByName
    from pytest_apiauth.plugin.factory import ClientFactory
    from pytest_apiauth.plugin.serving import Serving, serving
    from pytest_apiauth.profile.model import Profile

__all__ = [
    "FAULTS",
    "VARIANTS",
    "ByName",
    "ClientFactory",
    "MockRouter",
    "OwnAnswer",
    "Profile",
    "Reply",
    "Request",
    "Secret",
    "Server",
    "Serving",
    "Token",
    "serving",
]

_HOMES = {
    "ByName": "plugin.apis",
    "ClientFactory": "plugin.factory",
    "FAULTS": "embedded",
    "MockRouter": "http.router",
    "OwnAnswer": "embedded",
    "Profile": "profile.model",
    "Reply": "embedded",
    "Request": "messages",
    "Secret": "credentials.secrets",
    "Server": "embedded",
    "Serving": "plugin.serving",
    "Token": "auth.tokens",
    "serving": "plugin.serving",
    "VARIANTS": "embedded",
}


def __getattr__(name: str) -> Any:
    """Import an exported name when it is first used: a plug-in must cost nothing while it is not."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("pytest-apiauth")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return what there is to import, for whoever asks an interpreter or an editor."""
    return sorted({*globals(), *__all__, "__version__"})

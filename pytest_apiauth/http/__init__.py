"""The only place that knows httpx and httpx2: authenticated clients, the origin guard, the wire.

Importing this package imports neither library; each is imported when it is asked for by name.
"""

from __future__ import annotations

from pytest_apiauth.http.clients import Auth, build_async_client, build_client, fetch_token
from pytest_apiauth.http.guard import Guard
from pytest_apiauth.http.library import Library, LibraryError, library
from pytest_apiauth.http.senders import Wire
from pytest_apiauth.http.translation import NotSendable
from pytest_apiauth.http.transports import AsyncEmbeddedTransport, Carrier, EmbeddedTransport, InProcess, Network

__all__ = [
    "AsyncEmbeddedTransport",
    "Auth",
    "Carrier",
    "EmbeddedTransport",
    "Guard",
    "InProcess",
    "Library",
    "LibraryError",
    "Network",
    "NotSendable",
    "Wire",
    "build_async_client",
    "build_client",
    "fetch_token",
    "library",
]

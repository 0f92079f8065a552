"""The only place that knows httpx and httpx2: authenticated clients, the origin guard, senders.

Importing this package imports neither library; each is imported when it is asked for by name.
"""

from __future__ import annotations

from pytest_apiauth.http.clients import Auth, build_async_client, build_client, fetch_token
from pytest_apiauth.http.guard import Guard
from pytest_apiauth.http.library import Library, LibraryError, library
from pytest_apiauth.http.senders import Sender
from pytest_apiauth.http.translation import NotSendable
from pytest_apiauth.http.transports import AsyncEmbeddedTransport, Connector, EmbeddedTransport, InProcess, Network

__all__ = [
    "AsyncEmbeddedTransport",
    "Auth",
    "Connector",
    "EmbeddedTransport",
    "Guard",
    "InProcess",
    "Library",
    "LibraryError",
    "Network",
    "NotSendable",
    "Sender",
    "build_async_client",
    "build_client",
    "fetch_token",
    "library",
]

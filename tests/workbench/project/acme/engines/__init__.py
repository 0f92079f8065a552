"""What sends requests: one HTTP library or another behind one small face."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol


class Unreachable(Exception):
    """No answer came: no connection, no answer in time, half an answer."""


@dataclass(frozen=True)
class Answer:
    """What came back; names of header fields are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return what the body says. Raises ValueError if it is no JSON."""
        return json.loads(self.body)


class Engine(Protocol):
    """Sends one request."""

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Return the answer. Raises Unreachable if none comes."""

    def close(self) -> None:
        """Close the connections."""


def engine_named(name: str) -> Engine:
    """Return the engine on a library: httpx, httpx2, requests or aiohttp."""
    engine: Engine = import_module(f"acme.engines.on_{name}").Engine()
    return engine

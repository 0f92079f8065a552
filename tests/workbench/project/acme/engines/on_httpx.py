"""On httpx."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from acme.engines import Answer, Unreachable


class Engine:
    """Keeps one client."""

    def __init__(self) -> None:
        self._client = httpx.Client(timeout=10)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        try:
            found = self._client.request(method, url, headers=dict(headers), content=body)
        except httpx.TransportError as error:
            raise Unreachable(str(error)) from error
        return Answer(found.status_code, dict(found.headers), found.content)

    def close(self) -> None:
        self._client.close()

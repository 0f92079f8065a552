"""On aiohttp, which needs a loop: it has one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from acme.engines import Answer, Unreachable


class Engine:
    """Keeps one loop and one session."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._session = self._runner.run(self._opened())

    async def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def _sent(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        async with self._session.request(method, url, headers=headers, data=body) as found:
            lines = {name.lower(): value for name, value in found.headers.items()}
            return Answer(found.status, lines, await found.read())

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        try:
            return self._runner.run(self._sent(method, url, headers, body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(str(error)) from error

    def close(self) -> None:
        self._runner.run(self._session.close())
        self._runner.close()

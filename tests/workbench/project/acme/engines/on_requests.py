"""On requests."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from acme.engines import Answer, Unreachable


class Engine:
    """Keeps one session."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        try:
            found = self._session.request(method, url, headers=headers, data=body, timeout=10)
        except requests.RequestException as error:
            raise Unreachable(str(error)) from error
        return Answer(found.status_code, {name.lower(): value for name, value in found.headers.items()}, found.content)

    def close(self) -> None:
        self._session.close()

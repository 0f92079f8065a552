"""What every API's client does: tokens, retries, pages, errors."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

from acme.engines import Answer, Engine, Unreachable

BUSY = (429, 502, 503, 504)
ATTEMPTS = 3
LONGEST = 120.0
"""Seconds that a server may ask a client to wait."""


class ApiError(Exception):
    """An answer that nobody had hoped for."""


class NotFound(ApiError):
    """There is no such thing."""


class LoginFailed(ApiError):
    """No token, or none that the API takes."""


class Invalid(ApiError):
    """What was sent is wrong, by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


class Client(ABC):
    """Asks one API; a subclass says how it gets a token.

    ``sleep`` waits some seconds, ``now`` is the time in seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        url: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._url = engine, url.rstrip("/")
        self._sleep, self._now = sleep, now
        self._token, self._ends = "", 0.0
        self._refresh_token = ""

    # What a subclass says

    @abstractmethod
    def token_request(self) -> tuple[str, dict[str, str], bytes]:
        """Return URL, header fields and body of the request for a new token."""

    def refresh_request(self, refresh_token: str) -> tuple[str, dict[str, str], bytes] | None:
        """Return the request that renews a token, if there is one that can."""
        return None

    def key_headers(self) -> dict[str, str]:
        """Return what else every request carries."""
        return {}

    # What a user asks

    def get(self, path: str, **parameters: object) -> Any:
        """Return what a GET answers. Raises NotFound, LoginFailed, ApiError, Unreachable."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self._asked("GET", path + query).json()

    def create(self, path: str, body: Mapping[str, object]) -> Any:
        """Create something. Raises Invalid, and what `get` raises."""
        return self._asked("POST", path, json.dumps(body).encode()).json()

    def pages(self, path: str, size: int = 50) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        page, seen = 1, 0
        while True:
            found = self.get(path, page=page, size=size)
            yield from found["items"]
            seen += len(found["items"])
            if not found["items"] or seen >= found["total"]:
                return
            page += 1

    # How it is asked

    def _asked(self, method: str, path: str, body: bytes | None = None) -> Answer:
        answer = self._sent(method, path, body)
        if answer.status == 401:
            # Revoked, or the server's clock is ahead of ours: once more with a new token.
            self._token = ""
            answer = self._sent(method, path, body)
        if answer.status in (401, 403):
            raise LoginFailed(f"{method} {path}: {answer.status}")
        if answer.status == 404:
            raise NotFound(path)
        if answer.status == 422:
            raise Invalid(answer.json()["errors"])
        if not 200 <= answer.status < 300:
            raise ApiError(f"{method} {path}: {answer.status}")
        return answer

    def _sent(self, method: str, path: str, body: bytes | None) -> Answer:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.token()}", **self.key_headers()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self._patiently(method, self._url + path, headers, body)

    def token(self) -> str:
        """Return a token that lives, a new one if need be. Raises LoginFailed or Unreachable."""
        if self._token and self._now() < self._ends:
            return self._token
        renewing = self.refresh_request(self._refresh_token)
        answer = None if renewing is None else self._patiently("POST", *renewing)
        if answer is None or answer.status == 400:
            answer = self._patiently("POST", *self.token_request())
        try:
            members = answer.json()
        except ValueError:
            raise LoginFailed(f"the token endpoint answered {answer.status} without JSON") from None
        if answer.status != 200:
            raise LoginFailed(f"{answer.status}: {members.get('error', 'no error code')}")
        self._token = str(members["access_token"])
        self._ends = self._now() + members.get("expires_in", 60) - 10
        self._refresh_token = members.get("refresh_token", self._refresh_token)
        return self._token

    def _patiently(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Send, again where the server asks for it; what creates something is not sent twice for want of an answer."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._engine.send(method, url, headers=headers, body=body)
            except Unreachable:
                if method != "GET" or attempt == ATTEMPTS:
                    raise
                self._sleep(attempt)
                continue
            if answer.status not in BUSY or attempt == ATTEMPTS:
                return answer
            self._sleep(min(self._wait(answer, attempt), LONGEST))

    def _wait(self, answer: Answer, attempt: int) -> float:
        """Return the seconds that an answer asks to wait: a number, or a date (RFC 9110 10.2.3)."""
        asked = answer.headers.get("retry-after", "")
        if asked.isdigit():
            return float(asked)
        if asked:
            return max(0.0, (parsedate_to_datetime(asked) - datetime.fromtimestamp(self._now(), UTC)).total_seconds())
        return float(attempt)

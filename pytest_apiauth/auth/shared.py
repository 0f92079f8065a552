"""What the workers of one pytest-xdist run share: a locked file, and in it one token for all of them.

The file lies in the run's own temporary folder, which only this user can enter and which the controller removes
at the end. Without workers there is no such folder, and nothing is written.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_apiauth.auth.tokens import Clock, Flight, Token, TokenStore
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import ApiAuthError, TokenError
from pytest_apiauth.whole import PRIVATE, write_whole

LOCK_LIMIT = 120.0
"""Seconds to wait for another worker that is fetching the token."""
LONGEST_TURN = 600.0
"""Seconds to wait for another worker with anything else: finding out whether a slow API is ready, at most."""


class SharedFile:
    """A small text that several processes read and replace, readable by this user only.

    Raises ApiAuthError, one line, if the disk does not do what it should, or somebody keeps the lock for too long.
    """

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self._path = path
        # Whoever gets a lock may give it back in another thread: a task that was cancelled, say.
        self._mutex = threading.Lock()
        self._lock = FileLock(f"{path}.lock", mode=0o600, thread_local=False)

    def acquire(self, seconds: float = -1) -> bool:
        """Take the lock, waiting for so many seconds at most; False if somebody else keeps it."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        except OSError as error:
            raise self._trouble(error) from None
        return True

    def release(self) -> None:
        """Let go of the lock."""
        self._lock.release()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock."""
        # The lock counts for processes; threads of this one would share it.
        with self._mutex:
            if not self.acquire(LONGEST_TURN):
                raise ApiAuthError(
                    f"another worker of this run has been at work for {LONGEST_TURN:.0f} seconds with what all of them"
                    " wait for; end it, or run without -n"
                )
            try:
                yield
            finally:
                self.release()

    def read(self) -> str:
        """Return the text; empty if none was written yet."""
        try:
            return self._path.read_text("utf-8") if self._path.exists() else ""
        except OSError as error:
            raise self._trouble(error) from None

    def write(self, text: str) -> None:
        """Put another text in its place, at once."""
        try:
            write_whole(self._path, text, mode=PRIVATE)
        except OSError as error:
            raise self._trouble(error) from None

    def _trouble(self, error: OSError) -> ApiAuthError:
        why = error.strerror or type(error).__name__
        return ApiAuthError(f"{self._path.parent}: what the workers of this run share has no place there: {why}")


class SharedTokenStore(TokenStore):
    """A store that asks the token endpoint once for all workers of a run.

    Within a process it is a `TokenStore`. Whoever leads takes the file's lock first, and finds there what another
    worker has got meanwhile. An asynchronous leader blocks its event loop for as long as that takes: the worker
    that holds the lock is another process, so it gets on.
    """

    def __init__(self, clock: Clock, leeway: float, file: SharedFile, redactor: Redactor) -> None:
        super().__init__(clock, leeway)
        self._file = file
        self._redactor = redactor
        self._led: Flight | None = None

    def board(self) -> tuple[Flight, bool] | Token:
        """Return a fresh token, of this worker or another, or a flight and whether the caller leads it.

        Raises TokenError if another worker holds the lock for too long.
        """
        boarded = super().board()
        if isinstance(boarded, Token) or not boarded[1]:
            return boarded
        flight, _ = boarded
        try:
            if not self._file.acquire(LOCK_LIMIT):
                raise TokenError(f"another worker of this run has been fetching the token for {LOCK_LIMIT:.0f} seconds")
            self._led = flight
            found = self._read()
        except ApiAuthError as error:
            self.fail(flight, error)
            raise
        # What this worker was refused is no news; a token that is stale still brings the newest refresh token.
        if found is not None and (self.latest is None or found.access_token != self.latest.access_token):
            self.keep(found)
        token = self.fresh()
        if token is None:
            return flight, True
        self._give_back(flight)
        super().land(flight, token)
        return token

    def land(self, flight: Flight, token: Token) -> None:
        """End a flight with a token, and share it."""
        if self._led is flight:
            try:
                self._file.write(_dumped(token))
            except ApiAuthError as error:
                self.fail(flight, error)
                raise
        self._give_back(flight)
        super().land(flight, token)

    def fail(self, flight: Flight, error: Exception) -> None:
        """End a flight with a failure."""
        self._give_back(flight)
        super().fail(flight, error)

    def abandon(self, flight: Flight) -> None:
        """End a flight whose leader was cancelled."""
        self._give_back(flight)
        super().abandon(flight)

    def _give_back(self, flight: Flight) -> None:
        if self._led is flight:
            self._led = None
            self._file.release()

    def _read(self) -> Token | None:
        text = self._file.read()
        if not text:
            return None
        found = json.loads(text)
        for name in ("access_token", "refresh_token"):
            if found[name] is not None:
                found[name] = Secret(found[name], name)
                self._redactor.learn(found[name])
        return Token(**found)


def _dumped(token: Token) -> str:
    refresh = token.refresh_token
    return json.dumps(
        {
            "access_token": token.access_token.reveal(),
            "token_type": token.token_type,
            "expires_at": token.expires_at,
            "refresh_token": None if refresh is None else refresh.reveal(),
            "scope": token.scope,
            "grant": token.grant,
            "issued_at": token.issued_at,
            "prefix": token.prefix,
        }
    )

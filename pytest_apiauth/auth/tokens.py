"""Token, clock, and the store that fetches each token once, however many ask for it.

Theory of operation. A `TokenStore` holds the current token of one credential. Reading a fresh token takes
no lock. Where there is none, callers *board*: the first one leads, which means that it does the I/O, and
all who come while it is under way are handed its `Flight` to wait for. A flight ends in one of three ways:

- it lands: the token is stored, and every waiter gets it;
- it fails with an exception: every waiter gets the same failure, since a second try would only repeat it;
- it is abandoned, because the leader was cancelled or closed: that says nothing about the token endpoint,
  so the waiters board again and one of them leads.

What must never happen: the mutex is held during I/O (it guards a few assignments); two flights of one
store are under way at once; a token that is known to be refused comes back out. Threads, asyncio and trio
tasks may share one store, since a flight wakes each waiter in the way that suits it.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import TokenError
from pytest_apiauth.profile.kinds import BEARER


class Clock(Protocol):
    """Where the time comes from; tests and the embedded server bring their own."""

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time()


@dataclass(frozen=True, slots=True)
class Token:
    """An issued access token with what came beside it (RFC 6749 5.1).

    Example::

        def test_token(apiauth_token):
            headers = {"Authorization": f"Bearer {apiauth_token.access_token.reveal()}"}
    """

    access_token: Secret
    token_type: str
    expires_at: float | None
    refresh_token: Secret | None
    scope: str | None
    grant: str
    issued_at: float

    prefix: str = field(default=BEARER.prefix, repr=False)
    """What stands before the token where it travels."""

    @property
    def authorization(self) -> str:
        """The value of the header field ``Authorization``, in clear, for a client that is not one of the fixtures::

            httpx.get(url, headers={"Authorization": apiauth_token.authorization})

        It begins with the word that the profile's ``[bearer]`` names; if the token travels elsewhere it is what stands
        there. Of the token alone ``access_token.reveal()`` is the text.
        """
        return f"{self.prefix}{self.access_token.reveal()}"

    def is_fresh(self, now: float, leeway: float) -> bool:
        """Whether the token has more than ``leeway`` seconds to live; one without an end always is.

        A token that lives for less than twice the leeway is renewed at half its life, since otherwise it
        would be stale the moment it is issued.
        """
        return now < self.stale_at(leeway)

    def stale_at(self, leeway: float) -> float:
        """Return the time from which the token is to be renewed."""
        if self.expires_at is None:
            return math.inf
        return self.expires_at - min(leeway, (self.expires_at - self.issued_at) / 2)


class Flight:
    """One attempt to get a token, led by one caller and waited for by any number."""

    __slots__ = ("_future", "_leader")

    def __init__(self) -> None:
        # The outcome: a token, an exception, or None if the leader gave up.
        self._future: Future[Token | None] = Future()
        self._leader = threading.get_ident()

    @property
    def is_over(self) -> bool:
        """Whether the flight has landed, failed or been abandoned."""
        return self._future.done()

    def result(self) -> Token | None:
        """Return the token of a flight that is over, or None if its leader gave up.

        Raises what the leader's attempt raised.
        """
        return self._future.result(timeout=0)

    def wait(self) -> None:
        """Block this thread until the flight is over.

        Raises TokenError if that would be for ever: the leader is a suspended task of this very thread.
        """
        if not self.is_over and self._leader == threading.get_ident():
            raise TokenError(
                "a blocking client waits for a token that a task of the same event loop is fetching;"
                " use the asynchronous client inside async code"
            )
        # Not the result: a failure is for `result` to raise, where the flow expects it.
        self._future.exception()

    async def wait_async(self) -> None:
        """Suspend this task, of asyncio or trio, until the flight is over, without a thread to wait in."""
        await wait_for(self._future)

    def end(self, outcome: Token | Exception | None) -> None:
        """End the flight and wake everybody; for `TokenStore` alone to call."""
        if isinstance(outcome, Exception):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)


async def wait_for(future: Future[Any]) -> None:
    """Suspend this task, of asyncio or trio, until a future of another thread is done."""
    if future.done():
        return
    trio = sys.modules.get("trio")
    if trio is not None and _runs_in(trio):
        event = trio.Event()
        token = trio.lowlevel.current_trio_token()
        _call_when_done(future, lambda: token.run_sync_soon(event.set))
        await event.wait()
        return
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    _call_when_done(future, lambda: loop.call_soon_threadsafe(_release, waiter))
    await waiter


def _call_when_done(future: Future[Any], wake: Callable[[], object]) -> None:
    def call(_: object) -> None:
        # The waiter's loop may have ended before the future: then nobody waits any more.
        with suppress(RuntimeError):
            wake()

    future.add_done_callback(call)


def _runs_in(trio: object) -> bool:
    """Whether the caller is a trio task. RunFinishedError and the like are RuntimeErrors."""
    try:
        trio.lowlevel.current_task()  # type: ignore[attr-defined]
    except RuntimeError:
        return False
    return True


def _release(waiter: asyncio.Future[None]) -> None:
    # A waiter that was cancelled meanwhile is done already.
    if not waiter.done():
        waiter.set_result(None)


class TokenStore:
    """Holds the current token of one credential, for synchronous and asynchronous clients alike.

    A flow that needs a token calls `fresh`; if that gives None it calls `board`, and if it leads it ends
    the flight with `land`, `fail` or `abandon`.
    """

    def __init__(self, clock: Clock, leeway: float) -> None:
        self.clock = clock
        self.leeway = leeway
        # The token and when it is to be renewed, in one tuple, so that a reader without the mutex sees a pair.
        self._current: tuple[Token | None, float] = (None, -math.inf)
        self._flight: Flight | None = None
        # Reentrant, because the garbage collector may close an abandoned leader at any allocation,
        # and so call `abandon` inside one of the few lines below.
        self._mutex = threading.RLock()

    @property
    def latest(self) -> Token | None:
        """The token last stored, fresh or not; its refresh token may still be good."""
        return self._current[0]

    def fresh(self) -> Token | None:
        """Return the token if it may be used now. Takes no lock: this is the way of nearly every request."""
        token, stale_at = self._current
        return token if token is not None and self.clock.now() < stale_at else None

    def refuse(self, token: Token) -> None:
        """Take note that a server has refused this token. Does nothing if a newer one is stored already."""
        with self._mutex:
            if self._current[0] is token:
                self._current = (token, -math.inf)

    def keep(self, token: Token | None) -> None:
        """Store a token that was got elsewhere, or forget the one that is held."""
        with self._mutex:
            self._current = (token, -math.inf if token is None else token.stale_at(self.leeway))

    def board(self) -> tuple[Flight, bool] | Token:
        """Return a token that has become fresh meanwhile, or a flight and whether the caller leads it."""
        with self._mutex:
            token = self.fresh()
            if token is not None:
                return token
            if self._flight is not None:
                return self._flight, False
            self._flight = Flight()
            return self._flight, True

    def land(self, flight: Flight, token: Token) -> None:
        """End a flight with a token."""
        with self._mutex:
            self.keep(token)
            self._clear(flight)
        flight.end(token)

    def fail(self, flight: Flight, error: Exception) -> None:
        """End a flight with a failure that every waiter shares."""
        self._clear(flight)
        flight.end(error)

    def abandon(self, flight: Flight) -> None:
        """End a flight whose leader was cancelled, so that one of those who wait takes over."""
        self._clear(flight)
        flight.end(None)

    def _clear(self, flight: Flight) -> None:
        # A flight is ended only after this, outside the mutex: waking a waiter runs code of its event loop.
        with self._mutex:
            if self._flight is flight:
                self._flight = None

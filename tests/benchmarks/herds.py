"""What many callers do to a token endpoint at the same moment: without a token, and with one that has expired.

Counts, taken at a server of another process whose token endpoint takes 50 ms: they do not depend on the machine.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import rebased
from pytest_apiauth.http import Network, build_async_client, build_client
from pytest_apiauth.profile import loading

from . import peers
from .figures import NOT_INSTALLED, Measured, Plan, Value
from .server import Counting, serving

THREADS: Final = 50
TASKS: Final = 200
IN_THREADS: Final = ("httpx_auth", "authlib", "requests_oauth2client")
IN_TASKS: Final = ("httpx_auth", "authlib")
PATH: Final = "/user/me"


@dataclass(slots=True)
class Clock:
    """The time, which can be moved."""

    moved: float = 0.0

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return time.time() + self.moved


@dataclass(slots=True)
class Caller:
    """A client that several callers share: what a call does, and how its token is made to expire."""

    call: Callable[[], Any]
    expire: Callable[[], object] = field(default=lambda: None)


def _ours(url: str, *, is_async: bool) -> Caller:
    redactor, clock = Redactor(), Clock()
    embedded = Server(loading.load(loading.builtin_profiles()["jindexe"]), redactor=redactor)
    profile = rebased(embedded.profile, url)
    store = TokenStore(clock, 30)
    authenticator = Authenticator(profile, Identities(profile, embedded.lookup, redactor), store, redactor)
    build = build_async_client if is_async else build_client
    client: Any = build(profile, Network("httpx"), redactor, authenticator=authenticator)

    def expire() -> None:
        clock.moved += 2 * 86400

    return Caller(lambda: client.get(PATH), expire)


def _httpx_auth(url: str, *, is_async: bool) -> Caller | None:
    import httpx

    auth = peers.httpx_auth_of_user(url + "/token")
    if auth is None:
        return None
    client: Any = (httpx.AsyncClient if is_async else httpx.Client)(base_url=url, auth=auth)

    def expire() -> None:
        tokens = peers.found("httpx_auth").OAuth2.token_cache.tokens
        bearer, _, refresh = tokens[auth.state]
        tokens[auth.state] = (bearer, 0, refresh)

    return Caller(lambda: client.get(PATH), expire)


def _authlib(url: str, *, is_async: bool) -> Caller | None:
    module = peers.authlib("httpx")
    if module is None:
        return None
    kind = module.AsyncOAuth2Client if is_async else module.OAuth2Client
    client = kind(peers.CLIENT_ID, peers.CLIENT_SECRET, token_endpoint=url + "/token", base_url=url)
    asked = {"grant_type": "password", "username": peers.USER, "password": peers.CLIENT_SECRET}

    def call() -> Any:
        if not client.token:
            client.fetch_token(**asked)
        return client.get(PATH)

    async def call_async() -> Any:
        if not client.token:
            await client.fetch_token(**asked)
        return await client.get(PATH)

    def expire() -> None:
        client.token["expires_at"] = 1

    return Caller(call_async if is_async else call, expire)


def _requests_oauth2client(url: str) -> Caller | None:
    module, requests = peers.found("requests_oauth2client"), peers.found("requests")
    if module is None:
        return None
    # Testing is what it calls a token endpoint without TLS.
    asked = module.OAuth2Client(
        url + "/token", client_id=peers.CLIENT_ID, client_secret=peers.CLIENT_SECRET, testing=True
    )
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=THREADS))
    auth = module.OAuth2ResourceOwnerPasswordAuth(asked, username=peers.USER, password=peers.CLIENT_SECRET)
    session.auth = auth

    def expire() -> None:
        kept = auth.token
        stale = module.BearerToken(
            kept.access_token, refresh_token=kept.refresh_token, expires_at=datetime.fromtimestamp(1, UTC)
        )
        session.auth = module.OAuth2AccessTokenAuth(asked, stale)

    return Caller(lambda: session.get(url + PATH), expire)


def callers(url: str, *, is_async: bool) -> dict[str, Caller | None]:
    """Return our client and those of peers, each with a user's password; None stands for what is not installed."""
    made: dict[str, Caller | None] = {
        "ours": _ours(url, is_async=is_async),
        "httpx_auth": _httpx_auth(url, is_async=is_async),
        "authlib": _authlib(url, is_async=is_async),
    }
    return made if is_async else {**made, "requests_oauth2client": _requests_oauth2client(url)}


def _in_threads(call: Callable[[], Any], count: int = THREADS) -> int:
    """Call at the same moment in so many threads, and return how many calls failed."""
    gate, failed = threading.Barrier(count), []

    def one() -> None:
        gate.wait()
        try:
            ok = call().status_code == 200
        except Exception:
            ok = False
        if not ok:
            failed.append(1)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(failed)


async def in_tasks(call: Callable[[], Awaitable[Any]], count: int) -> int:
    """Call at the same moment in so many tasks, and return how many calls failed."""
    answers = await asyncio.gather(*(call() for _ in range(count)), return_exceptions=True)
    return sum(isinstance(answer, BaseException) or answer.status_code != 200 for answer in answers)


def cold_threads(plan: Plan) -> Measured:
    """Token requests when 50 threads start at once without a token."""
    with serving() as server:
        return _in_words(_each(server, _cold, callers(server.url, is_async=False)))


def cold_tasks(plan: Plan) -> Measured:
    """Token requests when 200 tasks start at once without a token."""
    with serving() as server:
        return _in_words(_each(server, _cold_async, callers(server.url, is_async=True)))


def expired_threads(plan: Plan) -> Measured:
    """Refreshes when 50 threads meet a token that has expired, under strict rotation."""
    return _in_words(_threads_that_met_an_end())


def failed_threads(plan: Plan) -> Measured:
    """Calls that failed among those of the 50 threads."""
    return _in_words(_threads_that_met_an_end(), failed=True)


def expired_tasks(plan: Plan) -> Measured:
    """Refreshes when 50 tasks meet a token that has expired, under strict rotation."""
    return _in_words(_tasks_that_met_an_end())


def failed_tasks(plan: Plan) -> Measured:
    """Calls that failed among those of the 50 tasks."""
    return _in_words(_tasks_that_met_an_end(), failed=True)


@cache
def _threads_that_met_an_end() -> dict[str, _Came | None]:
    with serving() as server:
        return _each(server, _expired, callers(server.url, is_async=False))


@cache
def _tasks_that_met_an_end() -> dict[str, _Came | None]:
    with serving() as server:
        return _each(server, _expired_async, callers(server.url, is_async=True))


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of a herd: token requests of the kind that is looked for, failed calls, and logins beside."""

    requests: int
    failed: int
    logins: int = 0

    def __str__(self) -> str:
        words = [f"{self.failed} calls failed"] if self.failed else []
        return ", ".join([*words, *([f"and {self.logins} logins"] if self.logins else [])])


def _each(
    server: Counting, measure: Callable[[Counting, Caller], _Came], made: dict[str, Caller | None]
) -> dict[str, _Came | None]:
    found: dict[str, _Came | None] = {}
    for name, caller in made.items():
        server.reset()
        found[name] = None if caller is None else measure(server, caller)
    return found


def _in_words(found: dict[str, _Came | None], *, failed: bool = False) -> Measured:
    told: dict[str, Value | str] = {}
    for name, came in found.items():
        if came is None:
            told[name] = NOT_INSTALLED
        else:
            told[name] = Value(came.failed) if failed else Value(came.requests, beside=str(came))
    ours = told.pop("ours")
    assert isinstance(ours, Value)
    return Measured(ours, None, told)


def _cold(server: Counting, caller: Caller) -> _Came:
    failed = _in_threads(caller.call)
    return _Came(server.counts().token_requests, failed)


def _cold_async(server: Counting, caller: Caller) -> _Came:
    failed = asyncio.run(in_tasks(caller.call, TASKS))
    return _Came(server.counts().token_requests, failed)


def _expired(server: Counting, caller: Caller) -> _Came:
    assert caller.call().status_code == 200
    caller.expire()
    server.expire()
    return _refreshed(server, _in_threads(caller.call))


def _expired_async(server: Counting, caller: Caller) -> _Came:
    async def herd() -> int:
        assert (await caller.call()).status_code == 200
        caller.expire()
        server.expire()
        return await in_tasks(caller.call, THREADS)

    return _refreshed(server, asyncio.run(herd()))


def _refreshed(server: Counting, failed: int) -> _Came:
    counts = server.counts()
    return _Came(counts.refreshes, failed, counts.token_requests - counts.refreshes - 1)

"""The token store: freshness, one flight at a time, and how a flight wakes those who wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.auth.tokens import Flight, SystemClock, Token, TokenStore
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import TokenError
from tests.shop import ManualClock


def token(value: str = "token-1", *, issued_at: float = 1000.0, expires_at: float | None = None) -> Token:
    """Make a token."""
    return Token(Secret(value, "shop.access_token"), "Bearer", expires_at, None, None, "password", issued_at)


def leading(store: TokenStore) -> Flight:
    """Board as the first, and give the flight."""
    boarded = store.board()
    assert not isinstance(boarded, Token)
    flight, leads = boarded
    assert leads
    return flight


@pytest.fixture
def clock() -> ManualClock:
    """A clock at 1000."""
    return ManualClock(1000.0)


@pytest.fixture
def store(clock: ManualClock) -> TokenStore:
    """An empty store."""
    return TokenStore(clock, leeway=30)


@pytest.mark.parametrize(
    ("now", "is_fresh"), [(1000, True), (4569.9, True), (4570, False), (4600, False), (9000, False)]
)
def test_a_token_is_stale_one_leeway_before_its_end(now: float, is_fresh: bool) -> None:
    """A token is renewed before the server refuses it."""
    assert token(expires_at=4600.0).is_fresh(now, 30) is is_fresh


def test_a_token_without_an_end_stays_fresh() -> None:
    """Where nobody says when a token ends, only a refusal shows it."""
    assert token(expires_at=None).is_fresh(1e12, 30)


@given(st.floats(min_value=1e-3, max_value=1e9), st.integers(min_value=0, max_value=10**6))
def test_every_token_is_fresh_when_it_is_issued(life: float, leeway: int) -> None:
    """No leeway makes a token stale at birth, or each request would ask for another one."""
    assert token(expires_at=1000.0 + life).is_fresh(1000.0, leeway)


@given(st.floats(min_value=0, max_value=1e9), st.integers(min_value=0, max_value=10**6))
def test_no_token_is_fresh_at_its_end(life: float, leeway: int) -> None:
    """Whatever the leeway, a token is never used at or after its end."""
    assert not token(expires_at=1000.0 + life).is_fresh(1000.0 + life, leeway)


def test_the_system_clock_goes_forward() -> None:
    """The default clock tells the time since the epoch."""
    assert 1.6e9 < SystemClock().now() < 1e11


def test_a_token_does_not_print_itself() -> None:
    """The repr of a token shows no secret."""
    assert "hidden-value" not in repr(token("hidden-value"))


def test_the_first_who_boards_leads_and_the_others_wait(store: TokenStore) -> None:
    """There is one flight at a time."""
    flight = leading(store)

    assert store.board() == (flight, False)
    assert store.board() == (flight, False)


def test_a_flight_that_lands_leaves_its_token(store: TokenStore) -> None:
    """After landing, the token is fresh and the flight gives it to those who waited."""
    flight = leading(store)
    store.land(flight, token())

    assert store.fresh() is flight.result() is store.board() is store.latest


def test_a_failed_flight_fails_for_all_and_the_next_one_may_try(store: TokenStore) -> None:
    """Those who waited get the failure; who comes later leads a new flight."""
    flight = leading(store)
    store.fail(flight, TokenError("shop: no"))

    for _ in range(2):
        with pytest.raises(TokenError, match="shop: no"):
            flight.result()
    assert leading(store) is not flight


def test_an_abandoned_flight_says_nothing(store: TokenStore) -> None:
    """A cancelled leader leaves neither token nor failure, so that another one may lead."""
    flight = leading(store)
    store.abandon(flight)

    assert flight.result() is None
    assert leading(store) is not flight


def test_a_refused_token_is_not_given_out_again(store: TokenStore) -> None:
    """A token that a server refused is stale whatever the clock says, but its refresh token is kept."""
    old = token()
    store.keep(old)
    store.refuse(old)

    assert store.fresh() is None
    assert store.latest is old


def test_a_late_refusal_does_not_hurt_the_new_token(store: TokenStore) -> None:
    """A refusal of the old token that arrives after the renewal changes nothing."""
    old, new = token("token-1"), token("token-2")
    store.keep(new)
    store.refuse(old)

    assert store.fresh() is new


def test_a_stale_token_is_not_given_out(store: TokenStore, clock: ManualClock) -> None:
    """Time alone makes a token stale."""
    store.keep(token(expires_at=1100.0))
    clock.advance(90)

    assert store.fresh() is None


class _Forbidden:
    def __enter__(self) -> None:
        raise AssertionError("the mutex was taken")

    def __exit__(self, *_: object) -> None:
        raise AssertionError("the mutex was taken")


def test_a_cached_token_takes_no_lock(store: TokenStore) -> None:
    """The way of nearly every request is one without a lock."""
    store.keep(token())
    store._mutex = _Forbidden()  # type: ignore[assignment]

    assert store.fresh() is not None


def test_threads_wait_for_a_flight(store: TokenStore) -> None:
    """Each waiting thread is woken when the flight lands."""
    flight = leading(store)
    given: list[Token | None] = []

    def wait() -> None:
        flight.wait()
        given.append(flight.result())

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    store.land(flight, token())
    for thread in threads:
        thread.join(10)

    assert [store.fresh()] * 5 == given


def test_waiting_for_oneself_is_an_error(store: TokenStore) -> None:
    """A wait that could never end says so instead of hanging."""
    flight = leading(store)

    with pytest.raises(TokenError, match="use the asynchronous client"):
        flight.wait()


def test_waiting_for_a_flight_that_is_over_returns_at_once(store: TokenStore) -> None:
    """Nobody waits for what has happened, not even the leader."""
    flight = leading(store)
    store.fail(flight, TokenError("no"))
    flight.wait()
    asyncio.run(flight.wait_async())

    assert flight.is_over


def from_another_thread(act: Callable[[], None]) -> None:
    """Run something in a thread and wait for its end."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(10)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_wait_for_a_flight_that_a_thread_lands(store: TokenStore, backend: str) -> None:
    """Tasks of asyncio and of trio are woken from another thread, and the loop runs on while they wait."""
    pytest.importorskip(backend)
    flight = leading(store)
    given: list[Token | None] = []

    async def wait() -> None:
        await flight.wait_async()
        given.append(flight.result())

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert given == []
            from_another_thread(lambda: store.land(flight, token()))

    anyio.run(main, backend=backend)

    assert [store.fresh()] * 5 == given


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_waiter_that_gave_up_is_not_missed(store: TokenStore, backend: str, caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled waiter, or one whose loop has ended, does not keep the flight from landing, nor leave a trace."""
    pytest.importorskip(backend)
    flight = leading(store)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flight.wait_async)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    store.land(flight, token())

    assert store.fresh() is not None
    assert caplog.records == []


def test_a_flight_landing_while_its_waiter_is_cancelled_is_no_error(store: TokenStore) -> None:
    """Landing and cancelling in the same turn of the loop leaves no trace."""
    flight = leading(store)
    troubles: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: troubles.append(context))
        waiter = asyncio.ensure_future(flight.wait_async())
        await anyio.wait_all_tasks_blocked()
        store.land(flight, token())
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    asyncio.run(main())

    assert troubles == []


def test_a_leader_closed_by_the_garbage_collector_does_not_block(store: TokenStore) -> None:
    """The mutex lets its own thread in again: a flight may be abandoned at any allocation."""
    flight = leading(store)
    with store._mutex:
        store.abandon(flight)

    assert flight.is_over

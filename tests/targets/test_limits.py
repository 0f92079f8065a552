"""Pace, budget and bounds of a live run, and the files that workers share."""

from __future__ import annotations

import datetime
import os
import stat
import threading
from email.utils import format_datetime
from pathlib import Path

import pytest

from pytest_apiauth.auth.shared import SharedFile, SharedTokenStore
from pytest_apiauth.auth.tokens import Flight, Token
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import ApiAuthError, BudgetError, TokenError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.guesses import SOMEBODY, wrong_passwords
from pytest_apiauth.targets.limits import LONGEST_WAIT, PATIENCE, Book, Limits, MemoryBook, SharedBook, Throttle
from pytest_apiauth.targets.retries import retry_after
from tests.shop import ManualClock


class Time:
    """A clock that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Give the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture(params=["memory", "file"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    """A book of each kind."""
    return MemoryBook() if request.param == "memory" else SharedBook(SharedFile(tmp_path / "book"))


def throttle(book: Book, time: Time, *, rate: float | None = None, budget: int = 100, guesses: int = 3) -> Throttle:
    """Make a throttle with a time of its own."""
    return Throttle("shop", Limits(rate, budget, guesses), book, now=time)


def test_the_pace_is_kept_however_many_ask(book: Book) -> None:
    """Two that share a book stand in one line: at four a second, nine requests take two seconds."""
    time = Time()
    one, other = throttle(book, time, rate=4), throttle(book, time, rate=4)
    for turn in range(9):
        time.sleep((one, other)[turn % 2].turn())
    assert time.now == pytest.approx(102.0)
    assert one.sent == other.sent == 9


def test_a_pause_is_not_made_up_for(book: Book) -> None:
    """After a pause requests do not leave in a burst."""
    time = Time()
    throttled = throttle(book, time, rate=2)
    throttled.turn()
    time.sleep(60)
    assert [throttled.turn() for _ in range(3)] == pytest.approx([0, 0.5, 1.0])


def test_without_a_rate_nobody_waits(book: Book) -> None:
    """No pace, no waiting."""
    time = Time()
    throttled = throttle(book, time)
    assert [throttled.turn() for _ in range(5)] == [0] * 5


def test_a_spent_budget_is_an_error_in_one_line(book: Book) -> None:
    """What goes beyond the budget does not leave, and the message says what to do."""
    time = Time()
    one, other = throttle(book, time, budget=3), throttle(book, time, budget=3)
    for throttled in (one, other, one):
        throttled.turn()
    with pytest.raises(BudgetError, match=r"^shop: the budget of 3 requests is spent; raise --apiauth-max-requests"):
        other.turn()
    assert one.sent == 3


def test_a_server_that_asks_for_time_gets_it(book: Book) -> None:
    """Nothing leaves before the time that Retry-After names, whoever asks."""
    time = Time()
    one, other = throttle(book, time), throttle(book, time)
    assert one.hold(7)
    assert other.turn() == pytest.approx(7)


def test_patience_has_an_end(book: Book) -> None:
    """Neither one long wait nor many short ones hold a run up for ever."""
    throttled = throttle(book, Time())
    assert not throttled.hold(LONGEST_WAIT + 1)
    assert all(throttled.hold(LONGEST_WAIT) for _ in range(int(PATIENCE / LONGEST_WAIT)))
    assert not throttled.hold(1)


def test_wrong_passwords_are_counted_by_user(book: Book) -> None:
    """One user's bound is not another's."""
    time = Time()
    one, other = throttle(book, time), throttle(book, time)
    assert [throttled.guess("alice") for throttled in (one, other, one, other)] == [True, True, True, False]
    assert one.guess("bob")


def test_a_shared_file_is_this_users_own(tmp_path: Path) -> None:
    """Nobody else may read it, nor its lock; and no half-written file is ever seen."""
    file = SharedFile(tmp_path / "token")
    with file.locked():
        file.write("one")
        file.write("two")
    assert file.read() == "two"
    assert {path.name for path in tmp_path.iterdir()} == {"token", "token.lock"}
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_lock_holds_for_threads_too(tmp_path: Path) -> None:
    """Requests of several threads are all counted."""
    book = SharedBook(SharedFile(tmp_path / "book"))
    throttled = throttle(book, Time(), budget=1000)
    threads = [threading.Thread(target=lambda: [throttled.turn() for _ in range(10)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert throttled.sent == 50


# Retry-After


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [(429, "3", 3.0), (503, " 120 ", 120.0), (429, "", None), (429, "soon", None), (200, "3", None), (429, "-1", None)],
)
def test_retry_after(status: int, value: str, expected: float | None) -> None:
    """Seconds count where the status says that the rate is limited."""
    assert retry_after(Response(status, (("Retry-After", value),))) == expected


@pytest.mark.parametrize(("seconds", "least", "most"), [(30, 25, 31), (-30, 0, 0)])
def test_retry_after_a_date(seconds: int, least: float, most: float) -> None:
    """A date counts from now; one that has passed means at once."""
    date = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    found = retry_after(Response(429, (("Retry-After", format_datetime(date, usegmt=True)),)))
    assert found is not None
    assert least <= found <= most


# Wrong passwords

USERS = {"alice": "right-one"}
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON = (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ((("Authorization", "Basic YWxpY2U6cmlnaHQtb25l"),), b"", []),
        ((("Authorization", "basic  YWxpY2U6d3Jvbmc="),), b"", ["alice"]),
        ((("Authorization", "Basic YWxpY2U="),), b"", ["alice"]),
        ((("Authorization", "Basic Ym9iOnJpZ2h0LW9uZQ=="),), b"", [SOMEBODY]),
        ((("Authorization", "Bearer YWxpY2U6d3Jvbmc="),), b"", []),
        ((("Authorization", "Basic YWxpY2U6cHcx, Basic YWxpY2U6cmlnaHQtb25l"),), b"", ["alice"]),
        ((("Authorization", "Basic !"),), b"", []),
        (FORM, b"grant_type=password&username=alice&password=right-one", []),
        (FORM, b"grant_type=password&username=alice&password=right-onf", ["alice"]),
        (FORM, b"username=alice&password=", ["alice"]),
        (FORM, b"username=alice&password=a&password=b", ["alice", "alice"]),
        (FORM, b"password=a", [SOMEBODY]),
        (FORM, b"grant_type=refresh_token", []),
        (JSON, b'{"username": "alice", "password": "right-one"}', []),
        (JSON, b'{"username": "alice", "password": null}', ["alice"]),
        (JSON, b'{"password": ', []),
    ],
)
def test_wrong_passwords_are_seen(headers: tuple[tuple[str, str], ...], body: bytes, expected: list[str]) -> None:
    """A wrong password is seen wherever it travels, and a right one is none."""
    request = Request("POST", "https://api.example.org/token", headers, body)
    assert list(wrong_passwords(request, USERS, of_client=False)) == expected


def test_a_clients_own_credentials_are_no_users() -> None:
    """What a client authenticates with at the token endpoint locks no user."""
    request = Request("POST", "https://api.example.org/token", (("Authorization", "Basic YWxpY2U6d3Jvbmc="),))
    assert list(wrong_passwords(request, USERS, of_client=True)) == []


# A token for all workers


def issued(value: str, refresh: str | None = None, *, expires_at: float = 5000.0) -> Token:
    """Make a token."""
    kept = None if refresh is None else Secret(refresh, "refresh_token")
    return Token(Secret(value, "access_token"), "Bearer", expires_at, kept, "read", "password", 1000.0)


def led(store: SharedTokenStore) -> Flight:
    """Board as the one who has to fetch the token."""
    boarded = store.board()
    assert not isinstance(boarded, Token)
    assert boarded[1]
    return boarded[0]


@pytest.fixture
def stores(tmp_path: Path) -> tuple[SharedTokenStore, SharedTokenStore]:
    """The stores of two workers."""
    one, other = (
        SharedTokenStore(ManualClock(1000.0), 30, SharedFile(tmp_path / "token"), Redactor()) for _ in range(2)
    )
    return one, other


def test_what_one_worker_has_got_the_other_finds(stores: tuple[SharedTokenStore, SharedTokenStore]) -> None:
    """The second worker asks nobody."""
    one, other = stores
    one.land(led(one), issued("token-of-one", "refresh-of-one"))
    found = other.board()
    assert isinstance(found, Token)
    assert found == issued("token-of-one", "refresh-of-one")
    assert other.fresh() == found


def test_a_refused_token_is_not_found_again(stores: tuple[SharedTokenStore, SharedTokenStore]) -> None:
    """Who was refused fetches a new token, with the newest refresh token; the other finds that one."""
    one, other = stores
    one.land(led(one), issued("token-of-one"))
    found = other.board()
    assert isinstance(found, Token)
    other.refuse(found)
    other.land(led(other), issued("token-of-other"))
    one.refuse(issued("token-of-one"))
    latest = one.latest
    assert latest is not None
    one.refuse(latest)
    assert one.board() == issued("token-of-other")


def test_a_stale_token_still_brings_its_refresh_token(stores: tuple[SharedTokenStore, SharedTokenStore]) -> None:
    """A worker that comes late refreshes with what the last one has left."""
    one, other = stores
    one.land(led(one), issued("token-of-one", "refresh-of-one", expires_at=1001.0))
    other.clock.now = lambda: 2000.0  # type: ignore[method-assign]
    led(other)
    assert other.latest is not None
    assert other.latest.refresh_token == Secret("refresh-of-one", "")


def test_a_token_that_cannot_be_shared_is_one_line_for_all_who_wait(
    stores: tuple[SharedTokenStore, SharedTokenStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk the flight ends, in the same failure for all, and the lock is free; nobody waits for ever."""
    one, other = stores
    flight = led(one)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(ApiAuthError, match="workers of this run share has no place there: No space left on device"):
            one.land(flight, issued("token-of-one"))

    with pytest.raises(ApiAuthError, match="No space left"):
        flight.result()
    led(other)


def test_a_worker_that_does_not_end_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for another worker does not do so for ever, with a token or with anything else."""
    monkeypatch.setattr("pytest_apiauth.auth.shared.LONGEST_TURN", 0)
    monkeypatch.setattr("pytest_apiauth.auth.shared.LOCK_LIMIT", 0)
    file = SharedFile(tmp_path / "token")
    store = SharedTokenStore(ManualClock(1000.0), 30, file, Redactor())

    with SharedFile(tmp_path / "token").locked():
        with pytest.raises(ApiAuthError, match="another worker of this run has been at work"), file.locked():
            raise AssertionError("there are two of them")
        with pytest.raises(TokenError, match="another worker of this run has been fetching the token"):
            store.board()

    led(store)


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    """A shared file without a place is told, and whoever boards is not left in the air."""
    (tmp_path / "file").touch()
    store = SharedTokenStore(ManualClock(1000.0), 30, SharedFile(tmp_path / "file" / "token"), Redactor())

    for _ in range(2):
        with pytest.raises(ApiAuthError, match="has no place there"):
            store.board()


@pytest.mark.parametrize("end", ["fail", "abandon"])
def test_a_failed_attempt_gives_the_lock_back(stores: tuple[SharedTokenStore, SharedTokenStore], end: str) -> None:
    """After a failure or a cancelled task the next worker may try."""
    one, other = stores
    flight = led(one)
    if end == "fail":
        one.fail(flight, ValueError("no"))
    else:
        one.abandon(flight)
    led(other)

"""Ctrl-C and SIGTERM wait for the end of what must not be cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from pytest_apiauth.interrupts import HELD, held_back


@pytest.fixture(autouse=True)
def terminated() -> Iterator[list[int]]:
    """What has come of SIGTERM, which ends no test run here; everything is put back in the end."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    # What was started in the background may be without it.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield came
    assert signal.signal(signal.SIGINT, interrupt) is signal.default_int_handler
    signal.signal(signal.SIGTERM, before)


def test_ctrl_c_comes_at_the_end_of_the_block() -> None:
    """What is in the block is done first."""
    done = []

    def work() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all"]


def test_sigterm_goes_to_who_took_it_before(terminated: list[int]) -> None:
    """It comes once, when the block is over."""
    with held_back():
        signal.raise_signal(signal.SIGTERM)
        assert terminated == []

    assert terminated == [signal.SIGTERM]


def test_a_second_one_does_not_wait() -> None:
    """A server that never answers holds nobody who presses Ctrl-C twice."""

    def work() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_blocks_of_two_tasks_overlap() -> None:
    """Of two blocks that overlap the last one to end lets signals go, in whatever order they end."""
    first, second = held_back(), held_back()
    first.__enter__()
    second.__enter__()
    signal.raise_signal(signal.SIGINT)
    first.__exit__(None, None, None)

    with pytest.raises(KeyboardInterrupt):
        second.__exit__(None, None, None)


def test_another_thread_holds_nothing_back() -> None:
    """A block in another thread, which no signal interrupts, changes nothing for the main one."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with held_back():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(20)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        leave.set()
        thread.join(20)


def test_a_block_that_another_thread_ended_is_put_back_by_the_next_signal() -> None:
    """The garbage collector may end a block anywhere: signals then go where they went before."""
    block = held_back()
    block.__enter__()
    thread = threading.Thread(target=block.__exit__, args=(None, None, None))
    thread.start()
    thread.join(20)

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_who_ignores_a_signal_goes_on_ignoring_it() -> None:
    """A process that was started without Ctrl-C (``nohup``, ``&``) stays without."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in HELD}
    try:
        with held_back():
            signal.raise_signal(signal.SIGINT)
    finally:
        for number, taker in before.items():
            signal.signal(number, taker)

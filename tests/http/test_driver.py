"""The loop that drives a flow: what becomes of answers, errors and abandoned flows, with and without ``await``."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Callable, Generator

import pytest

from pytest_apiauth.auth.flow import Send, Wait
from pytest_apiauth.auth.tokens import Flight
from pytest_apiauth.errors import TokenError, UnreachableError
from pytest_apiauth.http.driver import Drive, performed, performed_async
from pytest_apiauth.messages import Request, Response

FIRST, SECOND = (Request("GET", f"https://api.example.org/{number}") for number in (1, 2))
Flow = Generator[Send | Wait, Response | None, object]


class Cancelled(BaseException):
    """Ends whoever performs a step, as an event loop does."""


def driven(flow: Flow, send: Callable[[Request], Response], *, is_async: bool) -> object:
    """Drive a flow to its end in one of the two ways, and return what it returned."""

    async def send_async(request: Request) -> Response:
        return send(request)

    async def main() -> object:
        with Drive(flow) as drive:
            for step in drive:
                drive.outcome = await performed_async(step, send_async)
        return drive.result

    if is_async:
        # Nothing here waits, so no event loop is needed.
        with pytest.raises(StopIteration) as end:
            main().send(None)
        return end.value.value
    with Drive(flow) as drive:
        for step in drive:
            drive.outcome = performed(step, send)
    return drive.result


pytestmark = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


def test_each_answer_goes_in_where_the_step_came_out(is_async: bool) -> None:
    """Steps are performed in order, each answer reaches its own step, and what the flow returns is the result."""
    landed = Flight()
    landed.end(None)

    def flow() -> Flow:
        first = yield Send(FIRST)
        nothing = yield Wait(landed)
        return first, nothing, (yield Send(SECOND))

    answers = {FIRST: Response(201), SECOND: Response(202)}
    assert driven(flow(), answers.__getitem__, is_async=is_async) == (Response(201), None, Response(202))


def test_an_error_in_the_place_of_an_answer_goes_into_the_flow(is_async: bool) -> None:
    """A flow may go on after a request that got no answer; where it does not, the error comes out as it is."""
    errors = iter([UnreachableError("first"), UnreachableError("second")])

    def send(request: Request) -> Response:
        raise next(errors)

    def flow() -> Flow:
        try:
            yield Send(FIRST)
        except UnreachableError as error:
            told.append(str(error))
        return (yield Send(SECOND))

    told: list[str] = []
    with pytest.raises(UnreachableError, match=r"^second$"):
        driven(flow(), send, is_async=is_async)
    assert told == ["first"]


def test_a_flow_that_is_left_is_closed(is_async: bool) -> None:
    """What ends the caller's task is no outcome: the flow sees that it is closed, and lets go of what it holds."""
    ends: list[type[BaseException]] = []

    def flow() -> Flow:
        try:
            return (yield Send(FIRST))
        except BaseException as end:
            ends.append(type(end))
            raise

    def send(request: Request) -> Response:
        raise Cancelled

    with pytest.raises(Cancelled):
        driven(flow(), send, is_async=is_async)
    assert ends == [GeneratorExit]


def test_an_error_keeps_nothing_alive(is_async: bool) -> None:
    """An error that comes out of the flow is in no cycle, so that it goes at once, with what its traceback holds."""
    known: list[weakref.ref[TokenError]] = []

    def send(request: Request) -> Response:
        error = TokenError("spent")
        known.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    def flow() -> Flow:
        return (yield Send(FIRST))

    gc.disable()
    try:
        with contextlib.suppress(TokenError):
            driven(flow(), send, is_async=is_async)
        assert [each() for each in known] == [None]
    finally:
        gc.enable()

"""The loop that drives a flow: once, for callers that block and for those that await.

Theory of operation. A flow (`pytest_apiauth.auth.flow`) yields steps and is sent what came of each. Whoever performs
them differs in ``await`` alone, so the loop itself, with everything that can be got wrong in it, is here: a `Drive` is
iterated for its flow's steps, and is given what came of one before it is asked for the next::

    with Drive(authenticator.token()) as drive:
        for step in drive:
            drive.outcome = performed(step, send)  # or: await performed_async(step, send)
    return drive.result

- An answer is sent into the flow. An error in its place is thrown into it, so that a flow that leads a flight can
  tell those who wait for it; what ends the caller's task (a cancellation, Ctrl-C) is no outcome and leaves the loop.
- However the loop is left, the flow is closed: one that leads a flight hands on the lead then, and a lock that it
  holds is released. That is why a drive is a context manager, and why nobody else iterates a flow.
- A `Forward` step is the caller's own: the library's generator yields the user's request from where it stands. No
  more than the status of its answer reaches the flow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import cache
from types import TracebackType
from typing import Generic, TypeVar

from pytest_apiauth.auth.flow import Send, Wait
from pytest_apiauth.messages import Request, Response

Step = TypeVar("Step")
Result = TypeVar("Result")
Outcome = Response | Exception | None
"""What came of a step: an answer, the error that came in its place, or nothing if there is none to come."""


class Drive(Generic[Step, Result]):
    """One flow under way: an iterator of its steps, that is given the outcome of each."""

    __slots__ = ("_flow", "outcome", "result")

    result: Result
    """What the flow returned, once its steps are over."""

    def __init__(self, flow: Generator[Step, Response | None, Result]) -> None:
        self._flow = flow
        self.outcome: Outcome = None
        """What came of the step at hand; to be set before the next is asked for."""

    def __enter__(self) -> Drive[Step, Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flow.close()

    def __iter__(self) -> Drive[Step, Result]:
        return self

    def __next__(self) -> Step:
        """Hand in what came of the last step, and return the next one. Raises what the flow raises."""
        outcome, self.outcome = self.outcome, None
        try:
            return self._flow.throw(outcome) if isinstance(outcome, Exception) else self._flow.send(outcome)
        except StopIteration as end:
            self.result = end.value
            raise
        finally:
            # The traceback of an error holds this frame, which is not to hold the error in turn.
            del outcome


def performed(step: Send | Wait, send: Callable[[Request], Response]) -> Outcome:
    """Perform a step, and block until that is done."""
    try:
        if isinstance(step, Send):
            return send(step.request)
        step.flight.wait()
    except Exception as error:
        return error
    return None


async def performed_async(step: Send | Wait, send: Callable[[Request], Awaitable[Response]]) -> Outcome:
    """Perform a step, and let other tasks run until that is done."""
    try:
        if isinstance(step, Send):
            return await send(step.request)
        await step.flight.wait_async()
    except Exception as error:
        return error
    return None


@cache
def status_alone(status: int) -> Response:
    """Return what a flow learns of the answer to a `Forward`: its status, nothing else."""
    return Response(status)

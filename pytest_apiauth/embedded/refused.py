"""What the server has refused on its own account: kept for whoever asks why, and looked into only then (`reasons`)."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from pytest_apiauth.messages import Request

KEPT: Final = 50
"""Requests that are kept, the latest."""


class Refused(NamedTuple):
    """A request that was refused, and what is known of that at once.

    Neither an answer of a test's own nor one that it has asked for by ``refuse_next`` is one of these. A tuple, since
    the suite has thousands of requests refused; and not with the decision itself, which holds on to all that led to it.
    """

    request: Request
    status: int
    at: float
    """When, by the server's clock."""
    error: str = ""
    """The code of the decision, if one was taken about what the request brings."""
    description: str = ""
    allowed: str = ""
    """The methods that there are, if its method was the reason."""


def kept() -> deque[Refused]:
    """Return a list of such requests that does not grow for ever."""
    return deque(maxlen=KEPT)

"""What is sent again, when, and how often: the one place that decides.

Theory of operation. A good server has three troubles now and then, and each is given one chance to pass by itself:

- *dropped*: the connection ended before the answer came. Of a kept connection one cannot know whether the server is
  about to end it (RFC 9112 9.3.1), and many a server ends one after an error of its own. Again at once, on a new one.
- *limited*: a live server limits the rate and says when to ask again (RFC 9110 10.2.3). Again after that time, for
  which the whole run holds still, if its patience reaches so far.
- *failed*: a live server answers with a server error, of which the caller wants to be sure: under load a good server
  has one now and then. Again after a moment.

So a request leaves once, and once more for each trouble that it meets: the chances add up, and never multiply. No
other room sends anything again; a sender and a target send what they are given, once, and count it as it leaves.

What must never happen: that a code or a refresh token is sent twice because something went wrong. The server may have
taken it before the trouble came, and a good one ends a whole login for the second use (RFC 6749 4.1.2, RFC 9700
4.14.2). The caller says so of a request; of the time that a server asks for, the rest of the run takes note even then.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Final

from pytest_apiauth.errors import DroppedError
from pytest_apiauth.messages import Response

REPEAT_AFTER = 1.1
"""Seconds to wait before a request is sent again that a live server answered with a server error."""


class Trouble(Enum):
    """Why a request is sent again."""

    DROPPED = auto()
    LIMITED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a request in the end."""

    response: Response
    failed: Response | None = None
    """The server error that was not taken at its word."""


@dataclass(frozen=True, slots=True)
class Retries:
    """When requests to one target are sent again.

    ``hold`` lets nothing of the run leave for so many seconds, and returns False if that is too long; ``pause`` waits.
    Without ``hold`` the server is no live one: it limits no rate, and its errors are not those of load.
    """

    hold: Callable[[float], bool] | None = None
    pause: Callable[[float], None] = time.sleep

    def settle(self, attempt: Callable[[], Response], may_repeat: Callable[[], bool], *, sure: bool = False) -> Settled:
        """Call ``attempt``, which sends a request, until there is no reason to send it again.

        ``may_repeat`` is asked in trouble only. With ``sure`` a server error is not taken at its word the first time.
        Raises what the last attempt raises.
        """
        met: set[Trouble] = set()
        failed: Response | None = None
        while True:
            try:
                response = attempt()
            except DroppedError:
                if Trouble.DROPPED in met or not may_repeat():
                    raise
                met.add(Trouble.DROPPED)
                continue
            trouble, seconds = self._trouble(response, met, sure=sure)
            if trouble is None or not may_repeat():
                return Settled(response, failed)
            met.add(trouble)
            failed = response if trouble is Trouble.FAILED else failed
            self.pause(seconds)

    def _trouble(self, response: Response, met: set[Trouble], *, sure: bool) -> tuple[Trouble | None, float]:
        """Return the trouble that an answer tells of and that was not met yet, and how long to wait."""
        if self.hold is None:
            return None, 0.0
        delay = retry_after(response)
        if delay is not None and Trouble.LIMITED not in met and self.hold(delay):
            return Trouble.LIMITED, delay
        if sure and Trouble.FAILED not in met and response.status >= 500 and response.status != 501:
            return Trouble.FAILED, REPEAT_AFTER
        return None, 0.0


NEARBY: Final = Retries()
"""Of a server on this machine."""


def retry_after(response: Response) -> float | None:
    """Return the seconds after which a server that limits the rate may be asked again, if it says (RFC 9110 10.2.3)."""
    if response.status not in (429, 503):
        return None
    value = (response.header("retry-after") or "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is read as UTC: HTTP's dates are.
    at = until if until.tzinfo else until.replace(tzinfo=datetime.UTC)
    return max(0.0, (at - datetime.datetime.now(datetime.UTC)).total_seconds())

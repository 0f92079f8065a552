"""What can come of an examination other than a pass, as exceptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.messages import Response

OUT_OF_GUESSES = (
    "as many wrong passwords were sent for one user as this run may send; accounts lock: --apiauth-allow lockout or"
    " live.wrong_passwords allows more"
)


class Inconclusive(Exception):
    """Nothing can be said of the rule: the valid request failed, the rate is limited, no answer came.

    Example::

        raise Inconclusive("the second user's login was answered with 503")
    """


class Unjudged(Inconclusive):
    """The same of one row alone: the server had trouble, and may answer the next one."""


class FromGateway(Unjudged):
    """A gateway has answered in the place of the server behind it.

    Example::

        with api.row(), suppress(FromGateway):
            api.send(bare.with_headers(("Host", "localhost"))).refused()
    """


class NotApplicable(Exception):
    """The rule needs what this profile or target does not have.

    Example::

        if len(api.profile.users) < 1:
            raise NotApplicable("the profile has one user")
    """


class OutOfReach(NotApplicable):
    """The profile promises it, and this run cannot look at it: no login, no clock, a class that is not allowed.

    Example::

        if not api.examination.target.can_move_clock:
            raise OutOfReach("lifetimes take a clock that can be moved")
    """


class Follows(NotApplicable):
    """What came is explained by what another rule has to say, which is said once, there."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(f"follows from {cause.rule_id}")
        self.cause = cause.name


class Refused(Inconclusive):
    """The server has answered a valid request, and said no."""


class OutOfGuesses(OutOfReach):
    """Another wrong password could lock an account."""


class Unready(ApiAuthError):
    """The profile's own valid requests fail, so that nothing can be examined."""


class NotReady(ApiAuthError):
    """The profile was found unready before, by this worker or another; its reason is the message."""


class Unproven(Unready):
    """The same, and the server has said nothing about authentication: no answer, a limited rate, its own trouble."""


def says_nothing(response: Response) -> bool:
    """Whether an answer says nothing about authentication: the rate is limited, or the server in trouble."""
    return response.status == 429 or response.status >= 500


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding of another rule that would explain what comes; ``holds`` asks the server whether it is so.

    Example::

        anybody = Cause("tok-client-auth-needed", lambda: api.send(nobody).has_token)
        api.send(wrong_secret).no_token(anybody)
    """

    rule_id: str
    holds: Callable[[], bool]
    place: str = ""
    """Where it is to be seen, if there may be several: ``GET /user/me``."""
    is_shown: bool = False
    """Whether the request at hand is no consequence of it, but shows it by itself."""

    @property
    def name(self) -> str:
        """What reports call it: what has one name is one finding, whatever rules it breaks."""
        return f"{self.rule_id} at {self.place}" if self.place else self.rule_id


@dataclass(frozen=True, slots=True)
class Counterexample:
    """What it takes to see a breach for oneself."""

    expected: str
    got: str
    curl: str
    control_curl: str
    steps: tuple[str, ...] = ()
    """What was sent before, in order, if it takes more than the request itself."""
    head: tuple[str, ...] = ()
    """The answer's status line, the headers that authentication has to do with, and what its body is."""
    control_got: str = ""
    """What the control was answered with."""


class Violation(Exception):
    """The server did not do what the rule at hand says.

    >>> found = Counterexample("401", "200 OK", "curl -i https://api.example/me", "")
    >>> print(Violation(found))
    expected 401, got 200 OK
    """

    def __init__(self, counterexample: Counterexample, cause: str = "") -> None:
        super().__init__(f"expected {counterexample.expected}, got {counterexample.got}")
        self.counterexample = counterexample
        self.cause = cause
        """The `Cause.name` that it has in common with others; empty if it has none but itself."""


class Breach(Violation):
    """The server broke another rule than the one at hand; it is filed under that rule's id.

    Example::

        if answer.status >= 500:
            raise Breach("invalid-never-5xx", answer.counterexample("a refusal, never a server error"))
    """

    def __init__(self, rule_id: str, counterexample: Counterexample) -> None:
        super().__init__(counterexample)
        self.rule_id = rule_id

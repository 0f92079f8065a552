"""Grants that a client begins and then polls for (RFC 8628): what it is told first, and how long to wait between polls.

Nothing here does I/O or waits. The client asks for a pair of codes, shows the one to a person who enters it elsewhere,
and asks for a token with the other until the person has decided. What the grant calls its code, and where it begins, is
in its row of `GRANTS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pytest_apiauth.auth.browsing import ACCEPT, Stopped, check_origin, is_reachable
from pytest_apiauth.auth.texts import SPENT, Role
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import TokenError
from pytest_apiauth.messages import Request, Response, joined, parts_of, why_not_a_url
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import GrantType, Profile

INTERVAL: Final = 5.0
"""Seconds between two questions if the server names none (RFC 8628 3.2), and more of them for each ``slow_down``."""
SHORTEST_INTERVAL: Final = 1.0
"""Whoever asks a server more often than that does it no good, whatever the server says."""
LONGEST_INTERVAL: Final = 300.0
LONGEST_LIFE: Final = 86_400.0


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """What a client is told when it begins (RFC 8628 3.2).

    ``code`` is its own, and travels as what ``role`` says; the user's is there to be shown.
    """

    grant: GrantType
    role: Role
    code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float

    @property
    def issued(self) -> Mapping[Role, Secret]:
        """What the token request spends."""
        return {self.role: self.code}

    def at(self, url: str) -> Begun:
        """Return the same with the pages at the origin of a URL."""
        whole = self.verification_uri_complete
        here = [
            None if page is None else joined(url, parts_of(page)._replace(scheme="", netloc="").geturl())
            for page in (self.verification_uri, whole)
        ]
        return replace(self, verification_uri=str(here[0]), verification_uri_complete=here[1])


def read_begun(profile: Profile, grant: GrantType, response: Response, redactor: Redactor) -> Begun:
    """Read what came when a grant was begun. Raises TokenError, one line, for what cannot be used.

    The client's code in it is learnt by the redactor before anything else happens.
    """
    name = GRANTS[grant].spends
    assert name is not None, "what is polled for is spent"
    body = response.json()
    members: dict[str, object] = body if isinstance(body, dict) else {}
    code = members.get(name)
    secret = Secret(code if isinstance(code, str) else "", f"{profile.name}.{name}")
    if isinstance(code, str) and code:
        redactor.learn(secret)

    def refuse(expected: str, came: str) -> TokenError:
        quoted = one_line(redactor.redact(came))
        return TokenError(f"{profile.name}: {profile.beginning_of(grant)}: expected {expected}, got {quoted}")

    if response.status != 200 or name not in members:
        error = members.get("error")
        came = f"status {response.status}" + (f", {error}" if isinstance(error, str) else "")
        raise refuse(f"a {name.replace('_', ' ')}", came)
    texts = {each: members.get(each) for each in (name, "user_code", "verification_uri")}
    lacking = [each for each, value in texts.items() if not isinstance(value, str) or not value]
    if lacking:
        raise refuse(f"{lacking[0]} to be a text that is not empty", type(members.get(lacking[0])).__name__)
    page, whole = str(texts["verification_uri"]), members.get("verification_uri_complete")
    if why_not_a_url(page) is not None:
        raise refuse("verification_uri to be a URL", page)
    return Begun(
        grant,
        SPENT[name],
        secret,
        str(texts["user_code"]),
        page,
        whole if isinstance(whole, str) and why_not_a_url(whole) is None else None,
        _seconds(members.get("expires_in"), LONGEST_LIFE, LONGEST_LIFE),
        max(SHORTEST_INTERVAL, _seconds(members.get("interval"), INTERVAL, LONGEST_INTERVAL)),
    )


def _seconds(value: object, usual: float, longest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value == math.inf:
        return usual
    # NaN is not above anything, and an integer may be one that no float can hold.
    return float(min(value, longest)) if value > 0 else usual


def page_for(profile: Profile, told: Begun, *, is_scripted: bool) -> Request | None:
    """Return the request that opens the page for the user's code, which has the code in its URL if it can.

    None if nobody types the code into that page. Raises TokenError for a page of an origin that the profile does not
    name: nothing is typed there.
    """
    whole = told.verification_uri_complete
    if whole is not None and is_reachable(whole, profile.origins):
        return Request("GET", whole, (ACCEPT,))
    if not is_scripted:
        return None
    try:
        check_origin(told.verification_uri, profile.origins)
    except Stopped as reason:
        where = f"{profile.name}: {profile.beginning_of(told.grant)}"
        raise TokenError(f"{where}: verification_uri {reason}") from None
    return Request("GET", told.verification_uri, (ACCEPT,))


def wait_after(response: Response, interval: float) -> float | None:
    """Return how long to wait before the next question; None if there is nothing to wait for (RFC 8628 3.5).

    >>> wait_after(Response(400, (), b'{"error": "slow_down"}'), 5)
    10.0
    """
    body = response.json()
    error = body.get("error") if isinstance(body, dict) and response.status != 200 else None
    if error == "slow_down":
        return min(interval + INTERVAL, LONGEST_INTERVAL)
    return interval if error == "authorization_pending" else None

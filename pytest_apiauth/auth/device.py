"""Device authorizations (RFC 8628): what the server answers, and how long to wait between two questions.

Nothing here does I/O or waits. A device asks for a pair of codes, shows the one to a person who enters it elsewhere,
and asks for a token with the other until the person has decided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from pytest_apiauth.auth.browsing import ACCEPT, Stopped, check_origin, is_reachable
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import TokenError
from pytest_apiauth.messages import Request, Response, joined, parts_of, why_not_a_url
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile

INTERVAL: Final = 5.0
"""Seconds between two questions if the server names none (RFC 8628 3.2), and more of them for each ``slow_down``."""
SHORTEST_INTERVAL: Final = 1.0
"""Whoever asks a server more often than that does it no good, whatever the server says."""
LONGEST_INTERVAL: Final = 300.0
LONGEST_LIFE: Final = 86_400.0


@dataclass(frozen=True, slots=True, repr=False)
class DeviceAuthorization:
    """An answer of the device authorization endpoint (RFC 8628 3.2). The user's code is there to be shown."""

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float

    def at(self, url: str) -> DeviceAuthorization:
        """Return the same with the pages at the origin of a URL."""
        whole = self.verification_uri_complete
        here = [
            None if page is None else joined(url, parts_of(page)._replace(scheme="", netloc="").geturl())
            for page in (self.verification_uri, whole)
        ]
        return replace(self, verification_uri=str(here[0]), verification_uri_complete=here[1])


def read_device_authorization(profile: Profile, response: Response, redactor: Redactor) -> DeviceAuthorization:
    """Read an answer of the device authorization endpoint. Raises TokenError, one line, for what cannot be used.

    The device code in it is learnt by the redactor before anything else happens.
    """
    body = response.json()
    members: dict[str, object] = body if isinstance(body, dict) else {}
    code = members.get("device_code")
    secret = Secret(code if isinstance(code, str) else "", f"{profile.name}.device_code")
    if isinstance(code, str) and code:
        redactor.learn(secret)

    def refuse(expected: str, came: str) -> TokenError:
        quoted = one_line(redactor.redact(came))
        return TokenError(f"{profile.name}: {profile.device_authorization_endpoint}: expected {expected}, got {quoted}")

    if response.status != 200 or "device_code" not in members:
        error = members.get("error")
        came = f"status {response.status}" + (f", {error}" if isinstance(error, str) else "")
        raise refuse("a device code", came)
    texts = {name: members.get(name) for name in ("device_code", "user_code", "verification_uri")}
    lacking = [name for name, value in texts.items() if not isinstance(value, str) or not value]
    if lacking:
        raise refuse(f"{lacking[0]} to be a text that is not empty", type(members.get(lacking[0])).__name__)
    page, whole = str(texts["verification_uri"]), members.get("verification_uri_complete")
    if why_not_a_url(page) is not None:
        raise refuse("verification_uri to be a URL", page)
    return DeviceAuthorization(
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


def page_for(profile: Profile, told: DeviceAuthorization, *, is_scripted: bool) -> Request | None:
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
        raise TokenError(
            f"{profile.name}: {profile.device_authorization_endpoint}: verification_uri {reason}"
        ) from None
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

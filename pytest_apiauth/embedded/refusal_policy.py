"""The decisions about how a refusal reads, at resources and at the endpoints of tokens alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.embedded.state import State
from pytest_apiauth.messages import Headers, Request, Response
from pytest_apiauth.profile.model import Profile

JSON: Final = "application/json"
NO_STORE: Final[Headers] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class RefusalPolicy:
    """Decisions about refusals; `TokenPolicy` adds those of the token endpoint."""

    def __init__(self, profile: Profile, state: State) -> None:
        self.profile = profile
        self.state = state
        self.realm = re.sub(r"[^\w .:/-]", "", profile.name, flags=re.ASCII) or "api"

    def refusal_status(self, wanted: int) -> int:
        """Return the status of a refusal: the usual one, if the profile documents it."""
        documented = self.profile.refusal
        if wanted not in (400, 401, 403):
            return wanted
        return wanted if wanted in documented else 401 if 401 in documented else documented[0]

    def basic_challenge(self) -> Challenge:
        """Return a Basic challenge; the realm is not optional (RFC 7617 2)."""
        return Challenge("Basic", {"realm": self.realm, "charset": "UTF-8"})

    def client_challenges(self, request: Request) -> list[Challenge]:
        """Return what a 401 to a client carries (RFC 6749 5.2, RFC 9110 15.5.2)."""
        return [self.basic_challenge()]

    def wrong_token_method(self) -> Response:
        """Answer a token request with another method."""
        return Response(405, (("Allow", "POST"), ("Content-Length", "0")))

    def error_status(self, refusal: Refusal, request: Request) -> int:
        """Return the status of an error of the token endpoint."""
        return self.refusal_status(refusal.status)

    def challenge_lines(self, challenges: Iterable[Challenge]) -> Headers:
        """Write challenges into header lines, one each (RFC 9110 11.6.1)."""
        return tuple(("WWW-Authenticate", str(challenge)) for challenge in challenges)

    def error_members(self, refusal: Refusal) -> dict[str, str]:
        """Return the members of an error (RFC 6749 5.2)."""
        members = {"error": refusal.error}
        return members | {"error_description": refusal.description} if refusal.description else members

    def error_headers(self) -> Headers:
        """Return the header fields of an error answer."""
        return (("Content-Type", JSON), *NO_STORE)

    def errors_are_json(self) -> bool:
        """Whether an error is told in the JSON of RFC 6749 5.2."""
        return True

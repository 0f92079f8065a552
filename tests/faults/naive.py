"""What a test says that takes one server's ways for the standard: assertions about variants.

Each assertion holds on the plain server and raises a false alarm on one good server, the variant it is filed
under. The rules it is filed with look at the same thing and must not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from tests.embedded.caller import Caller

from .examining import VARIED

BAD = "no-such-token-0123456789"
WORKSPACES = "/v1/workspaces"
"""The route of Dastra that its document shows; Dastra has no API key."""


class Visitor(Caller):
    """Somebody who tests a server with all its credentials at hand."""

    def __init__(self, profile: str, *variants: str) -> None:
        self.server = Server(VARIED[profile], variants=variants)
        self.profile = self.server.profile

    def access(self, grant: str | None = None) -> str:
        """Get an access token."""
        return str(self.token(grant)["access_token"])

    def refreshed(self, first: dict[str, Any]) -> dict[str, Any]:
        """Refresh a token."""
        return self.token("refresh_token", refresh_token=first["refresh_token"], scope=None)

    def visit(self, place: str, *lines: tuple[str, str], method: str = "GET") -> Response:
        """Send a request with these header lines."""
        return self.server.handle(Request(method, self.profile.url(place), lines))


Assertion = Callable[[Visitor], None]


@dataclass(frozen=True, slots=True)
class Naive:
    """A naive assertion, where it holds, and the rules that look at the same thing."""

    assertion: Assertion
    profile: str
    rules: tuple[str, ...]
    warns: frozenset[str]
    """Rules that may advise against the variant, and rightly so."""


NAIVE: dict[str, Naive] = {}


def naive(variant: str, profile: str, rules: tuple[str, ...], warns: str = "") -> Callable[[Assertion], Assertion]:
    """File an assertion under the variant that it takes for a fault."""

    def register(assertion: Assertion) -> Assertion:
        if variant in NAIVE:
            raise ValueError(f"two naive assertions about {variant!r}")
        NAIVE[variant] = Naive(assertion, profile, rules, frozenset(warns.split()))
        return assertion

    return register

"""Other places in which some API has its token: what nobody documents authenticates nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_apiauth.rules import Draft, Ref, Text

HEADERS: Final = (
    "X-Access-Token", "X-Auth-Token", "X-API-Key", "Api-Key", "X-API-Token", "X-Token", "Token", "Access-Token",
    "X-Authorization", "Proxy-Authorization", "X-Authorization-Token", "X-JWT-Assertion", "Authentication",
    "Authentication-Token",
)  # fmt: skip
COOKIES: Final = ("access_token", "token", "jwt", "auth", "auth_token", "Authorization", "session", "api_key")


def elsewhere(draft: Draft, token: Ref, taken: set[str]) -> Iterator[Draft]:
    """Yield a request with a token in each other place, but in headers and cookies of the ``taken`` names."""
    for name in HEADERS:
        if name.lower() not in taken:
            texts: tuple[Text, ...] = (token, ("Bearer ", token)) if "uth" in name else (token,)
            yield from (draft.with_headers((name, text)) for text in texts)
    for name in COOKIES:
        if name.lower() not in taken:
            yield draft.with_headers(("Cookie", (f"{name}=", token)))

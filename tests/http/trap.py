"""What lures a client to another origin, and keeps what arrives where."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile
from tests.shop import answered, authenticator, shop

CREDENTIALS: dict[str, dict[str, Any]] = {
    "key": {"needs": ["api_key"], "kinds": ["api_key"]},
    "bearer": {"needs": ["bearer"], "kinds": ["bearer"]},
    "basic": {"needs": ["basic"], "kinds": ["basic"]},
    "key-and-bearer": {"needs": ["api_key", "bearer"], "kinds": None},
}
SECRETS = (
    "value-of-credentials.api_key",
    "value-of-credentials.password",
    "the-access-token",
    base64.b64encode(b"alice:value-of-credentials.password").decode(),
)


def everything(request: Request) -> str:
    """Write out all that travels with a request."""
    lines = "".join(f"{name}: {value}\n" for name, value in request.headers)
    return f"{request.method} {request.url} {request.target}\n{lines}\n{request.body.decode('latin-1')}"


class Trap:
    """Redirects the first request to another place, and keeps what arrives where."""

    def __init__(self, profile: Profile, redirect: Response | None = None) -> None:
        self.profile = profile
        self.redirect = redirect
        self.arrived: list[Request] = []

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        if request.url == self.profile.token_endpoint:
            return answered({"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 3600})
        self.arrived.append(request)
        return (len(self.arrived) == 1 and self.redirect) or Response(200)

    @property
    def elsewhere(self) -> list[Request]:
        """What arrived at an origin that the profile does not name."""
        return [request for request in self.arrived if Origin.of(request.url) not in self.profile.origins]

    def caught(self) -> list[str]:
        """Give the secrets, and the names of secret headers, that arrived elsewhere."""
        texts = [everything(request) for request in self.elsewhere]
        marks = (*SECRETS, "authorization:", "x-api-key:", "cookie:")
        return [mark for text in texts for mark in marks if mark.lower() in text.lower()]


def call(
    is_async: bool,
    profile: Profile,
    connector: InProcess,
    redactor: Redactor,
    act: Callable[[Any], Any],
    **options: Any,
) -> Exception | None:
    """Do something with a client of either kind, and give the error it ended with."""
    allowed = (GuardError, connector.library.request_error, connector.library.invalid_url)

    async def main() -> None:
        async with build_async_client(profile, connector, redactor, **options) as client:
            await act(client)

    try:
        if is_async:
            asyncio.run(main())
        else:
            with build_client(profile, connector, redactor, **options) as client:
                act(client)
    except allowed as error:
        return error
    return None


def user_of(credential: str, redactor: Redactor) -> tuple[Profile, Any]:
    """Make a profile that needs a credential, and an authenticator that sends it."""
    chosen = CREDENTIALS[credential]
    profile = shop(zones={"all": {"path": "/", "needs": chosen["needs"]}})
    return profile, authenticator(profile, redactor=redactor, kinds=chosen["kinds"])

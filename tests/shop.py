"""A small API to test clients with: its profile, its credentials, and a provider that keeps its promise."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile, Reference

JSON = (("Content-Type", "application/json"),)
HTML = (("Content-Type", "text/html; charset=utf-8"),)


def env(name: str) -> dict[str, str]:
    """Write a reference to an environment variable."""
    return {"env": name}


def shop(**changes: Any) -> Profile:
    """Give the profile of the shop: an API key, tokens by password, zones that differ."""
    table: dict[str, Any] = {
        "schema": 1,
        "name": "shop",
        "api_url": "https://api.example.org/v1",
        "token_url": "https://login.example.org/token",
        "authorize_url": "https://login.example.org/authorize",
        "api_key": {"header": "X-API-Key"},
        "token": {"scope": "read", "leeway": 30},
        "grants": {"password": {}},
        "credentials": {
            "client_id": "shop-client",
            "client_secret": env("SHOP_SECRET"),
            "redirect_uri": "https://app.example.org/back",
            "username": "alice",
            "password": env("SHOP_PASSWORD"),
            "api_key": env("SHOP_KEY"),
        },
        "zones": {
            "open": {"path": "/open/", "needs": []},
            "public": {"path": "/public/", "needs": ["api_key"]},
            "user": {"path": "/user/", "needs": ["api_key", "bearer"]},
        },
    }
    return Profile.model_validate({**table, **changes})


def found(label: str, reference: Reference) -> str | None:
    """Invent a value for every reference."""
    return f"value-of-{label}"


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.time = start

    def now(self) -> float:
        """Give the time in seconds since the epoch."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.time += seconds


def authenticator(
    profile: Profile | None = None,
    *,
    store: TokenStore | None = None,
    redactor: Redactor | None = None,
    lookup: Callable[[str, Reference], str | None] = found,
    **settings: Any,
) -> Authenticator:
    """Make an authenticator of the shop, or of another profile."""
    profile = profile or shop()
    redactor = redactor or Redactor()
    store = store or TokenStore(ManualClock(), profile.token.leeway)
    return Authenticator(profile, Identities(profile, lookup, redactor), store, redactor, **settings)


def parameters(request: Request) -> dict[str, str]:
    """Read the parameters of a token request, whatever its encoding."""
    if request.header("content-type") == "application/json":
        return dict(json.loads(request.body))
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


def answered(members: object, status: int = 200) -> Response:
    """Give an answer in JSON."""
    return Response(status, JSON, json.dumps(members).encode())


class Provider:
    """A token endpoint with strict rotation, and resources that want a live token.

    An old refresh token is dead once it was used, and to use it again kills everything that came of it. Every
    request that arrives is kept in ``arrived``. ``before_token`` is called before the token endpoint answers.
    """

    def __init__(self, profile: Profile, *, before_token: Callable[[], None] | None = None) -> None:
        self.profile = profile
        self.arrived: list[Request] = []
        self.grants: list[str] = []
        self.before_token = before_token
        self._mutex = threading.Lock()
        self._count = 0
        self._live_tokens: set[str] = set()
        self._live_refresh: set[str] = set()
        self._spent_refresh: set[str] = set()

    def revoke_tokens(self) -> None:
        """Let every access token die, while refresh tokens live on."""
        with self._mutex:
            self._live_tokens.clear()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        with self._mutex:
            self.arrived.append(request)
        if request.url != self.profile.token_endpoint:
            return self._resource(request)
        if self.before_token is not None:
            self.before_token()
        return self.token(request)

    def token(self, request: Request) -> Response:
        """Answer a token request."""
        asked = parameters(request)
        with self._mutex:
            self.grants.append(asked["grant_type"])
            if asked["grant_type"] == "refresh_token":
                presented = asked["refresh_token"]
                if presented in self._spent_refresh:
                    self._live_refresh.clear()
                    self._live_tokens.clear()
                if presented not in self._live_refresh:
                    return answered({"error": "invalid_grant"}, 400)
                self._live_refresh.remove(presented)
                self._spent_refresh.add(presented)
            self._count += 1
            access, refresh = f"access-{self._count:06}", f"refresh-{self._count:06}"
            self._live_tokens.add(access)
            self._live_refresh.add(refresh)
        return answered({"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh})

    def _resource(self, request: Request) -> Response:
        presented = (request.header("authorization") or "").removeprefix("Bearer ")
        with self._mutex:
            is_live = presented in self._live_tokens
        return answered({"token": presented}, 200 if is_live else 401)

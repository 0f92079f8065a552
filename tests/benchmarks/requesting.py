"""What a request costs with a token at hand, over the same client with a fixed header.

In process, over a transport that answers at once, so that nothing but the clients is measured: against the embedded
server, which itself takes time, the same difference would be a smaller ratio.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, build_async_client, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading

from . import peers
from .figures import NOT_INSTALLED, Measured, Plan, Value
from .measuring import ratio, turns, turns_async

BY_HAND: Final = "a function as auth"
PEERS: Final = (BY_HAND, "httpx_auth", "authlib")
GUARDED: Final = "a fixed header behind the guard"
PROFILE: Final = loading.load(loading.builtin_profiles()["dastra"])
PATH: Final = "/v1/workspaces"
TOKEN: Final = "a-token-of-some-length-0123456789"
_JSON: Final = (("Content-Type", "application/json"),)
_ITEMS: Final = Response(200, _JSON, b'{"items": [], "total": 0}')
_ISSUED: Final = Response(
    200, _JSON, b'{"access_token": "%s", "token_type": "Bearer", "expires_in": 3600, "scope": "api1"}' % TOKEN.encode()
)
REFUSES: Final = "takes no httpx2"


def answer(request: Request) -> Response:
    """Answer at once: a token to a POST, and what the API has to whatever else."""
    return _ISSUED if request.method == "POST" else _ITEMS


def sync(plan: Plan, *, library: str) -> Measured:
    """Measure blocking clients, request by request in turn."""
    sides: dict[str, Callable[[], object]] = {}
    for name, client in _clients(library, is_async=False).items():
        sides[name] = _getting(client)
    return _compared(turns(sides, plan.rounds(5000, 1500)), library)


def asynchronous(plan: Plan, *, library: str) -> Measured:
    """Measure asynchronous clients, request by request in turn, in one event loop."""
    sides: dict[str, Callable[[], Awaitable[object]]] = {}
    for name, client in _clients(library, is_async=True).items():
        sides[name] = _getting(client)
    return _compared(asyncio.run(turns_async(sides, plan.rounds(5000, 1500))), library)


def _getting(client: Any) -> Callable[[], Any]:
    return lambda: client.get(PATH)


def _by_hand(request: Any) -> Any:
    """Do what cannot be done without: put a token into a request."""
    request.headers["Authorization"] = f"Bearer {TOKEN}"
    return request


def _clients(library: str, *, is_async: bool) -> dict[str, Any]:
    server, redactor = Server(PROFILE), Redactor()
    connector = InProcess(library, answer)
    identities = Identities(server.profile, server.lookup, redactor)
    store = TokenStore(server.clock, server.profile.token.leeway)
    authenticator = Authenticator(server.profile, identities, store, redactor)
    build = build_async_client if is_async else build_client
    module = connector.library.module
    kind = module.AsyncClient if is_async else module.Client
    transport = connector.async_transport if is_async else connector.transport
    url = server.profile.base_url
    fixed = {"Authorization": f"Bearer {TOKEN}"}
    made = build(server.profile, connector, redactor, authenticator=authenticator)
    clients: dict[str, Any] = {
        "fixed": kind(base_url=url, transport=transport(), headers=fixed),
        "again": kind(base_url=url, transport=transport(), headers=fixed),
        "ours": made,
        GUARDED: kind(base_url=url, transport=made._transport, headers=fixed),
        BY_HAND: kind(base_url=url, transport=transport(), auth=_by_hand),
    }
    token_url = server.profile.url(server.profile.token_endpoint)
    auth = peers.httpx_auth(token_url, module.Client(transport=connector.transport())) if library == "httpx" else None
    if auth is not None:
        clients["httpx_auth"] = kind(base_url=url, transport=transport(), auth=auth)
    authlib = peers.authlib(library)
    if authlib is not None:
        oauth = authlib.AsyncOAuth2Client if is_async else authlib.OAuth2Client
        token = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "expires_at": 4_000_000_000}
        clients["authlib"] = oauth(peers.CLIENT_ID, token=token, base_url=url, transport=transport())
    return clients


def _compared(spent: dict[str, list[float]], library: str) -> Measured:
    base = spent["fixed"]
    told: dict[str, Value | str] = {
        name: ratio(spent[name], base) if name in spent else NOT_INSTALLED for name in PEERS
    }
    if library == "httpx2":
        told["httpx_auth"] = REFUSES
    guard = f"of which, with {GUARDED}: {ratio(spent[GUARDED], base)}"
    return Measured(ratio(spent["ours"], base), ratio(spent["again"], base), told, (guard,))

"""How a client meets a test's own answers: exceptions, delays, bodies cut off, routes of the mock's router."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.http import InProcess
from pytest_apiauth.http.mock import double
from pytest_apiauth.installed import LIBRARIES
from tests.embedded.caller import profile_named
from tests.here import USUAL, has, httpx, needs

PLACE = "/v1/workspaces"
WHOLE = "https://api.dastra.eu/v1/workspaces"
WAYS = [
    (name, way, is_async) for name in LIBRARIES for way in ("in process", "by the mock") for is_async in (False, True)
]
Get = Callable[..., Any]


@pytest.fixture
def server() -> Server:
    return Server(profile_named("dastra"))


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1]}-{'a' * way[2]}sync")
def way(request: pytest.FixtureRequest, server: Server) -> Any:
    """A client of either library, blocking or not, in process or by the mock; its module and a way to send with it."""
    name, by, is_async = request.param
    if not has(name):
        pytest.skip(f"needs {name}, not installed here")
    module = importlib.import_module(name)
    headers = {"Authorization": f"Bearer {server.issue().reveal()}"}
    options: dict[str, Any] = {"base_url": server.profile.base_url, "headers": headers, "timeout": 5}

    def send(method: str, place: str, **extra: Any) -> Any:
        if not is_async:
            with module.Client(**options, **_transport(name, by, server, "transport")) as client:
                return client.request(method, place, **extra)

        async def sending() -> Any:
            async with module.AsyncClient(**options, **_transport(name, by, server, "async_transport")) as client:
                return await client.request(method, place, **extra)

        return asyncio.run(sending())

    if by == "in process":
        yield module, send
        return
    with double(name, server.origins, server.handle).mounted():
        yield module, send


def _transport(name: str, by: str, server: Server, kind: str) -> dict[str, Any]:
    return {} if by == "by the mock" else {"transport": getattr(InProcess(name, server.handle), kind)()}


@pytest.mark.parametrize(
    ("exception", "raised"),
    [
        (TimeoutError, "ReadTimeout"),
        (ConnectionRefusedError, "ConnectError"),
        (ConnectionResetError("reset"), "ReadError"),
        (ConnectionAbortedError, "RemoteProtocolError"),
        (socket.gaierror, "ConnectError"),
    ],
)
def test_an_exception_is_the_librarys_own(server: Server, way: Any, exception: Any, raised: str) -> None:
    """What happens to a connection is raised as the client's library says it, with its request; then all is well."""
    module, send = way
    own = server.respond("GET", PLACE, exception=exception, once=True)
    with pytest.raises(getattr(module, raised)) as found:
        send("GET", PLACE)
    assert found.value.request.url.path == PLACE
    assert own.called
    assert send("GET", PLACE).status_code == 200


def test_any_other_exception_is_raised_as_it_is(server: Server, way: Any) -> None:
    """A class or an instance of the library's, or of the test's own."""
    module, send = way
    server.respond("GET", PLACE, exception=module.PoolTimeout, once=True)
    server.respond("GET", PLACE, exception=LookupError("mine"), once=True)
    with pytest.raises(module.PoolTimeout):
        send("GET", PLACE)
    with pytest.raises(LookupError, match="mine"):
        send("GET", PLACE)


def test_a_delay_is_a_timeout_to_who_has_less_patience(server: Server, way: Any) -> None:
    """Nobody waits: a client's own read time-out decides, and the server's clock moves."""
    module, send = way
    server.respond("GET", PLACE, json="late", delay=6)
    with pytest.raises(module.ReadTimeout):
        send("GET", PLACE)
    assert send("GET", PLACE, timeout=6).json() == "late"
    assert send("GET", PLACE, timeout=None).json() == "late"


def test_a_body_is_cut_off(server: Server, way: Any) -> None:
    """The connection ends within the body, and the library says so."""
    module, send = way
    server.respond("POST", PLACE, json={"id": 9}, cut_off=4)
    with pytest.raises(module.RemoteProtocolError, match=r"received 4 bytes, expected 9"):
        send("POST", PLACE)


def test_on_a_socket_nothing_comes_in_the_place_of_an_answer(server: Server) -> None:
    """On loopback a connection ends, a body ends too early, and a client that is to time out waits for it itself."""
    server.respond("GET", PLACE, exception=ConnectionResetError, once=True)
    server.respond("GET", PLACE, json={"id": 9}, cut_off=4, once=True)
    server.respond("GET", PLACE, exception=TimeoutError, once=True)
    headers = {"Authorization": f"Bearer {server.issue().reveal()}"}
    with serve(server) as url, httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.get(PLACE)
        with pytest.raises(httpx.RemoteProtocolError, match="received 4 bytes, expected 9"):
            client.get(PLACE)
        with pytest.raises(httpx.ReadTimeout):
            client.get(PLACE, timeout=httpx.Timeout(60, read=0.05))
        assert client.get(PLACE).status_code == 200


@pytest.mark.parametrize("is_first", [True, False])
@needs("httpx", "respx")
@pytest.mark.parametrize("is_async", [False, True])
def test_routes_of_another_router_win_in_any_order(server: Server, is_first: bool, is_async: bool) -> None:
    """Whichever router was started first, a test's own route answers, the double the rest, and nobody other hosts."""

    def get(url: str) -> httpx.Response:
        if not is_async:
            return httpx.get(url)

        async def getting() -> httpx.Response:
            async with httpx.AsyncClient() as client:
                return await client.get(url)

        return asyncio.run(getting())

    import respx

    own = respx.mock(assert_all_called=False)
    late = double("httpx", server.origins, server.handle).mounted()
    with own if is_first else late, late if is_first else own:
        route = own.get(WHOLE, params={"page": "2"}).respond(json="mine")
        assert get(f"{WHOLE}?page=2").json() == "mine"
        assert get(WHOLE).status_code == 401
        assert route.call_count == 1
        with pytest.raises(AssertionError, match="not mocked"):
            get("https://other.example/")
    assert len(server.requests) == 1


def test_routes_of_the_mocks_own_router_win(server: Server) -> None:
    """A route that a test adds answers, the token endpoint's too; what it does not know, the double answers."""
    router: Any = double(USUAL, server.origins, server.handle)
    with router.mounted():
        created = router.post(WHOLE).respond(201, json={"id": 9})
        router.post("https://account.dastra.eu/connect/token").mock(
            side_effect=[httpx.ConnectTimeout, httpx.Response(503)]
        )
        assert httpx.post(WHOLE, json={"label": "new"}).json() == {"id": 9}
        with pytest.raises(httpx.ConnectTimeout):
            httpx.post("https://account.dastra.eu/connect/token")
        assert httpx.post("https://account.dastra.eu/connect/token").status_code == 503
        assert httpx.get(WHOLE).status_code == 401
        assert json.loads(created.calls.last.request.content) == {"label": "new"}
        assert router.calls.call_count == 4
    assert [request.method for request in server.requests] == ["GET"]

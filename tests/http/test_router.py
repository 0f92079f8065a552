"""The router that `apiauth_mock` gives where respx does not serve: routes in respx's words, before the double."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.http import library
from pytest_apiauth.http.router import MOUNTED, MockRouter, NotMockedError
from tests.embedded.caller import profile_named
from tests.here import EACH

WORKSPACES = "https://api.dastra.eu/v1/workspaces"
TOKEN = "https://account.dastra.eu/connect/token"
OTHER = "https://other.example/items"


@pytest.fixture(params=EACH)
def http(request: pytest.FixtureRequest) -> Any:
    """Each library; annotated as nobody's, since a test takes its classes by their names."""
    return importlib.import_module(request.param)


@pytest.fixture
def server() -> Server:
    return Server(profile_named("dastra"))


@pytest.fixture
def router(http: Any, server: Server) -> Iterator[MockRouter]:
    """A router at work, before a double."""
    made = MockRouter(library(http.__name__), server.origins, server.handle)
    with made.mounted():
        yield made


def get_async(http: Any, url: str, **options: Any) -> Any:
    """Ask by an asynchronous client."""

    async def asking() -> Any:
        async with http.AsyncClient() as client:
            return await client.get(url, **options)

    return asyncio.run(asking())


def test_routes_answer_and_the_double_does_the_rest(http: Any, router: MockRouter, server: Server) -> None:
    """Own routes come first, without the check; calls of both are counted, with what was asked and answered."""
    route = router.get(WORKSPACES).respond(201, json={"items": []}, headers={"X-Own": "1"})
    found = http.get(WORKSPACES, headers={"X-Asked": "a"})
    assert (found.status_code, found.json(), found.headers["x-own"]) == (201, {"items": []}, "1")
    assert http.post(TOKEN, data={}).status_code == 400
    assert get_async(http, WORKSPACES).status_code == 201

    assert (route.called, route.call_count, router.calls.call_count, len(server.requests)) == (True, 2, 3, 1)
    assert route.calls[0].request.headers["x-asked"] == "a"
    assert route.calls.last.response.json() == {"items": []}
    assert router.calls[1].response.json()["error"]


@pytest.mark.parametrize("is_async", [False, True])
def test_side_effects(http: Any, router: MockRouter, is_async: bool) -> None:
    """An error, a class of one, a function, and a list that has each of them once."""

    def ask() -> Any:
        return get_async(http, WORKSPACES) if is_async else http.get(WORKSPACES)

    def teapot(request: Any) -> Any:
        return http.Response(418, text=request.method)

    async def later(request: Any) -> Any:
        return http.Response(202)

    route = router.get(WORKSPACES)
    assert ask().status_code == 200
    for error in (http.ConnectTimeout, http.ConnectTimeout("slow"), ZeroDivisionError):
        route.mock(side_effect=error)
        with pytest.raises(error if isinstance(error, type) else type(error)) as caught:
            ask()
        assert not route.calls.last.has_response
        with pytest.raises(ValueError, match="has no response"):
            route.calls.last.response  # noqa: B018
    assert not isinstance(caught.value, http.HTTPError)
    route.mock(side_effect=teapot)
    assert (ask().status_code, ask().text) == (418, "GET")
    route.mock(side_effect=later)
    assert ask().status_code == 202
    route.mock(side_effect=[http.ReadError, http.Response(503), teapot, lambda request: None])
    with pytest.raises(http.ReadError):
        ask()
    # A function that returns nothing leaves the request to the double.
    assert [ask().status_code for _ in range(3)] == [503, 418, 401]
    with pytest.raises(RuntimeError, match="used up"):
        ask()


def test_a_coroutine_cannot_answer_who_blocks_its_loop(http: Any, router: MockRouter) -> None:
    """A blocking client in the event loop's own thread is told so, and nothing is left unawaited."""

    async def later(request: Any) -> Any: ...

    async def asking() -> None:
        http.get(WORKSPACES)

    router.get(WORKSPACES).mock(side_effect=later)
    with pytest.raises(TypeError, match="give a plain function"):
        asyncio.run(asking())


def test_what_a_route_is_for(http: Any, router: MockRouter) -> None:
    """Method, URL as text or pattern, host, path and parameters; the first that fits answers."""
    router.get(f"{WORKSPACES}?page=2").respond(202)
    router.get(WORKSPACES, params={"size": 5}).respond(205)
    router.request("GET", re.compile(r"https://api\.dastra\.eu/v1/\w+/\d+")).respond(206)
    router.route(host="other.example", path="/items").respond(207)
    router.route(method="delete", path=re.compile("/v1/")).respond(204)
    for method in ("put", "patch", "head", "options", "post"):
        getattr(router, method)(WORKSPACES).respond(208)

    asked = [f"{WORKSPACES}?a=b&page=2", f"{WORKSPACES}?size=5", f"{WORKSPACES}/17", OTHER, WORKSPACES]
    assert [http.get(url).status_code for url in asked] == [202, 205, 206, 207, 401]
    assert http.delete(f"{WORKSPACES}/9").status_code == 204
    assert {http.request(name, WORKSPACES).status_code for name in ("PUT", "PATCH", "HEAD", "OPTIONS", "POST")} == {208}


def test_a_route_that_is_asked_for_again_is_the_same(http: Any, router: MockRouter) -> None:
    """A fixture's answer is changed by the test that has another one; names find routes."""
    first = router.get(WORKSPACES, name="list").respond(200)
    second = router.get(WORKSPACES).respond(500)

    assert first is second is router["list"]
    assert http.get(WORKSPACES).status_code == 500
    with pytest.raises(KeyError):
        router["others"]
    router.reset()
    assert (first.called, list(router.calls)) == (False, [])
    router.clear()
    assert http.get(WORKSPACES).status_code == 401


def test_other_hosts_are_refused_but_this_machine(http: Any, router: MockRouter, server: Server) -> None:
    """A request that nothing answers is an assertion of one line; what this machine serves is reached as ever."""
    line = r"^apiauth_mock: GET https://other\.example is not mocked: it is no host of a profile here; add a route"
    with pytest.raises(NotMockedError, match=line) as caught:
        http.get(f"{OTHER}?token=s3cret")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(AssertionError):
        get_async(http, OTHER)
    with serve(server) as url:
        assert http.get(f"{url}/v1/workspaces").status_code == 401
    router.route(host="127.0.0.1").pass_through()
    with serve(server) as url:
        assert get_async(http, f"{url}/v1/workspaces").status_code == 401
    assert router.calls.call_count == 1


def test_responses_are_those_of_the_library(http: Any, router: MockRouter) -> None:
    """What is no response of it, or has no body yet, is told where it is given."""
    route = router.get(WORKSPACES)
    with pytest.raises(TypeError, match=rf"expected a response of the library that is chosen, {http.__name__}\.Resp"):
        route.mock(204)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="with its body at hand"):
        route.return_value = http.Response(200, content=iter([b"a"]))
    route.mock(side_effect=lambda request: 204)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected a response"):
        http.get(WORKSPACES)


def test_bodies_travel_as_they_are(http: Any, router: MockRouter) -> None:
    """An answer can be streamed, again and again, and its call be read all the same."""
    router.get(WORKSPACES).mock(return_value=http.Response(200, content=b"a" * 10, headers={"ETag": "x"}))
    with http.Client() as client:
        for _ in range(2):
            with client.stream("GET", WORKSPACES) as found:
                assert b"".join(found.iter_raw()) == b"a" * 10
    assert router.calls.last.response.content == b"a" * 10


def test_nothing_stays_behind(http: Any, server: Server) -> None:
    """After the last router the library's own transports are as they were, whichever is unmounted first."""
    kinds = http.HTTPTransport, http.AsyncHTTPTransport
    before = [dict(vars(kind)) for kind in kinds]
    first = MockRouter(library(http.__name__), server.origins, server.handle)
    second = MockRouter(library(http.__name__), [], server.handle)
    with first.mounted():
        with second.mounted():
            second.get(WORKSPACES).respond(204)
            assert http.get(WORKSPACES).status_code == 204
        assert http.get(WORKSPACES).status_code == 401
        assert [dict(vars(kind)) for kind in kinds] != before
    assert [dict(vars(kind)) for kind in kinds] == before
    assert MOUNTED == []


def test_routes_can_be_brought_back(http: Any, router: MockRouter) -> None:
    """What one test adds, changes and sees is gone for the next; what a fixture has said meanwhile stays."""
    kept = router.get(WORKSPACES).respond(200)
    start = router.bookmark()
    kept.respond(500)
    router.post(WORKSPACES).respond(201)
    assert http.get(WORKSPACES).status_code == 500
    changed = router.bookmark()
    router.recall(start)
    assert (http.get(WORKSPACES).status_code, http.post(WORKSPACES).status_code) == (200, 401)
    router.recall(start.plus(start, changed))
    assert (http.get(WORKSPACES).status_code, http.post(WORKSPACES).status_code) == (500, 201)
    router.recall(changed.minus(start, changed))
    assert http.post(WORKSPACES).status_code == 401
    assert json.loads(http.get(WORKSPACES).text or "null") is None


def test_another_mock_has_what_is_left(http: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test has put before the network already is asked where the double and its routes have no answer."""
    monkeypatch.setattr(http.HTTPTransport, "handle_request", lambda self, request: http.Response(204))
    made = MockRouter(library(http.__name__), server.origins, server.handle)
    with made.mounted():
        assert [http.get(url).status_code for url in (OTHER, WORKSPACES)] == [204, 401]

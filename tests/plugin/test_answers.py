"""Answers of a test's own through the fixtures, as the author of a client meets them."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Run, output
from tests.plugin.test_fixtures import passes


def test_clients_of_fixtures_meet_own_answers(pytester: pytest.Pytester, run: Run) -> None:
    """Blocking and asynchronous clients get what a test says once they have a token; without one they are refused."""
    source = """
        import asyncio
        import httpx
        import pytest
        from pytest_apiauth import Reply

        pytestmark = pytest.mark.apiauth("dastra")

        def test_create(apiauth_client, apiauth_client_factory, apiauth_server):
            created = apiauth_server.respond("POST", "/v1/workspaces", status=201, json={"id": 9})
            assert apiauth_client_factory(credentials=()).post("/v1/workspaces").status_code == 401
            answer = apiauth_client.post("/v1/workspaces", json={"label": "new"})
            assert (answer.status_code, answer.json()) == (201, {"id": 9})
            assert created.requests[0].json() == {"label": "new"}
            assert [request.method for request in apiauth_server.requests_to("/v1/workspaces")] == ["POST", "POST"]

        def test_pages(apiauth_async_client, apiauth_server):
            @apiauth_server.route("GET", "/v1/workspaces")
            def page(request):
                return Reply(json={"page": int(request.params["page"])})

            async def pages():
                return [await apiauth_async_client.get("/v1/workspaces", params={"page": n}) for n in (1, 2)]

            assert [answer.json()["page"] for answer in asyncio.run(pages())] == [1, 2]

        def test_time_out_then_token_failure(apiauth_client, apiauth_server):
            apiauth_server.respond("GET", "/v1/workspaces", exception=httpx.ReadTimeout, once=True)
            with pytest.raises(httpx.ReadTimeout):
                apiauth_client.get("/v1/workspaces")
            apiauth_server.expire()
            apiauth_server.respond("POST", "token", status=503, once=True)
            with pytest.raises(Exception, match="503"):
                apiauth_client.get("/v1/workspaces")
            assert apiauth_client.get("/v1/workspaces").json()["total"] == 3
    """

    passes(pytester, run, source)


def test_own_routes_of_respx_win_in_any_order_of_fixtures(pytester: pytest.Pytester, run: Run) -> None:
    """Routes of apiauth_mock and of respx_mock answer before the double, whichever fixture is named first."""
    source = """
        import httpx
        import pytest

        pytestmark = pytest.mark.apiauth("dastra")
        WORKSPACES = "https://api.dastra.eu/v1/workspaces"
        TOKEN = "https://account.dastra.eu/connect/token"

        def test_own_router(apiauth_mock):
            apiauth_mock.post(WORKSPACES).respond(201, json={"id": 9, "label": "new"})
            apiauth_mock.post(TOKEN).respond(503)
            assert httpx.post(WORKSPACES).status_code == 201
            assert httpx.post(TOKEN).status_code == 503
            assert httpx.get(WORKSPACES).status_code == 401

        def both(respx_mock):
            route = respx_mock.post(WORKSPACES).respond(201)
            assert httpx.post(WORKSPACES).status_code == 201
            assert httpx.get(WORKSPACES).status_code == 401
            assert route.call_count == 1

        def test_mock_first(apiauth_mock, respx_mock):
            both(respx_mock)

        def test_mock_last(respx_mock, apiauth_mock):
            both(respx_mock)
    """

    passes(pytester, run, source)


def test_a_mistake_is_shown_at_the_tests_own_line(pytester: pytest.Pytester, run: Run) -> None:
    """The last line of source that a wrong argument shows is the test's."""
    path = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.apiauth("dastra")
        def test_it(apiauth_server):
            apiauth_server.respond("GET", "/v1/workspaces", status="201")
        """
    )
    result = run(path.name)

    assert result.ret == 1
    lines = [line for line in result.outlines if line.startswith((">", "E "))]
    assert lines == [
        '>       apiauth_server.respond("GET", "/v1/workspaces", status="201")',
        "E       TypeError: expected a status from 200 to 599, got a str",
    ], output(result)

"""Answers of a test's own through the fixtures, as the author of a client meets them."""

from __future__ import annotations

import pytest

from tests.here import needs
from tests.plugin.projects import Run, output, passes, told


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


def test_own_routes_win(pytester: pytest.Pytester, run: Run) -> None:
    """Routes that a test adds to apiauth_mock answer before the double, the token endpoint's too."""
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
    """

    passes(pytester, run, source)


@needs("respx")
def test_routes_of_respx_win_in_any_order_of_fixtures(pytester: pytest.Pytester, run: Run) -> None:
    """Routes of respx_mock answer before the double, whichever fixture is named first."""
    source = """
        import httpx
        import pytest

        pytestmark = pytest.mark.apiauth("dastra")
        WORKSPACES = "https://api.dastra.eu/v1/workspaces"

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


def test_an_answer_at_a_path_twice_is_told_beside_a_failure(pytester: pytest.Pytester, run: Run) -> None:
    """A path continues api_url's; whoever writes that again is told, and nobody else is."""
    pytester.makepyfile(
        test_it="""
        import pytest

        pytestmark = pytest.mark.apiauth("digishare")

        def test_twice(apiauth_client, apiauth_server):
            apiauth_server.respond("GET", "/v1/contacts", json={"mine": True})
            assert apiauth_client.get("/contacts").json() == {"mine": True}

        def test_right(apiauth_client, apiauth_server):
            apiauth_server.respond("GET", "/contacts", json={"mine": True})
            apiauth_server.respond("GET", "/v1/messages", json={})
            assert apiauth_client.get("/contacts").json() == {}

        def test_meant(apiauth_client, apiauth_server):
            apiauth_server.respond("GET", "/v1/contacts", json={"mine": True})
            assert apiauth_client.get("/v1/contacts").json() == {}
        """
    )

    result = run("test_it.py")

    result.assert_outcomes(failed=3)
    text = output(result)
    assert text.count("nobody asked for the test's own answer") == 1
    assert (
        "nobody asked for the test's own answer to GET /v1/contacts: a path continues api_url, so it is at"
        " https://api.digishare.ma/v1/v1/contacts; write /contacts for the GET /v1/contacts that came"
    ) in text


def test_a_request_without_its_credential_is_told_beside_a_failure(pytester: pytest.Pytester, run: Run) -> None:
    """A refusal says 401 and no more; beside a failure stands what the request lacked, and what it had instead."""
    pytester.makepyfile(
        test_it="""
        import pytest

        def ask(factory, **headers):
            return factory(credentials=()).get("/user/me", headers=headers).status_code

        @pytest.mark.apiauth("jindexe")
        class TestKeyAndToken:
            def test_nothing(self, apiauth_client_factory):
                assert [ask(apiauth_client_factory) for _ in range(9)] == [200]

            def test_key(self, apiauth_client_factory):
                assert ask(apiauth_client_factory, **{"X-API-KEY": "any"}) == 200

            def test_basic(self, apiauth_client_factory):
                assert ask(apiauth_client_factory, Authorization="Basic YTpi", **{"X-API-KEY": "any"}) == 200

            def test_preflight(self, apiauth_client_factory):
                assert apiauth_client_factory(credentials=()).options("/user/me").status_code == 1

            def test_both(self, apiauth_client):
                assert apiauth_client.get("/user/me").status_code == 201

            def test_instead(self, apiauth_client_factory):
                client = apiauth_client_factory(credentials=())
                assert client.get("/public/cards", headers={"Authorization": "Token a"}).status_code == 200
        """
    )

    result = run("test_it.py")

    result.assert_outcomes(failed=6)
    asked = ", which the profile asks for there"
    assert [line for line in result.outlines if line.endswith(asked) or f"{asked}; " in line] == [
        f"jindexe: GET /user/me came without X-API-KEY and Authorization: Bearer{asked}",
        f"jindexe: GET /user/me came without Authorization: Bearer{asked}",
        f"jindexe: GET /user/me came without Authorization: Bearer{asked}; its Authorization has no Bearer in front",
        f"jindexe: GET /public/cards came without X-API-KEY{asked}; it has an Authorization",
    ]


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


def test_apps_are_mounted_behind_the_check(pytester: pytest.Pytester, run: Run) -> None:
    """An ASGI or WSGI app answers below a path, to who may enter; its lifespan ends with the test."""
    source = """
        import pytest

        pytestmark = pytest.mark.apiauth("dastra")
        EVENTS = []

        async def asgi(scope, receive, send):
            if scope["type"] == "lifespan":
                for event in ("startup", "shutdown"):
                    assert (await receive())["type"] == f"lifespan.{event}"
                    EVENTS.append(event)
                    await send({"type": f"lifespan.{event}.complete"})
                return
            body = (await receive())["body"]
            where = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {body.decode()}"
            await send({"type": "http.response.start", "status": 202, "headers": [(b"x-app", b"asgi")]})
            await send({"type": "http.response.body", "body": where.encode()})

        def wsgi(environ, start_response):
            start_response("203 Mine", [("X-App", "wsgi")])
            return [environ["PATH_INFO"].encode()]

        def failing(environ, start_response):
            raise LookupError("mine")

        def test_asgi(apiauth_client, apiauth_client_factory, apiauth_server):
            mounted = apiauth_server.mount("/v1/reports", asgi)
            assert apiauth_client_factory(credentials=()).get("/v1/reports/1").status_code == 401
            answer = apiauth_client.post("/v1/reports/a%20b/1?page=2", content=b"body")
            assert (answer.status_code, answer.headers["x-app"]) == (202, "asgi")
            assert answer.text == "POST /a b/1?page=2 body"
            assert apiauth_client.get("/v1/reports").text == "GET /? "
            assert apiauth_client.get("/v1/reportsandmore").json() == {"zone": "api"}
            assert mounted.call_count == 2
            assert EVENTS == ["startup"]

        def test_wsgi(apiauth_client, apiauth_server):
            assert EVENTS == ["startup", "shutdown"]
            apiauth_server.mount("/v1/", wsgi)
            answer = apiauth_client.get("/v1/workspaces")
            assert (answer.status_code, answer.reason_phrase, answer.text) == (203, "Mine", "/workspaces")
            apiauth_server.mount("/v1/", "test_apps:failing")
            assert apiauth_client.get("/v1/workspaces").status_code == 500

        def test_no_app(apiauth_server):
            with pytest.raises(Exception, match="mount: got an object, which cannot be told to be an app"):
                apiauth_server.mount("/v1", object())
    """
    pytester.makepyfile(test_apps=source)
    result = run("test_apps.py", "-W", "error", "-p", "no:logging")

    assert result.parseoutcomes() == {"passed": 3}, output(result)


def test_the_tokens_text_is_at_hand(pytester: pytest.Pytester, run: Run) -> None:
    """``apiauth_token.authorization`` is what a client of one's own sends; its secret stays hidden in what is shown."""
    source = """
        import httpx
        import pytest

        @pytest.mark.apiauth("dastra")
        def test_it(apiauth_mock, apiauth_token):
            headers = {"Authorization": apiauth_token.authorization}
            assert httpx.get("https://api.dastra.eu/v1/workspaces", headers=headers).status_code == 200
            assert apiauth_token.access_token.reveal() not in repr(apiauth_token)
    """

    passes(pytester, run, source)


PAYLOADS = """
schema = 1
extends = "dastra"
payloads = "openapi.json"
api_url = "https://api.shop.example"
"""
DOCUMENT = """{
  "openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": "https://api.shop.example"}],
  "paths": {
    "/v1/items/{item-id}": {"get": {"responses": {"200": {"description": "", "content": {
      "application/json": {"example": {"id": 1}}}}}}},
    "/v1/items/latest": {"get": {"responses": {"200": {"description": "", "content": {
      "application/json": {"examples": {"one": {"value": {"id": 7}}}}}}}}}
  }
}"""


def test_examples_of_a_document_are_the_payloads(pytester: pytest.Pytester, run: Run) -> None:
    """GET routes answer by the document that the profile names, behind the check; what a test says comes first."""
    (pytester.path / "api").mkdir()
    (pytester.path / "api" / "shop.apiauth.toml").write_text(PAYLOADS, encoding="utf-8")
    (pytester.path / "api" / "openapi.json").write_text(DOCUMENT, encoding="utf-8")
    (pytester.path / "own.apiauth.toml").write_text('schema = 1\nextends = "api/shop.apiauth.toml"', encoding="utf-8")
    source = """
        import pytest

        @pytest.mark.parametrize("name", ["api/shop.apiauth.toml", "own.apiauth.toml"])
        def test_it(request, name):
            request.node.add_marker(pytest.mark.apiauth(name))
            apiauth_client = request.getfixturevalue("apiauth_client")
            factory = request.getfixturevalue("apiauth_client_factory")
            assert apiauth_client.get("/v1/items/3").json() == {"id": 1}
            assert apiauth_client.get("/v1/items/latest").json() == {"id": 7}
            assert factory(credentials=()).get("/v1/items/3").status_code == 401
            assert apiauth_client.post("/v1/items/3").status_code == 405
            request.getfixturevalue("apiauth_server").respond("GET", "/v1/items/{id}", json="own")
            assert apiauth_client.get("/v1/items/latest").json() == "own"
    """

    passes(pytester, run, source)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, "cannot be read: No such file"),
        ("{", "not JSON"),
        ('{"issuer": "https://a.example", "token_endpoint": "https://a.example/t"}', "expected an OpenAPI or Swagger"),
        ('{"openapi": "3.1.0", "paths": {}}', "no GET answer of it has an example"),
    ],
)
def test_a_document_without_payloads_is_one_line(
    pytester: pytest.Pytester, run: Run, document: str | None, words: str
) -> None:
    """What cannot be read, or has no example, is told in one line with profile and key."""
    (pytester.path / "pay.apiauth.toml").write_text(PAYLOADS, encoding="utf-8")
    if document is not None:
        (pytester.path / "openapi.json").write_text(document, encoding="utf-8")
    path = pytester.makepyfile("import pytest\n@pytest.mark.apiauth('pay')\ndef test_it(apiauth_client): ...")
    result = run(path.name)

    assert result.ret == 1
    told(result, "pay: payloads: ", "openapi.json", words)

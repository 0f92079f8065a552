"""Servers that tests of a class, a module or a package share by their mark."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SHOP, Run, output, passes
from tests.plugin.test_scopes import scoped


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_module_shares_a_server_by_its_mark(pytester: pytest.Pytester, run: Run) -> None:
    """Tokens that the code keeps for a module are good in all of its tests, and count in the first alone."""
    source = """
        import httpx
        import pytest

        pytestmark = pytest.mark.apiauth(server_scope="module")
        TOKENS = []

        def me(server):
            if not TOKENS:
                TOKENS.append(server.issue().reveal())
            key = next(value for name, value in server.environment.items() if "API_KEY" in name)
            headers = {"Authorization": f"Bearer {TOKENS[0]}", "X-API-KEY": key}
            return httpx.get("https://api.shop.example/user/me", headers=headers).status_code

        def test_first(apiauth_mock, apiauth_server):
            assert me(apiauth_server) == 200
            assert apiauth_server.tokens_issued == 1

        @pytest.mark.apiauth(user="second")
        def test_another_user(apiauth_mock, apiauth_server, apiauth_client):
            assert me(apiauth_server) == 200
            assert apiauth_client.get("/user/me").json()["user"].startswith("second.")
            assert (apiauth_server.tokens_issued, apiauth_server.token_requests) == (1, 1)

        @pytest.mark.apiauth("jindexe")
        def test_another_profile(apiauth_client, apiauth_profile):
            assert apiauth_profile.name == "jindexe"
            assert apiauth_client.get("/user/me").status_code == 200

        def test_last(apiauth_mock, apiauth_server):
            assert me(apiauth_server) == 200
    """

    passes(pytester, run, source)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["mark", "ini"])
def test_nothing_that_a_test_tells_a_shared_server_reaches_the_next(
    pytester: pytest.Pytester, run: Run, way: str
) -> None:
    """Answers, refusals, routes, requests, counters and moves of the clock end with their test."""
    if way == "ini":
        scoped(pytester, "module")
    mark = 'pytestmark = pytest.mark.apiauth(server_scope="module")' if way == "mark" else ""
    source = f"""
        import httpx, pytest
        {mark}

        @pytest.mark.parametrize("turn", range(3))
        def test_it(turn, apiauth_client, apiauth_server, apiauth_mock):
            start = apiauth_server.clock.now()
            assert start == 1_700_000_000
            assert apiauth_server.requests == [] == apiauth_server.strangers
            assert apiauth_client.get("/user/me").json().get("mine") is None
            assert apiauth_mock.calls.call_count == 0 == len(apiauth_mock.routes)
            apiauth_server.respond("GET", "/user/me", json={{"mine": turn}})
            apiauth_server.respond("GET", "/user/me", status=404, once=True)
            assert apiauth_client.get("/user/me").status_code == 404
            assert apiauth_client.get("/user/me").json() == {{"mine": turn}}
            apiauth_server.expire()
            apiauth_server.refuse_next(503, times=5)
            apiauth_mock.get("https://api.shop.example/user/me").respond(418)
            assert httpx.get("https://api.shop.example/user/me").status_code == 418
            with pytest.raises(httpx.HTTPError):
                apiauth_server.respond("GET", "/user/me", exception=httpx.ReadTimeout, once=True)
                for _ in range(6):
                    apiauth_client.get("/user/me")
    """

    passes(pytester, run, source)


def test_marks_of_class_and_module_are_read_where_the_scope_is_wider(pytester: pytest.Pytester, run: Run) -> None:
    """User and profile of a class's or a module's mark are those of its fixtures."""
    scoped(pytester, "class")
    source = """
        import pytest

        @pytest.mark.apiauth("jindexe", user="second")
        class TestSecond:
            def test_it(self, apiauth_client, apiauth_profile):
                assert apiauth_profile.name == "jindexe"
                assert apiauth_client.get("/user/me").json()["user"].startswith("second.")

        class TestDefault:
            def test_it(self, apiauth_client):
                assert apiauth_client.get("/user/me").json()["user"].startswith("default.")

        @pytest.mark.apiauth(user="second")
        def test_alone(apiauth_client):
            assert apiauth_client.get("/user/me").json()["user"].startswith("second.")
    """

    passes(pytester, run, source)


def test_package_shares_a_server_by_its_mark(pytester: pytest.Pytester, run: Run) -> None:
    """Modules of a package meet one server, and those beside it another."""
    source = """
        import pytest
        pytestmark = pytest.mark.apiauth(server_scope="package")

        def test_it(apiauth_server, request):
            request.config.seen = {**getattr(request.config, "seen", {}), request.node.nodeid: id(apiauth_server)}
            request.config.kept = [*getattr(request.config, "kept", []), apiauth_server]
    """
    for name in ("a/test_a.py", "a/test_b.py", "b/test_c.py"):
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text("\n".join(line[8:] for line in source.splitlines()), encoding="utf-8")
    (pytester.path / "test_z.py").write_text(
        "def test_it(request):\n"
        "    servers = {key.split('::')[0]: value for key, value in request.config.seen.items()}\n"
        "    assert servers['a/test_a.py'] == servers['a/test_b.py'] != servers['b/test_c.py']\n"
    )

    result = run("-W", "error")

    assert result.parseoutcomes() == {"passed": 4}, output(result)


def test_reset_on_request(pytester: pytest.Pytester, run: Run) -> None:
    """reset() takes back answers and what was asked; tokens and the clock stay."""
    source = """
        def test_it(apiauth_client, apiauth_server):
            apiauth_server.respond("GET", "/user/me", json="mine")
            apiauth_server.clock.advance(5)
            assert apiauth_client.get("/user/me").json() == "mine"
            apiauth_server.reset()
            assert (apiauth_server.requests, apiauth_server.token_requests) == ([], 0)
            assert apiauth_client.get("/user/me").json() != "mine"
            assert apiauth_server.token_requests == 0
            assert apiauth_server.clock.now() == 1_700_000_005
    """

    passes(pytester, run, source)


def test_token_of_another_modules_server_is_told(pytester: pytest.Pytester, run: Run) -> None:
    """Where modules have servers of their own, a token that code keeps for longer is named beside the failure."""
    scoped(pytester, "module")
    source = """
        import httpx
        import keeping

        def test_it(apiauth_mock, apiauth_server):
            if not keeping.TOKENS:
                keeping.TOKENS += [apiauth_server.issue(), apiauth_server.issue()]
            key = apiauth_server.environment["JINDEXE_API_KEY"]
            headers = {"Authorization": f"Bearer {keeping.TOKENS[1].reveal()}", "X-API-KEY": key}
            assert httpx.get("https://api.shop.example/user/me", headers=headers).status_code == 200
    """
    pytester.makepyfile(keeping="TOKENS = []", test_a=source, test_b=source)

    result = run()

    result.assert_outcomes(passed=1, failed=1)
    (line,) = [line for line in output(result).splitlines() if "was issued in an earlier test" in line]
    assert "test_a.py" in line
    assert "apiauth_server_scope" in line


@pytest.mark.parametrize("way", ["mark", "ini"])
def test_servers_of_several_apis_are_shared_alike(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """Each API that a test talks to, named by its mark or by the factory alone, ends its test as the first does."""
    if way == "ini":
        scoped(pytester, "module")
    more = ', server_scope="module"' if way == "mark" else ""
    source = f"""
        import httpx, pytest
        from hypothesis import given, settings, strategies as st

        pytestmark = pytest.mark.apiauth("shop", "dastra"{more})
        WORKSPACES = "/v1/workspaces"

        @pytest.mark.parametrize("turn", range(2))
        def test_it(turn, apiauth_client_factory, apiauth_servers, apiauth_mock):
            for name, path in (("dastra", WORKSPACES), ("digishare", "/campaigns")):
                server, client = apiauth_servers[name], apiauth_client_factory(profile=name)
                assert server.requests == []
                server.respond("GET", path, json=turn)
                assert client.get(path).json() == turn
                server.refuse_next(503)
            assert httpx.get("https://api.dastra.eu/v1/workspaces").status_code == 503

        @given(n=st.integers(0, 9))
        @settings(max_examples=4, database=None)
        def test_property(n, apiauth_client_factory, apiauth_servers):
            for name, path in (("dastra", WORKSPACES), ("digishare", "/campaigns")):
                assert apiauth_servers[name].requests == []
                apiauth_servers[name].respond("GET", path, json=n, once=True)
                assert apiauth_client_factory(profile=name).get(path).json() == n
                apiauth_servers[name].refuse_next(503)
    """

    passes(pytester, run, source)

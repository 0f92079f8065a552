"""Fixtures and servers of wider scope: what tests share, and what none finds of another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.here import USUAL, needs
from tests.plugin.projects import SHOP, Run, output, passes, served, told


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def scoped(pytester: pytest.Pytester, scope: str) -> None:
    """Have the project's fixtures be of a scope."""
    pytester.makeini(f"[pytest]\napiauth_server_scope = {scope}\n")


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_fixtures_of_wider_scope_ask_for_clients(pytester: pytest.Pytester, run: Run, scope: str) -> None:
    """With the ini key a project's own fixture of that scope has client, mock, URL, token and server."""
    scoped(pytester, scope)
    source = f"""
        import httpx, os, urllib.error, urllib.request
        import pytest

        ME = "https://api.shop.example/user/me"

        @pytest.fixture(scope={scope!r})
        def lib(apiauth_client, apiauth_client_factory, apiauth_mock, apiauth_url, apiauth_token, apiauth_server):
            answer = httpx.get(ME, headers={{"Authorization": apiauth_token.authorization}})
            assert answer.status_code == 401  # the key is missing
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(apiauth_url + "/user/me")
            yield apiauth_client
            assert apiauth_client.get(ME).status_code == 200
            assert httpx.get(ME).status_code == 401

        class TestIt:
            def test_one(self, lib, apiauth_server):
                assert lib.get(ME).status_code == 200
                assert "JINDEXE_API_KEY" in os.environ

            def test_two(self, lib, apiauth_server, apiauth_async_client):
                assert lib.get(ME).status_code == 200
                assert [request.url for request in apiauth_server.requests] == [ME]

            def test_without(self):
                assert "JINDEXE_API_KEY" not in os.environ
    """

    passes(pytester, run, source)


def test_what_a_wide_fixture_tells_a_server_lasts_as_long_as_the_fixture(pytester: pytest.Pytester, run: Run) -> None:
    """Its answers are there in each test as it left them, and not in the next module."""
    scoped(pytester, "session")
    pytester.makepyfile(
        test_a="""
        import pytest

        @pytest.fixture(scope="module")
        def workspaces(apiauth_client, apiauth_server, apiauth_mock):
            apiauth_client.get("/user/me")
            apiauth_server.clock.advance(60)
            apiauth_mock.get("https://api.shop.example/user/routed").respond(204)
            apiauth_server.respond("GET", "/user/list", status=503, once=True)
            return apiauth_server.respond("GET", "/user/list", json=["a"])

        @pytest.mark.parametrize("turn", range(3))
        def test_it(turn, workspaces, apiauth_client, apiauth_server, apiauth_mock):
            assert apiauth_server.clock.now() == 1_700_000_060
            assert apiauth_server.requests == []
            assert apiauth_client.get("/user/list").status_code == 503
            assert apiauth_client.get("/user/list").json() == ["a"]
            assert workspaces.call_count == 1
            assert len(apiauth_mock.routes) == 1
            apiauth_server.respond("GET", "/user/list", json=["b"])
            assert apiauth_client.get("/user/list").json() == ["b"]
        """,
        test_b="""
        def test_other_module(apiauth_client, apiauth_mock):
            assert "zone" in apiauth_client.get("/user/list").json()
            assert len(apiauth_mock.routes) == 0
        """,
    )

    result = run("-W", "error")

    assert result.parseoutcomes() == {"passed": 4}, output(result)


def test_wide_mock_is_off_for_tests_that_do_not_ask(pytester: pytest.Pytester, run: Run) -> None:
    """Other tests find the environment and other hosts as if it were not there; the next that asks has it."""
    scoped(pytester, "session")
    source = """
        import http.client, os
        import httpx, pytest

        URL = "https://api.shop.example/user/me"

        @pytest.fixture(scope="session")
        def lib(apiauth_mock):
            yield lambda: httpx.get(URL).status_code
            assert httpx.get(URL).status_code == 401

        def test_one(lib):
            assert lib() == 401

        def test_other():
            assert "JINDEXE_API_KEY" not in os.environ
            with pytest.raises(httpx.ConnectError):
                httpx.get("http://127.0.0.1:1/")

        def test_again(lib):
            connection = http.client.HTTPSConnection("api.shop.example")
            connection.request("GET", "/user/me")
            assert lib() == connection.getresponse().status == 401
            connection.close()

        def test_last(): ...
    """

    passes(pytester, run, source)


@needs("httpx", "respx")
def test_wide_mock_leaves_respx_to_tests_that_do_not_ask(pytester: pytest.Pytester, run: Run) -> None:
    """Other tests find respx as if the mock were not there."""
    scoped(pytester, "session")
    source = """
        import httpx, respx

        URL = "https://api.shop.example/user/me"

        def test_one(apiauth_mock):
            assert httpx.get(URL).status_code == 401

        def test_other():
            with respx.mock(assert_all_mocked=False) as router:
                router.get(URL).respond(204)
                assert httpx.get(URL).status_code == 204

        def test_again(apiauth_mock):
            assert httpx.get(URL).status_code == 401
    """

    passes(pytester, run, source)


@pytest.mark.parametrize(
    ("scope", "mark", "options", "words"),
    [
        ("module", 'apiauth(user="second")', [], ["apiauth_server_scope = module", "user='second'", "mark the module"]),
        (
            "session",
            'apiauth("dastra")',
            [],
            ["this test is about dastra", "about shop (shop.apiauth.toml)", "serving()"],
        ),
        ("module", 'apiauth(server_scope="function")', [], ["this test asks for server_scope='function'"]),
        ("module", "apiauth_writes", ["--apiauth-live"], ["apiauth_writes", "mark the module"]),
        ("module", "vcr", [], ["@pytest.mark.vcr", "a cassette is one test's", "serving()"]),
        (
            "package",
            "apiauth",
            [],
            ["apiauth_server_scope: expected one of function, class, module, session", "'package'"],
        ),
        ("function", 'apiauth(server_scope="modul")', [], ["server_scope: expected one of function, class", "'modul'"]),
    ],
)
def test_what_a_wide_server_cannot_do_is_one_line(
    pytester: pytest.Pytester, run: Run, scope: str, mark: str, options: list[str], words: list[str]
) -> None:
    """A mark that the shared clients would pass over, a cassette and a scope that is none are told in one line."""
    scoped(pytester, scope)
    path = pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.{mark}
        def test_it(apiauth_client): ...
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cov", path.name, *options)

    assert result.ret != 0
    told(result, *words)


def test_wide_clients_of_an_app(project: Path, run: Run) -> None:
    """In front of an app the fixtures are as wide; its credentials come first, and it is shut down last."""
    (project / "shop.apiauth.toml").unlink()
    (project / "tox.ini").write_text("[pytest]\napiauth_server_scope = session\n", encoding="utf-8")
    (project / "tests" / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def lib(apiauth_client):\n"
        "    yield apiauth_client\n"
        "    assert apiauth_client.get('/user/me').status_code == 200\n"
        "def test_one(lib): assert lib.get('/user/me').status_code == 200\n"
        "def test_two(lib): assert lib.get('/user/me').status_code == 200\n"
    )

    run("tests/test_it.py").assert_outcomes(passed=2)
    assert (project / "lifespan.txt").read_text(encoding="utf-8") == "startup shutdown "


def test_wide_clients_of_a_live_server(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """In a live run a wide client asks the server; what needs the embedded one is skipped, in each test."""
    scoped(pytester, "session")
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        (pytester.path / "shop.apiauth.toml").write_text(SHOP.replace("https://api.shop.example", url), "utf-8")
        pytester.makepyfile(
            test_it="""
            import pytest

            @pytest.fixture(scope="module")
            def lib(apiauth_client):
                return apiauth_client

            @pytest.fixture(scope="module")
            def mocked(apiauth_mock): ...

            def test_one(lib): assert lib.get("/user/me").status_code == 200
            def test_two(lib): assert lib.get("/user/me").status_code == 200
            def test_three(mocked): ...
            def test_four(mocked): ...
            """
        )
        result = run("test_it.py", "--apiauth-live")

        result.assert_outcomes(passed=2, skipped=2)
        assert server.token_requests == 1


@pytest.mark.parametrize("way", ["ini", "block"])
def test_hosts_stay_out_of_reach_for_tests_that_do_not_ask(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """Who asks for a wide mock by getfixturevalue, unknown to pytest, is told what to do; no look-up is made."""
    if way == "ini":
        scoped(pytester, "session")
    lib = {
        "ini": "def lib(apiauth_mock):\n    yield",
        "block": "def lib():\n    with pytest_apiauth.serving('shop', mock=True):\n        yield",
    }[way]
    pytester.makepyfile(
        test_it=f"""
import pytest, httpx, pytest_apiauth

@pytest.fixture(scope="session")
{lib}

def test_one(lib):
    assert httpx.get("https://api.shop.example/user/me").status_code == 401

def test_two(request):
    request.getfixturevalue("lib")
    httpx.get("https://api.shop.example/user/me")
"""
    )

    result = run("test_it.py")

    result.assert_outcomes(passed=1, failed=1)
    told(result, f"{USUAL} reached for api.shop.example", "among the test's arguments")


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_a_fixture_that_is_too_narrow_is_told_with_both_ways_out(
    pytester: pytest.Pytester, run: Run, scope: str
) -> None:
    """Beside pytest's own words stand the ini key and ``serving``, for each of our fixtures and for no other one."""
    ours = ["apiauth_client", "apiauth_async_client", "apiauth_mock", "apiauth_url", "apiauth_token", "apiauth_server"]
    fixtures = [f"@pytest.fixture(scope={scope!r})\ndef of_{name}({name}): ...\n" for name in [*ours, "tmp_path"]]
    tests = [f"def test_{name}(of_{name}): ...\n" for name in [*ours, "tmp_path"]]
    inside = f"@pytest.fixture(scope={scope!r})\ndef inside(request): request.getfixturevalue('apiauth_url')\n"
    (pytester.path / "inner").mkdir()
    (pytester.path / "inner" / "__init__.py").touch()
    source = "\n".join(["import pytest", *fixtures, inside, *tests, "def test_inside(inside): ..."])
    (pytester.path / "inner" / "test_it.py").write_text(source, encoding="utf-8")

    result = run("inner/test_it.py", "-p", "no:randomly")

    result.assert_outcomes(errors=len(ours) + 2)
    named = "session" if scope == "package" else scope
    assert [line for line in result.outlines if "serving" in line] == [
        f"{name} is of function scope: with apiauth_server_scope = {named} in the ini it is of {named} scope, and so"
        " are the fixtures beside it; or your fixture opens a server of its own, by pytest_apiauth.serving(PROFILE)"
        for name in [*ours, "apiauth_url"]
    ]
    scoped(pytester, named)
    run("inner/test_it.py", "-k", "not tmp_path").assert_outcomes(passed=len(ours) + 1)

"""Properties: tests with ``@given`` that ask for the fixtures."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SHOP, Run, output, passes

pytestmark = pytest.mark.slow  # a run of pytest each


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_property_asks_for_client(pytester: pytest.Pytester, run: Run) -> None:
    """Each example finds server, clients and mock as the test began: nothing of another example is left."""
    source = """
        import httpx, pytest
        from hypothesis import given, settings, strategies as st

        SEEN = []

        @given(n=st.integers(0, 99))
        @settings(max_examples=10, database=None)
        def test_it(n, apiauth_client, apiauth_client_factory, apiauth_server, apiauth_token, apiauth_mock):
            assert apiauth_server.clock.now() == 1_700_000_000
            assert [request.path for request in apiauth_server.requests] == ["/token"]
            assert (apiauth_server.token_requests, apiauth_server.tokens_issued) == (1, 1)
            assert not apiauth_client.cookies
            apiauth_server.respond("GET", "/user/me", json={"n": n}, headers={"Set-Cookie": f"n={n}"})
            assert apiauth_client.get("/user/me").json() == {"n": n}
            assert apiauth_mock.calls.call_count == 0 == len(apiauth_mock.routes)
            apiauth_mock.get("https://api.shop.example/user/me").respond(204)
            assert httpx.get("https://api.shop.example/user/me").status_code == 204
            apiauth_server.revoke(apiauth_token.access_token)
            assert apiauth_client.get("/user/me").status_code == 200
            assert apiauth_server.token_requests == 2
            apiauth_server.expire()
            apiauth_server.refuse_next(503)
            apiauth_client_factory(user="second").get("/user/me")
            SEEN.append(n)

        def test_all_were_run():
            assert len(SEEN) == 10

        @given(n=st.integers(0, 99))
        @settings(max_examples=5, database=None)
        def test_another_api(n, apiauth_client_factory, apiauth_servers):
            assert apiauth_client_factory(profile="dastra").get("/v1/workspaces").status_code == 200
            assert apiauth_servers["dastra"].token_requests == 1
            apiauth_servers["dastra"].refuse_next(503)

        class TestOfClass:
            @pytest.mark.parametrize("size", [1, 2])
            @given(n=st.integers(0, 99))
            @settings(max_examples=3, database=None)
            def test_it(self, n, size, apiauth_client, apiauth_server):
                assert apiauth_server.requests == []
                assert apiauth_client.get("/user/me").status_code == 200

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        @given(n=st.integers(0, 99))
        @settings(max_examples=3, database=None)
        async def test_async(n, apiauth_async_client, apiauth_server):
            assert apiauth_server.requests == []
            assert (await apiauth_async_client.get("/user/me")).status_code == 200
    """
    passes(pytester, run, source.replace('"/token"', 'apiauth_server.profile.token_endpoint.split(".example")[1]'))


@pytest.mark.parametrize("way", ["mark", "ini"])
def test_properties_with_a_shared_server(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """What an example tells a shared server ends with it; tokens stay, as they do between tests."""
    if way == "ini":
        pytester.makeini("[pytest]\napiauth_server_scope = module\n")
    mark = 'pytestmark = pytest.mark.apiauth(server_scope="module")' if way == "mark" else ""
    source = f"""
        import pytest
        from hypothesis import given, settings, strategies as st
        {mark}
        TOKENS = []

        @given(n=st.integers(0, 99))
        @settings(max_examples=5, database=None)
        def test_it(n, apiauth_client, apiauth_server):
            TOKENS.append(apiauth_server.issue())
            assert apiauth_server.requests == []
            apiauth_server.respond("GET", "/user/me", json=n, once=True)
            assert apiauth_client.get("/user/me").json() == n
            apiauth_server.revoke(TOKENS[0])
    """
    passes(pytester, run, source)


def test_check_stays_for_other_fixtures(pytester: pytest.Pytester, run: Run) -> None:
    """Hypothesis still refuses a fixture of function scope that is not ours, and the note says which one it is."""
    pytester.makepyfile(
        test_it="""
        import pytest
        from hypothesis import given, strategies as st

        @pytest.fixture
        def lib(apiauth_client):
            return apiauth_client

        @given(st.integers())
        def test_other(apiauth_client, tmp_path, n): ...

        @given(st.integers())
        def test_built_on_ours(lib, n): ...

        @given(st.integers())
        def test_ours(apiauth_client, n): ...
        """
    )

    result = run("test_it.py")

    result.assert_outcomes(passed=1, failed=2)
    text = output(result)
    assert "FailedHealthCheck" in text
    assert "this is about tmp_path" in text
    assert "this is about lib" in text


def test_falsifying_example_holds_no_secret(pytester: pytest.Pytester, run: Run) -> None:
    """What Hypothesis prints of a failing property has neither token nor key in it."""
    pytester.makepyfile(
        test_it="""
        import pathlib
        from hypothesis import given, note, settings, strategies as st

        @given(data=st.data())
        @settings(max_examples=5, database=None)
        def test_it(data, apiauth_token, apiauth_server, apiauth_client):
            secrets = [apiauth_token.access_token.reveal(), apiauth_server.environment["JINDEXE_PASSWORD"]]
            pathlib.Path("secrets.txt").write_text(" ".join(secrets))
            note(secrets[0])
            drawn = data.draw(st.sampled_from(secrets))
            assert apiauth_client is None, secrets
        """
    )

    result = run("test_it.py", "-l")

    result.assert_outcomes(failed=1)
    text = output(result)
    assert "apiauth_server=<Server shop>" in text
    assert "[apiauth:shop.access_token]" in text
    secrets = (pytester.path / "secrets.txt").read_text().split()
    assert [secret for secret in secrets if secret in text] == []

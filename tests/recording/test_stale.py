"""Cassettes that are absent, out of date, or of a test that failed."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Run, output, told
from tests.recording.live_api import ONCE, Api, api, write

__all__ = ["api"]  # the fixture


@pytest.mark.slow
def test_failed_test_leaves_the_old_cassette(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A live test that fails writes no cassette, and in every record mode keeps the one that is there."""
    passing = """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
    """
    write(pytester, passing.replace("== 200", "== 404"))
    run("test_it.py", *ONCE).assert_outcomes(failed=1)
    assert api.cassettes() == {}

    write(pytester, passing)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    before = api.cassettes()
    assert len(before) == 1
    write(pytester, passing.replace("== 200", "== 404").replace("/user/me", "/user/other"))
    for mode in ("all", "new_episodes", "rewrite"):
        run("test_it.py", "--apiauth-live", f"--record-mode={mode}").assert_outcomes(failed=1)
        assert api.cassettes() == before

    write(pytester, passing.replace("/user/me", "/public/cards"))
    run("test_it.py", "--apiauth-live", "--record-mode=rewrite").assert_outcomes(passed=1)
    (text,) = api.cassettes().values()
    assert "/public/cards" in text
    assert "/user/me" not in text


def test_absent_or_stale_cassette_says_what_records_it(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """One line names the cassette, what it lacks, and the command that records it; the API hears nothing."""
    source = """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200

        @pytest.mark.vcr
        @pytest.mark.anyio
        @pytest.mark.parametrize("name", ["a b"])
        async def test_two(apiauth_async_client, name):
            assert (await apiauth_async_client.get("/user/me")).status_code == 200
    """
    write(pytester, source)
    api.forget()
    result = run("test_it.py")
    result.assert_outcomes(failed=2)
    told(result, "test_one.yaml: no such cassette", "pytest test_it.py::test_one --apiauth-live --record-mode=once")
    told(result, "pytest 'test_it.py::test_two[a b]' --apiauth-live --record-mode=once")
    assert api.server.requests == []


def test_absent_cassette_says_so_where_the_url_is_in_a_variable(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Production code that reads an unset URL is not stopped there: it is told which command records the test."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    write(
        pytester,
        """
        import os, httpx

        @pytest.mark.vcr
        def test_one():
            assert httpx.get(os.environ["SHOP_URL"] + "/ext/status").status_code == 200

        def test_url_is_gone():
            assert "SHOP_URL" not in os.environ
        """,
    )
    result = run("test_it.py")
    result.assert_outcomes(failed=1, passed=1)
    told(result, "test_one.yaml: no such cassette", "pytest test_it.py::test_one --apiauth-live --record-mode=once")


def test_stale_cassette_says_what_it_lacks(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A request that was not recorded, or once more than it was, is named with its query and without its secrets."""
    source = """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
    """
    write(pytester, source)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    write(pytester, source.replace("/user/me", "/user/other?token=topsecret"))
    result = run("test_it.py")
    told(
        result,
        f"no answer to GET {api.url}/user/other?token=apiauth-any (the nearest is GET {api.url}/user/me, which differs"
        " in path, parameter token); record it anew: pytest",
        "--record-mode=rewrite",
    )
    assert "topsecret" not in output(result)
    write(pytester, source + "        apiauth_client.get('/user/me')\n")
    told(run("test_it.py"), f"no further answer to GET {api.url}/user/me")

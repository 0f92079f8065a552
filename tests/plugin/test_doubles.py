"""The embedded server where other code meets it: at a URL on this machine, by a library that comes late."""

from __future__ import annotations

import pytest
import requests  # noqa: F401 - a run in this process would import it anew

from tests.here import needs
from tests.plugin.projects import SHOP, Run, output

pytestmark = pytest.mark.slow  # a run of pytest each


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_url_for_everybody_else(pytester: pytest.Pytester, run: Run) -> None:
    """apiauth_url is the server of the test on a port of this machine; subprocesses find their credentials."""
    pytester.makepyfile(
        test_it="""
        import os, subprocess, sys
        import pytest

        CODE = "import sys, urllib.request as http; print(http.urlopen(sys.argv[1] + '/ext/status').status)"

        def test_subprocess(apiauth_url, apiauth_server):
            done = subprocess.run([sys.executable, "-c", CODE, apiauth_url], capture_output=True, text=True)
            assert done.stdout.strip() == "200", done.stderr
            assert apiauth_server.requests[0].url == "https://api.shop.example/ext/status"
            assert apiauth_server.environment.items() <= os.environ.items()

        def test_endpoints(apiauth_url):
            assert apiauth_url.startswith("http://127.0.0.1:")
            assert apiauth_url.profile.token_endpoint.startswith(apiauth_url)
            assert apiauth_url.ca_file is None

        def test_tls(apiauth_tls_url):
            import requests
            assert apiauth_tls_url.startswith("https://127.0.0.1:")
            status = f"{apiauth_tls_url}/user/me"
            assert requests.get(status, verify=apiauth_tls_url.ca_file).status_code == 401
            with pytest.raises(requests.exceptions.SSLError):
                requests.get(status)
        """
    )

    result = run("test_it.py", "-W", "error")

    assert result.parseoutcomes() == {"passed": 3}, output(result)


def test_url_takes_the_place_of_the_profiles_own(pytester: pytest.Pytester, run: Run) -> None:
    """Where the profile takes its URL from the environment, code that reads it there finds the served one."""
    text = SHOP.replace('"https://api.shop.example"', '{ env = "SHOP_URL" }')
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    pytester.makepyfile(
        test_it="""
        import os, urllib.request, urllib.error, pytest

        def test_it(apiauth_url):
            assert os.environ["SHOP_URL"] == apiauth_url
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(os.environ["SHOP_URL"] + "/user/me")
        """
    )

    run("test_it.py").assert_outcomes(passed=1)


def test_token_of_an_earlier_test_is_told(pytester: pytest.Pytester, run: Run) -> None:
    """A token that a cache has kept from an earlier test is named beside the failure, and it alone."""
    pytester.makepyfile(
        test_it="""
        import httpx

        CACHE = []

        def me(key):
            headers = {"Authorization": f"Bearer {CACHE[0]}", "X-API-KEY": key}
            return httpx.get("https://api.shop.example/user/me", headers=headers).status_code

        def key(server):
            return next(value for name, value in server.environment.items() if "API_KEY" in name)

        def test_first(apiauth_mock, apiauth_server):
            CACHE.append(apiauth_server.issue().reveal())
            assert me(key(apiauth_server)) == 200

        def test_second(apiauth_mock, apiauth_server):
            assert me(key(apiauth_server)) == 200

        def test_other_reason(apiauth_mock, apiauth_server):
            CACHE[0] = "nonsense"
            assert me(key(apiauth_server)) == 200

        def test_expired(apiauth_mock, apiauth_server):
            CACHE[0] = apiauth_server.issue().reveal()
            apiauth_server.expire()
            assert me(key(apiauth_server)) == 200
        """
    )

    result = run("test_it.py", "-p", "no:randomly")

    result.assert_outcomes(passed=1, failed=3)
    lines = [line for line in output(result).splitlines() if "was issued in an earlier test" in line]
    assert len(lines) == 1
    assert "test_it.py::test_first" in lines[0]
    assert "OAuth2.token_cache.clear()" in lines[0]


@needs("httpx", "httpx2")
def test_library_that_comes_late(pytester: pytest.Pytester) -> None:
    """No library is imported that the code under test has not, and one that it imports within a test is met as well."""
    pytester.makepyfile(
        test_it="""
        import asyncio, sys, urllib.request, urllib.error
        import pytest

        URL = "https://api.shop.example/user/me"

        def test_it(apiauth_mock):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(URL)
            theirs = {"requests", "urllib3", "aiohttp", "httpx2", "httpcore2", "truststore", "uvloop", "pycares"}
            assert theirs & sys.modules.keys() == set()

            import aiohttp, httpx2, requests, trio, uvloop

            assert requests.get(URL).status_code == httpx2.get(URL).status_code == 401

            async def ask():
                async with aiohttp.ClientSession() as session, session.get(URL) as answer:
                    return answer.status

            async def ask_httpx2():
                async with httpx2.AsyncClient() as client:
                    return (await client.get(URL)).status_code

            assert asyncio.run(ask()) == uvloop.run(ask()) == trio.run(ask_httpx2) == 401
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:recording", "-p", "no:cov", "-p", "no:anyio", "-p", "no:xdist")

    result.assert_outcomes(passed=1)

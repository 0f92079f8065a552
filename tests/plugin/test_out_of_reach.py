"""Without --apiauth-live nothing of a profile is reached: by no library, from setup to teardown; one line says so."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest
import requests  # noqa: F401 - a run in this process would import these anew
from authlib.integrations import httpx_client  # type: ignore[import-untyped]  # noqa: F401

from pytest_apiauth.embedded import Server
from tests.here import INSTALLED
from tests.plugin.projects import SHOP, Run, output, served, told

pytestmark = pytest.mark.slow  # a run of pytest each

FIRST = """
import os
import pytest
import requests

def ask(url=None):
    return requests.get((url or os.environ["SHOP_URL"]) + "/public/cards").status_code
"""


@pytest.fixture
def api(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve an API on loopback, whose URL the project's profile takes from the environment."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    with served("jindexe") as (url, server):
        monkeypatch.setenv("SHOP_URL", url)
        yield server


def write(pytester: pytest.Pytester, source: str) -> None:
    """Write the project's tests."""
    pytester.makepyfile(test_it=FIRST + textwrap.dedent(source))


@pytest.fixture
def with_recording(pytester: pytest.Pytester) -> Run:
    """Run pytest in this process, beside pytest-recording."""
    return lambda *arguments: pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cov", *arguments)


def test_mock_meets_other_libraries(pytester: pytest.Pytester, run: Run) -> None:
    """apiauth_mock stands in whatever library asks, beside clients of ours."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    pytester.makepyfile(
        test_it="""
        import importlib
        import urllib.request

        import pytest
        import requests

        URL = "https://api.shop.example/user/me"

        def test_requests(apiauth_mock, apiauth_server):
            assert requests.get(URL).status_code == 401
            assert apiauth_server.requests[0].url == URL

        def test_urllib(apiauth_mock):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(URL)

        @pytest.mark.parametrize("name", NAMES)
        def test_httpx(name, apiauth_mock, apiauth_client):
            assert importlib.import_module(name).get(URL).status_code == 401
            assert apiauth_client.get(URL).status_code == 200
        """.replace("NAMES", repr(INSTALLED))
    )

    result = run("test_it.py")
    result.assert_outcomes(passed=2 + len(INSTALLED))


@pytest.mark.parametrize(
    "source",
    [
        "def test_it(apiauth_client): ask()",
        "def test_it(apiauth_profile): ask()",
        "@pytest.mark.apiauth('shop')\ndef test_it(): ask()",
        "def test_it(request):\n    request.getfixturevalue('apiauth_client')\n    ask()",
        "@pytest.fixture\ndef late():\n    yield\n    ask()\n\ndef test_it(late, apiauth_client): pass",
        "@pytest.fixture(scope='session')\ndef early(): ask()\n\ndef test_it(early, apiauth_client): pass",
    ],
    ids=["client", "profile", "mark", "asked-for-later", "teardown", "session-fixture"],
)
def test_own_client_is_refused_offline(pytester: pytest.Pytester, api: Server, run: Run, source: str) -> None:
    """A test that has to do with a profile reaches its host neither itself nor by a fixture of any scope."""
    write(pytester, source)

    result = run("test_it.py")

    assert result.ret == 1
    told(result, "requests reached for 127.0.0.1: a run without --apiauth-live lets nothing out")
    assert api.requests == []


@pytest.mark.parametrize("options", [[], ["--disable-recording"]])
def test_recorded_test_is_refused_offline(
    pytester: pytest.Pytester, api: Server, with_recording: Run, options: list[str]
) -> None:
    """A session fixture's request is on no cassette, and without cassettes no request is: nothing leaves."""
    write(
        pytester,
        """
        @pytest.fixture(scope="session")
        def early(): return ask()

        @pytest.mark.vcr
        def test_session(early): pass

        @pytest.mark.vcr
        def test_own(): ask()
        """,
    )

    result = with_recording("test_it.py", *options)

    assert result.ret == 1
    advice = (
        "add it, or leave out --disable-recording"
        if options
        else "no cassette answers this; record it: pytest test_it.py"
    )
    told(result, "requests reached for 127.0.0.1: a run without --apiauth-live lets nothing out", advice)
    assert api.requests == []


def test_refusal_is_one_line_however_it_is_wrapped(pytester: pytest.Pytester, api: Server, run: Run) -> None:
    """Production code that turns errors into its own, or swallows them, does not hide what was refused."""
    write(
        pytester,
        """
        class Down(Exception): pass

        def test_wrapped(apiauth_client):
            try:
                ask()
            except Exception as error:
                raise Down("try again later") from error

        def test_grouped(apiauth_client):
            try:
                ask()
            except Exception as error:
                raise ExceptionGroup("several", [Down(), error])

        def test_swallowed(apiauth_client):
            try:
                status = ask()
            except Exception:
                status = 0
            assert status == 200
        """,
    )

    result = run("test_it.py", "-k", "wrapped or grouped")
    result.assert_outcomes(failed=2)
    told(result, "requests reached for 127.0.0.1")
    assert "try again later" not in output(result)

    swallowed = run("test_it.py", "-k", "swallowed")
    swallowed.assert_outcomes(failed=1)
    swallowed.stdout.fnmatch_lines(["*status == 200*", "*-- apiauth --*", "requests reached for 127.0.0.1: *"])
    assert api.requests == []


def test_everything_else_is_reached(pytester: pytest.Pytester, api: Server, run: Run) -> None:
    """A live run, a test that has to do with no profile, and other servers here are reached as ever."""
    with served("dastra") as (other, _):
        write(
            pytester,
            f"""
            def test_plain(): assert ask() == 401

            def test_other_server(apiauth_client, apiauth_mock):
                assert ask("{other}") == 404

            def test_after(): assert ask() == 401
            """,
        )
        run("test_it.py").assert_outcomes(passed=3)
    assert len(api.requests) == 2
    write(pytester, "@pytest.mark.apiauth('shop')\ndef test_live(): assert ask() == 401")
    run("test_it.py", "--apiauth-live").assert_outcomes(passed=1)
    assert len(api.requests) == 3

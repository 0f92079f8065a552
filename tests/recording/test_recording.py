"""Tests of a project that are recorded from a live API and replayed without it."""

from __future__ import annotations

import pytest
import yaml

from tests.here import EACH, INSTALLED
from tests.plugin.projects import Run, output, told
from tests.recording.live_api import ONCE, Api, api, write

__all__ = ["api"]  # the fixture


BOTH = """
@pytest.mark.vcr
def test_sync(apiauth_client, apiauth_token):
    assert apiauth_client.get("/user/me").status_code == 200
    assert apiauth_client.get("/public/cards").status_code == 200

@pytest.mark.vcr
@pytest.mark.anyio
async def test_async(apiauth_async_client):
    async with apiauth_async_client as client:
        assert (await client.get("/user/me")).json()["user"]

@pytest.mark.vcr
@pytest.mark.anyio
async def test_many_tasks(apiauth_async_client):
    async def ask():
        return (await apiauth_async_client.get("/user/me")).status_code
    assert await asyncio.gather(*(ask() for _ in range(8))) == [200] * 8
"""


@pytest.mark.slow
@pytest.mark.parametrize("library", EACH)
def test_recorded_test_is_replayed_without_environment(
    pytester: pytest.Pytester, api: Api, run: Run, library: str
) -> None:
    """Recorded once, tests pass without a server, a network or a variable, on either library, by one token request."""
    write(pytester, "import asyncio\n" + BOTH)
    run("test_it.py", *ONCE, f"--apiauth-http={library}").assert_outcomes(passed=3)
    assert api.server.tokens_issued == 3
    texts = api.cassettes().values()
    assert [text.count("grant_type") for text in texts] == [1, 1, 1]
    assert not [secret for secret in api.secrets for text in texts if secret in text]

    api.forget()
    for other in INSTALLED:
        run("test_it.py", f"--apiauth-http={other}").assert_outcomes(passed=3)
    assert api.server.requests == []


def test_token_is_the_same_placeholder_everywhere(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """The token of an answer and that of the next request's header are one placeholder."""
    write(pytester, BOTH.replace("import asyncio", ""))
    run("test_it.py", "-k", "test_sync", *ONCE).assert_outcomes(passed=1)

    first, second, _ = yaml.safe_load(api.cassettes()["test_sync.yaml"])["interactions"]
    token = yaml.safe_load(first["response"]["body"]["string"])["access_token"]
    assert token == "apiauth-access-token-1"
    assert second["request"]["headers"]["authorization"] == [f"Bearer {token}"]
    assert second["request"]["headers"]["x-api-key"] == ["apiauth-api-key"]
    assert '"password":"apiauth-password"' in first["request"]["body"].replace(" ", "")


@pytest.mark.slow
def test_replay_goes_with_threads_and_workers(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Threads share one token request on the tape too, and replaying may be spread over workers."""
    write(
        pytester,
        """
        from concurrent.futures import ThreadPoolExecutor

        @pytest.mark.vcr
        def test_threads(apiauth_client):
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: apiauth_client.get("/user/me").status_code, range(8)))
            assert answers == [200] * 8
        """,
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    (text,) = api.cassettes().values()
    assert text.count("grant_type") == 1

    api.forget()
    run("test_it.py").assert_outcomes(passed=1)
    run("test_it.py", "-n", "2").assert_outcomes(passed=1)
    assert api.server.requests == []


def test_base_url_of_the_environment_is_in_the_cassette(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A profile whose base URL is in a variable is replayed at the URL that was recorded."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    write(
        pytester,
        """
        import os

        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
            assert str(apiauth_client.base_url).startswith(os.environ["SHOP_URL"])
        """,
    )
    api.monkeypatch.setenv("SHOP_URL", api.url)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    api.monkeypatch.delenv("SHOP_URL")
    api.forget()
    run("test_it.py").assert_outcomes(passed=1)


def test_only_what_was_set_is_set_in_replay(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Of alternatives, the client sends in replay what it sent when it was recorded."""
    text = f"""
schema = 1
extends = "jindexe"
api_url = "{api.url}"
[credentials]
personal_access_token = {{ env = "SHOP_TOKEN" }}
[zones.user]
needs = [["personal_access_token"], ["api_key", "bearer"]]
"""
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    write(
        pytester,
        """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
        """,
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    api.forget()
    run("test_it.py").assert_outcomes(passed=1)


def test_production_code_is_recorded_too(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A client that knows nothing of this plug-in leaves no secret either, and finds placeholders to read."""
    write(
        pytester,
        f"""
        import os, httpx

        @pytest.mark.vcr
        def test_production():
            with httpx.Client(headers={{"X-API-KEY": os.environ["JINDEXE_API_KEY"]}}) as http:
                asked = {{"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                         "password": os.environ["JINDEXE_PASSWORD"]}}
                token = http.post("{api.url}/public/token", json=asked).json()["access_token"]
                answer = http.get("{api.url}/user/me", headers={{"Authorization": "Bearer " + token}})
            assert answer.status_code == 200
            assert "JINDEXE_API_KEY" in os.environ

        def test_variables_are_gone():
            assert "JINDEXE_API_KEY" not in os.environ
        """,
    )
    result = run("test_it.py", *ONCE, "-k", "production", "--log-level=DEBUG", "-rP")
    result.assert_outcomes(passed=1)
    assert "Appending request" in output(result)
    assert not [secret for secret in api.secrets if secret in output(result) or secret in api.cassettes().popitem()[1]]

    api.forget()
    run("test_it.py").assert_outcomes(passed=2)
    assert api.server.requests == []


def test_surviving_secret_is_not_written(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Where a known value survives the cleaning, the test fails in one line and nothing is written."""
    write(
        pytester,
        """
        import zlib

        @pytest.mark.vcr
        def test_one(apiauth_client, apiauth_token, monkeypatch):
            apiauth_client.get("/user/me")
            from pytest_apiauth.recording.tape import Replacer
            monkeypatch_later.append(Replacer)

        monkeypatch_later = []

        @pytest.fixture(autouse=True)
        def _no_cleaning(monkeypatch):
            from pytest_apiauth.recording import taping
            real = taping.clean_tape
            def broken(tape, vault, *others):
                tape = list(tape)
                real(tape, vault, *others)
                return tape
            monkeypatch.setattr(taping, "clean_tape", broken)
            yield

        @pytest.fixture(autouse=True)
        def vcr(_no_cleaning, vcr):
            yield vcr
        """,
    )
    result = run("test_it.py", *ONCE)
    told(result, "test_one.yaml: not written: a known secret survives in cassette, request")
    assert result.ret == 1
    assert api.cassettes() == {}


def test_a_full_disk_keeps_the_old_cassette(
    pytester: pytest.Pytester, api: Api, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be written fails the test, in a line that says why, and the cassette stays as it was."""
    write(pytester, BOTH.replace("import asyncio", ""))
    run("test_it.py", "-k", "test_sync", *ONCE).assert_outcomes(passed=1)
    before = api.cassettes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = run("test_it.py", "-k", "test_sync", "--apiauth-live", "--record-mode=rewrite")

    told(result, "test_sync.yaml: not written: No space left on device")
    assert result.ret == 1
    assert api.cassettes() == before

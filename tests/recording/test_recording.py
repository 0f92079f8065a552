"""Tests of a project that are recorded from a live API and replayed without it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from tests.plugin.projects import Run, output, served, told

ONCE = ("--apiauth-live", "--record-mode=once")
BACKEND = "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"


@dataclass
class Api:
    """A live API on loopback, and a project that knows it."""

    url: str
    server: Server
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    secrets: set[str]

    def forget(self) -> None:
        """Take the credentials away, and let the API answer nobody."""
        for name in self.server.environment:
            self.monkeypatch.delenv(name, raising=False)
        self.server.refuse_next(500, 1000)
        self.server.requests.clear()

    def cassettes(self) -> dict[str, str]:
        """Give the cassettes' texts by file name."""
        return {
            path.name: path.read_text(encoding="utf-8") for path in sorted(self.folder.rglob("cassettes/**/*.yaml"))
        }


@pytest.fixture
def api(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Serve an API; its secrets are in the environment, its tokens are kept in mind."""
    with served("jindexe") as (url, server):
        secrets = {server.environment[f"JINDEXE_{name}"] for name in ("API_KEY", "PASSWORD")}
        answer = server.handle

        def handle(request: Request) -> Response:
            response = answer(request)
            members = response.json()
            if isinstance(members, dict):
                secrets.update(str(members[name]) for name in ("access_token", "refresh_token") if name in members)
            return response

        monkeypatch.setattr(server, "handle", handle)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        text = f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'
        (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
        yield Api(url, server, pytester.path, monkeypatch, secrets)


def write(pytester: pytest.Pytester, source: str) -> None:
    """Write the project's tests."""
    pytester.makepyfile(test_it=f"import pytest\n{BACKEND}\n" + textwrap.dedent(source))


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
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_recorded_test_is_replayed_without_environment(
    pytester: pytest.Pytester, api: Api, run: Run, library: str
) -> None:
    """Recorded once, tests pass without a server, a network or a variable, with one token request each."""
    write(pytester, "import asyncio\n" + BOTH)
    run("test_it.py", *ONCE, f"--apiauth-http={library}").assert_outcomes(passed=3)
    assert api.server.tokens_issued == 3
    texts = api.cassettes().values()
    assert [text.count("grant_type") for text in texts] == [1, 1, 1]
    assert not [secret for secret in api.secrets for text in texts if secret in text]

    api.forget()
    run("test_it.py", f"--apiauth-http={library}").assert_outcomes(passed=3)
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


def test_live_run_records_only_on_request(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """--apiauth-live by itself switches cassettes off."""
    write(
        pytester,
        """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
        """,
    )
    run("test_it.py", "--apiauth-live").assert_outcomes(passed=1)
    assert api.cassettes() == {}
    assert api.server.tokens_issued == 1


OWN = """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.parametrize("mode", ["once", "all", "new_episodes", "rewrite"])
def test_recording_needs_a_live_run(pytester: pytest.Pytester, api: Api, run: Run, mode: str) -> None:
    """A test of ours that would be recorded without --apiauth-live fails in one line; with ``once`` it is replayed."""
    write(pytester, OWN)
    result = run("test_it.py", f"--record-mode={mode}")
    result.assert_outcomes(errors=1)
    told(result, f"--record-mode={mode} records from the real API: add --apiauth-live")
    assert api.cassettes() == {}
    assert api.server.requests == []

    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    before = api.cassettes()
    api.forget()
    result = run("test_it.py", f"--record-mode={mode}")
    result.assert_outcomes(**{"passed" if mode == "once" else "errors": 1})
    assert api.cassettes() == before
    assert api.server.requests == []


@pytest.mark.slow
def test_workers_do_not_record(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Of several workers none records a test of ours, which others might overwrite."""
    write(pytester, OWN)
    result = run("test_it.py", *ONCE, "-n", "2")
    result.assert_outcomes(errors=1)
    assert "under pytest-xdist: workers would overwrite each other's cassettes; use -n 0" in output(result)
    assert api.cassettes() == {}


@pytest.mark.parametrize("name", ["apiauth_mock", "respx_mock", "apiauth_server"])
def test_mocked_and_replayed_is_refused(pytester: pytest.Pytester, api: Api, run: Run, name: str) -> None:
    """A test of ours is mocked or replayed, not both."""
    write(pytester, f"@pytest.mark.vcr\ndef test_one(apiauth_profile, {name}): pass")
    told(run("test_it.py"), f"{name} and @pytest.mark.vcr in one test")


@pytest.mark.slow
def test_record_mode_of_the_project_stays_offline(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A record mode in vcr_config or in the mark does not reach the network without --apiauth-live."""
    write(
        pytester,
        """
        @pytest.fixture
        def vcr_config():
            return {"record_mode": "new_episodes"}

        @pytest.mark.vcr
        def test_one(apiauth_client):
            apiauth_client.get("/user/me")

        @pytest.mark.vcr(record_mode="all")
        def test_two(apiauth_client):
            apiauth_client.get("/user/me")

        @pytest.mark.vcr(record_mode="rewrite")
        def test_three(apiauth_client):
            apiauth_client.get("/user/me")
        """,
    )
    result = run("test_it.py")
    result.assert_outcomes(failed=2, errors=1)
    told(result, "record_mode='rewrite'", "--record-mode=rewrite")
    assert api.server.requests == []


def test_hooks_of_the_project_keep_working(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What vcr_config removes stays removed, its placeholders stay, its hooks see what they always saw."""
    write(
        pytester,
        """
        seen = []

        def before_save(request, response):
            seen.append(response["body"]["string"])
            response["headers"].pop("pragma", None)
            return request, response

        @pytest.fixture
        def vcr_config():
            return {
                "filter_headers": [("X-API-KEY", "REDACTED"), ("user-agent", None)],
                "before_save_interaction": before_save,
                "match_on": ["method", "path", "headers", "body"],
            }

        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200

        def test_two(request):
            live = request.config.getoption("apiauth_live")
            assert (b"access_token" in seen[0]) if live else not seen
        """,
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    (text,) = api.cassettes().values()
    assert text.count("- REDACTED") == 2
    assert "user-agent" not in text
    assert "pragma" not in text
    assert not [secret for secret in api.secrets if secret in text]
    api.forget()
    run("test_it.py").assert_outcomes(passed=2)


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

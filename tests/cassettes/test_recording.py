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

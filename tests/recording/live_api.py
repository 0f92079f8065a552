"""A live API on loopback, and a project that records it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from tests.plugin.projects import served

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

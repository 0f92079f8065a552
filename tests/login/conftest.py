"""A project whose profile has the interactive grant, the server it is promised by, and a browser."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from tests.login.browser import PROFILE, Site

# pytester forgets what was imported within its tests; PyYAML's C extension does not bear to be imported twice.
importlib.import_module("vcr.serializers.yamlserializer")


def free_port() -> int:
    """Give a port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder, with a state folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def port() -> int:
    """Give the port that the profile's redirection URI names."""
    return free_port()


@pytest.fixture
def site(request: pytest.FixtureRequest, project: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve the profile on loopback, and write it into the project with the server's URL; a parameter is variants."""
    path = project / "shop.apiauth.toml"
    path.write_text(PROFILE.replace("PORT", str(port)), encoding="utf-8")
    server = Server(loading.load(path), variants=getattr(request, "param", ()))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        path.write_text(PROFILE.replace("PORT", str(port)).replace("https://shop.example", url), encoding="utf-8")
        yield Site(server, url, path)

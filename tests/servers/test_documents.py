"""Documents as frameworks make them: found where the framework serves them, and a profile comes out as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_apiauth import discover
from pytest_apiauth.profile import loading
from tests.plugin.conftest import run  # noqa: F401 - the fixture
from tests.plugin.loopback import Reply, answering
from tests.plugin.projects import Run
from tests.servers.test_django_oauth_toolkit import INSTALL

pytestmark = pytest.mark.slow

APPS = Path(__file__).parent / "projects" / "documents"
PACKAGES = {
    "fastapi": "fastapi", "ninja": "ninja", "drf": "drf_spectacular", "litestar": "litestar", "smorest": "flask_smorest"
}  # fmt: skip
PLACES = {
    "fastapi": {"api_key": "header X-API-Key", "visitor": "query key", "browser": "cookie session"},
    "ninja": {"api_key": "header X-API-Key", "Query": "query key", "Cookie": "cookie shop"},
    "drf": {
        "api_key": "query key", "cookieAuth": "cookie sessionid", "personal_access_token": "header Authorization Token",
    },
    "litestar": {"api_key": "header X-API-Key", "query": "query key", "cookie": "cookie shop"},
    "smorest": {"api_key": "header X-API-Key", "query": "query key", "cookie": "cookie shop"},
}  # fmt: skip
"""Where the credentials of each application travel that have a place of their own."""
NEEDS = {
    "fastapi": {
        "/header": "api_key", "/query": "visitor", "/cookie": "browser", "/basic": "basic", "/bearer": "bearer",
        "/password": "bearer", "/code": "bearer", "/both": "api_key or visitor", "/open": "",
    },
    "ninja": {
        "/api/header": "api_key", "/api/query": "Query", "/api/cookie": "Cookie", "/api/basic": "basic",
        "/api/bearer": "personal_access_token", "/api/either": "api_key or personal_access_token", "/api/open": "",
    },
    "drf": {
        "/token/": "personal_access_token", "/basic/": "basic", "/session/": "cookieAuth", "/query/": "api_key",
        "/either/": "personal_access_token or basic", "/open/": "",
    },
    "litestar": {
        "/header": "api_key", "/query": "query", "/cookie": "cookie", "/bearer": "bearer", "/oauth": "bearer",
        "/both": "api_key and query", "/open": "",
    },
    "smorest": {
        "/header": "api_key", "/query": "query", "/cookie": "cookie", "/bearer": "personal_access_token",
        "/basic": "basic", "/both": "api_key and query", "/open": "",
    },
}  # fmt: skip
GRANTS = {"fastapi": ["password", "authorization_code", "refresh_token"], "litestar": ["client_credentials"]}
TOLD = {
    "fastapi": 'the document says: either is enough; if all are needed, as FastAPI means it: needs = ["api_key"',
    "ninja": "the document says that a bearer token is needed, not how one is got",
    "drf": "the document says that a token in the header Authorization is needed, not how one is got",
    "litestar": "the document does not say how the client proves itself",
    "smorest": "the document says that a bearer token is needed, not how one is got",
}
"""What no document of the framework says, and a person has to."""


def document_of(name: str) -> dict[str, str]:
    """Return what the framework serves, by the path where it does; skip the test if it is not installed."""
    if find_spec(PACKAGES[name]) is None:
        if os.environ.get("APIAUTH_REQUIRE_SERVERS") == "1":
            pytest.fail(f"APIAUTH_REQUIRE_SERVERS is 1, but {PACKAGES[name]} is not here: {INSTALL}", pytrace=False)
        pytest.skip(f"NOT RUN: needs {PACKAGES[name]}: {INSTALL}")
    command = [sys.executable, str(APPS / f"{name}_app.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_a_frameworks_document_makes_a_profile_that_runs(name: str, pytester: pytest.Pytester, run: Run) -> None:  # noqa: F811
    """From the origin alone comes a profile with each credential in its place, and the suite runs on it as it is."""
    replies = {path: Reply(body=text) for path, text in document_of(name).items()}
    with answering(replies) as base:
        first, *_ = discover.init(base, "shop.apiauth.toml")

    (path,) = replies
    assert f"written from {base}{path}" in first
    profile = loading.load(pytester.path / "shop.apiauth.toml")
    places = {kind: profile.place_of(kind) for kind in PLACES[name]}
    assert PLACES[name] == {kind: " ".join((at.where, at.name, at.word)).strip() for kind, at in places.items()}
    zones = {path: profile.zone_at(path) for path in NEEDS[name]}
    needs = {path: " or ".join(map(" and ".join, zone.needs)) for path, zone in zones.items() if zone is not None}
    assert NEEDS[name] == needs
    assert GRANTS.get(name, []) == list(profile.grants)
    text = (pytester.path / "shop.apiauth.toml").read_text(encoding="utf-8")
    assert TOLD[name] in text.replace("\n# ", " ")
    result = run("shop.apiauth.toml", "-q", "--hypothesis-seed=0", "--apiauth-examples=5")
    assert result.parseoutcomes().keys() == {"passed", "skipped"}

"""`pytest_apiauth.serving`: server and clients for whoever opens a block, with and without a run of pytest."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal

import pytest

import pytest_apiauth
from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.offline import OfflineError
from pytest_apiauth.plugin import run as runs
from pytest_apiauth.profile import loading
from tests.here import EACH, httpx, in_its_words
from tests.plugin.projects import SHOP, Run, output, passes, told

WORKSPACES = "https://api.dastra.eu/v1/workspaces"


@pytest.fixture(params=["in a run", "without one"])
def _world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test be part of a run of pytest, or of a script."""
    if request.param == "without one":
        monkeypatch.setattr(runs, "RUNS", [])


@pytest.mark.usefixtures("_world")
def test_block_gives_server_clients_and_token() -> None:
    """A block has all that the fixtures give; the environment is as it was in the end."""
    before = dict(os.environ)
    with pytest_apiauth.serving("dastra") as api:
        assert api.client().get("/v1/workspaces").json()["total"] == 3
        assert api.client(credentials=()).get("/v1/workspaces").status_code == 401
        answer = asyncio.run(api.async_client().get("/v1/workspaces"))
        assert answer.request.headers["authorization"] == api.token().authorization
        assert api.server.environment.items() <= os.environ.items()
        assert (api.profile.name, api.server.token_requests) == ("dastra", 1)
    assert dict(os.environ) == before


@pytest.mark.parametrize("http", EACH)
@pytest.mark.usefixtures("_world")
def test_profile_is_a_name_a_path_or_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http: Literal["httpx", "httpx2"]
) -> None:
    """A name means what it means to a test or to who stands there; the library of the clients can be chosen."""
    file = tmp_path / "shop.apiauth.toml"
    file.write_text(SHOP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for profile in (file, str(file), loading.load(file)):
        with pytest_apiauth.serving(profile, user="second", http=http) as api:
            client = api.client()
            assert type(client).__module__.partition(".")[0] == http
            assert client.get("/user/me").json()["user"].startswith("second.")
    with pytest.raises(ProfileError, match="no profile 'shopp'"), pytest_apiauth.serving("shopp"):
        pass
    with pytest.raises(ProfileError, match="expected a name, a path or a Profile, got int"):
        pytest_apiauth.serving(1).__enter__()  # type: ignore[arg-type]


@pytest.mark.usefixtures("_world")
def test_block_chooses_what_a_mark_chooses() -> None:
    """Variants, faults, lifetime, scope and changes are those of the mark; so is what they cannot mean."""
    changes = {"zones.api.path": "/v2/"}
    with pytest_apiauth.serving("dastra", variant="jwt-tokens", lifetime=60, scope="reports", changes=changes) as api:
        token = api.token()
        assert (token.access_token.reveal().count("."), token.scope) == (2, "reports")
        assert token.expires_at == api.server.clock.now() + 60
        assert api.client().get("/v2/workspaces").status_code == 200
    with pytest_apiauth.serving("dastra", fault=["zone-open"]) as api:
        assert api.client(credentials=()).get("/v1/workspaces").status_code == 200
    with pytest.raises(ValueError, match="lifetime: expected seconds or a timedelta, got str"):
        pytest_apiauth.serving("dastra", lifetime="1h")  # type: ignore[arg-type]
    for fault in ("nope", "shop_rules.x"):
        with pytest.raises(ApiAuthError, match=f"no fault is called '{fault}'"):
            pytest_apiauth.serving("dastra", fault=fault).__enter__()
    with pytest.raises(ProfileError, match=r"dastra: changes: token\.scop"):
        pytest_apiauth.serving("dastra", changes={"token.scop": "a"}).__enter__()


@pytest.mark.usefixtures("_world")
def test_block_stands_in_for_hosts_on_request() -> None:
    """With mock=True any library meets the server at the API's hosts; without it they are out of reach."""
    with pytest_apiauth.serving("dastra", mock=True) as api:
        assert httpx.get(WORKSPACES).status_code == 401
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(WORKSPACES)
        api.mock.get(WORKSPACES).respond(204)
        assert httpx.get(WORKSPACES).status_code == 204
        assert len(api.server.requests) == 2
    with pytest_apiauth.serving("dastra") as api:
        with pytest.raises(OfflineError, match=r"urllib reached for api.dastra.eu.*mock=True"):
            urllib.request.urlopen(WORKSPACES)
        with pytest.raises(RuntimeError, match="mock=True"):
            api.mock  # noqa: B018


@pytest.mark.usefixtures("_world")
def test_block_is_served_on_this_machine_when_its_url_is_asked_for(tmp_path: Path) -> None:
    """url and tls_url are bases for clients that take one; the profile's variable says it meanwhile."""
    file = tmp_path / "shop.apiauth.toml"
    file.write_text(SHOP.replace('"https://api.shop.example"', '{ env = "SERVING_URL" }'), encoding="utf-8")
    with pytest_apiauth.serving(file) as api:
        assert httpx.get(f"{api.url}/ext/status").status_code == 200
        assert os.environ["SERVING_URL"] == api.url
        assert api.tls_url.ca_file is not None
        assert Path(api.tls_url.ca_file).exists()
        assert api.tls_url.profile.base_url.startswith("https://127.0.0.1:")
    assert "SERVING_URL" not in os.environ


def test_block_is_asynchronous_too_and_open_once() -> None:
    """async with does the same; what is no longer open, or is so already, says so."""

    async def ask() -> int:
        async with pytest_apiauth.serving("dastra") as api:
            return (await api.async_client().get("/v1/workspaces")).status_code

    assert asyncio.run(ask()) == 200
    block = pytest_apiauth.serving("dastra")
    with pytest.raises(RuntimeError, match="inside of the block only"):
        block.server  # noqa: B018
    with block, pytest.raises(RuntimeError, match="is open"):
        block.__enter__()
    with block:
        assert block.client().get("/v1/workspaces").status_code == 200


class TestsOfUnittest(unittest.TestCase):
    """A class of unittest, run by pytest here."""

    def setUp(self) -> None:
        """Open a block for each test."""
        self.api = self.enterContext(pytest_apiauth.serving("dastra", mock=True))

    def test_it(self) -> None:
        """Blocks are contexts as unittest enters them."""
        assert httpx.get(WORKSPACES).status_code == 401
        assert len(self.api.server.requests) == 1


def test_wide_fixture_opens_a_block(pytester: pytest.Pytester, run: Run) -> None:
    """For tests that ask for it alone: each finds it as the fixture left it, hosts of others stay in reach."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    source = """
        import os, httpx, pytest, pytest_apiauth

        ME = "https://api.shop.example/user/me"

        @pytest.fixture(scope="session")
        def api():
            with pytest_apiauth.serving("shop", mock=True) as api:
                api.server.respond("GET", "/user/list", json=["a"])
                yield api
                assert httpx.get(ME).status_code == 401

        @pytest.fixture(scope="module")
        def lib(api):
            return api.client()

        @pytest.mark.parametrize("turn", range(2))
        def test_it(turn, lib, api):
            assert api.server.requests == []
            assert lib.get("/user/list").json() == ["a"]
            assert httpx.get(ME).status_code == 401
            assert api.mock.calls.call_count == 1
            api.server.respond("GET", "/user/list", json=["b"])
            api.server.refuse_next(503)
            api.server.expire()
            assert "JINDEXE_API_KEY" in os.environ

        def test_other():
            assert "JINDEXE_API_KEY" not in os.environ
            with pytest.raises(httpx.ConnectError):
                httpx.get("http://127.0.0.1:1/")
    """

    passes(pytester, run, source)


@pytest.mark.parametrize("http", EACH)
def test_blocks_take_what_the_run_is_asked_for(pytester: pytest.Pytester, run: Run, http: str) -> None:
    """Library and variants are the run's, a name is looked for near the file, secrets are redacted."""
    place = pytester.mkdir("inner")
    (place / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    (place / "test_it.py").write_text(
        f"import {http}, pytest, pytest_apiauth\n"
        "def test_it():\n"
        "    with pytest_apiauth.serving('shop') as api:\n"
        f"        assert isinstance(api.client(), {http}.Client)\n"
        "        assert api.token().access_token.reveal().count('.') == 2\n"
        "def test_secret():\n"
        "    with pytest_apiauth.serving('shop') as api:\n"
        "        print(api.token().authorization, api.server.environment)\n"
        "        raise ValueError(api.token().authorization)\n"
        "def test_unknown():\n"
        "    with pytest_apiauth.serving('shopp'): ...\n"
    )

    result = run(f"--apiauth-http={http}", "--apiauth-variant=jwt-tokens")

    result.assert_outcomes(passed=1, failed=2)
    text = output(result)
    assert "Bearer [apiauth:shop.access_token]" in text
    assert "eyJ" not in text
    assert "no profile 'shopp' (did you mean 'shop'?)" in text


def test_mock_beside_cassette_is_one_line(pytester: pytest.Pytester) -> None:
    """A test is mocked or replayed: in the test that opens the block, and in the next one."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    pytester.makepyfile(
        """
        import pytest, pytest_apiauth

        @pytest.fixture(scope="session")
        def lib():
            with pytest_apiauth.serving("shop", mock=True) as api:
                yield api

        def test_first(lib): ...

        @pytest.mark.vcr
        def test_replayed(lib): ...
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cov")

    result.assert_outcomes(passed=1, errors=1)
    told(result, "serving(mock=True) and @pytest.mark.vcr in one test")


@pytest.mark.slow
def test_script_and_unittest_without_pytest(tmp_path: Path) -> None:
    """A script and `python -m unittest` serve a profile that lies beside them."""
    (tmp_path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "script.py").write_text(
        "import os, pytest_apiauth\n"
        "with pytest_apiauth.serving('shop') as api:\n"
        "    print(api.client().get('/user/me').status_code, 'JINDEXE_API_KEY' in os.environ)\n"
        "print('JINDEXE_API_KEY' in os.environ)\n"
    )
    tests_of_unittest = (
        "import unittest, httpx, pytest_apiauth\n"
        "class Test(unittest.TestCase):\n"
        "    @classmethod\n"
        "    def setUpClass(cls):\n"
        "        cls.api = cls.enterClassContext(pytest_apiauth.serving('shop', mock=True))\n"
        "    def test_it(self):\n"
        "        self.assertEqual(httpx.get('https://api.shop.example/user/me').status_code, 401)\n"
        "        self.api.server.reset()\n"
        "        self.assertEqual(self.api.server.requests, [])\n"
    )
    (tmp_path / "test_it.py").write_text(in_its_words(tests_of_unittest))
    script = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    tests = subprocess.run([sys.executable, "-m", "unittest"], cwd=tmp_path, capture_output=True, text=True)

    assert script.stdout.split() == ["200", "True", "False"], script.stderr
    assert tests.stderr.strip().endswith("OK"), tests.stderr

"""With httpx2 chosen nothing of ours asks for httpx or respx: everything works where the interpreter refuses both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.here import needs
from tests.plugin.app_projects import APP, CONFTEST
from tests.plugin.app_projects import PROFILE as APP_PROFILE
from tests.plugin.live_projects import project
from tests.plugin.projects import SHOP, output, served
from tests.recording.live_api import ONCE, Api, api, write

__all__ = ["api"]  # the fixture

pytestmark = [pytest.mark.slow, needs("httpx2")]  # a run of pytest each
CONFORMANCE = Path(__file__).resolve().parents[2] / "conformance"
REFUSING = """
import json, sys

ASKED = []


def home(frame):
    return "" if frame is None else frame.f_globals.get("__name__", "")


class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ("httpx", "respx"):
            return None
        frame = sys._getframe(1)
        while frame is not None and home(frame).partition(".")[0] in ("importlib", "_frozen_importlib"):
            frame = frame.f_back
        ASKED.append([name, home(frame)])
        raise ModuleNotFoundError(f"{name} is refused here", name=name)


assert not {"httpx", "respx"} & sys.modules.keys()
sys.meta_path.insert(0, Refusing())


def pytest_unconfigure(config):
    assert not {"httpx", "respx"} & sys.modules.keys()
    with open("asked.json", "w") as file:
        json.dump(ASKED, file)
"""
EVERYTHING = """
import asyncio, json, threading, urllib.request
import httpx2, pytest, pytest_apiauth

ME = "https://api.shop.example/user/me"

def test_refused():
    for name in ("httpx", "respx"):
        with pytest.raises(ImportError, match="refused here"):
            __import__(name)

def test_sync(apiauth_client, apiauth_token, apiauth_server):
    assert type(apiauth_client).__mro__[1:].count(httpx2.Client) or type(apiauth_client) is httpx2.Client
    assert apiauth_client.get("/user/me").status_code == 200
    apiauth_server.expire()
    assert apiauth_client.get("/user/me").status_code == 200
    assert apiauth_token.authorization.startswith("Bearer ")

def test_async(apiauth_async_client):
    async def ask():
        return await asyncio.gather(*(apiauth_async_client.get("/user/me") for _ in range(3)))
    assert {answer.status_code for answer in asyncio.run(ask())} == {200}

def test_factory(apiauth_client_factory, apiauth_servers):
    assert apiauth_client_factory(credentials=()).get("/user/me").status_code != 200
    assert apiauth_client_factory(user="second").get("/user/me").json()["user"].startswith("second.")
    assert len(apiauth_servers["shop"].requests) == 3

def test_mock(apiauth_mock, apiauth_token, apiauth_server):
    assert isinstance(apiauth_mock, pytest_apiauth.MockRouter)
    assert httpx2.get(ME).status_code == 401
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(ME)
    route = apiauth_mock.get(ME).respond(json={"mine": True})
    assert httpx2.get(ME).json() == json.load(urllib.request.urlopen(ME)) == {"mine": True}
    assert (route.call_count, apiauth_mock.calls.call_count, len(apiauth_server.requests)) == (2, 4, 3)
    with pytest.raises(AssertionError, match="not mocked"):
        httpx2.get("https://other.example/")

def test_url(apiauth_url, apiauth_tls_url):
    assert httpx2.get(apiauth_url + "/ext/status").status_code == 200
    import ssl
    context = ssl.create_default_context(cafile=apiauth_tls_url.ca_file)
    assert httpx2.get(apiauth_tls_url + "/ext/status", verify=context).status_code == 200

def test_serving():
    with pytest_apiauth.serving("shop", mock=True) as api:
        assert api.client().get("/user/me").status_code == 200
        assert httpx2.get(ME).status_code == 401
        api.mock.get(ME).respond(204)
        assert httpx2.get(ME).status_code == 204
"""
TAPED = """
import pytest

@pytest.mark.vcr
def test_sync(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

@pytest.mark.vcr
@pytest.mark.anyio
async def test_async(apiauth_async_client):
    assert (await apiauth_async_client.get("/user/me")).status_code == 200
"""


def refusing(pytester: pytest.Pytester, *arguments: str, http: str = "httpx2") -> pytest.RunResult:
    """Run pytest in a process that has neither of the two; require that nothing of ours has asked for one."""
    (pytester.path / "refusing.py").write_text(REFUSING, encoding="utf-8")
    pytester.syspathinsert()
    off = ("-p", "refusing", "-p", "no:respx", "-p", "no:randomly", "-p", "no:cov", "-W", "error")
    result = pytester.runpytest_subprocess(*off, f"--apiauth-http={http}", *arguments)
    asked = json.loads((pytester.path / "asked.json").read_text(encoding="utf-8"))
    ours = [each for each in asked if each[1].partition(".")[0] in ("pytest_apiauth", "conformance")]
    assert ours == ([] if http == "httpx2" else [["httpx", "pytest_apiauth.installed"]]), output(result)
    return result


def test_refusal_refuses(pytester: pytest.Pytester) -> None:
    """Whoever asks for httpx there hears that it is not installed, and is seen asking: the check can fail."""
    pytester.makepyfile("def test_it(): ...")

    result = refusing(pytester, http="httpx")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--apiauth-http: httpx is not installed; pip install httpx, or take httpx2, which is here" in output(result)


def test_suite_of_the_bundled_profiles(pytester: pytest.Pytester) -> None:
    """The whole book passes on the three profiles."""
    result = refusing(pytester, str(CONFORMANCE), "-q", "-p", "no:cacheprovider")

    outcomes = result.parseoutcomes()
    assert (result.ret, set(outcomes)) == (0, {"passed", "skipped"}), output(result)
    assert outcomes["passed"] > 250


def test_fixtures(pytester: pytest.Pytester) -> None:
    """Clients of every kind, tokens, the mock, URLs and blocks."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")
    pytester.makepyfile(test_it=EVERYTHING)

    refusing(pytester, "test_it.py").assert_outcomes(passed=EVERYTHING.count("\ndef test_"))


def test_cassettes(pytester: pytest.Pytester, api: Api) -> None:
    """A test is recorded from a server on this machine, and replayed without it."""
    write(pytester, TAPED)
    refusing(pytester, "test_it.py", *ONCE).assert_outcomes(passed=2)
    assert len(api.cassettes()) == 2

    api.forget()
    refusing(pytester, "test_it.py").assert_outcomes(passed=2)
    assert api.server.requests == []


def test_live_smoke(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live server is asked whether auth still works."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        result = refusing(pytester, "shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke")

    assert (result.ret, "12 rules" in output(result)) == (0, True), output(result)
    assert server.requests


def test_app_of_the_project(pytester: pytest.Pytester) -> None:
    """An app in the test's own process is examined, and talked to by clients."""
    (pytester.path / "shop.apiauth.toml").write_text(APP_PROFILE, encoding="utf-8")
    tests = "def test_it(apiauth_client):\n    assert apiauth_client.get('/user/me').status_code == 200\n"
    pytester.makepyfile(**{"shop/__init__": "", "shop/main": APP, "conftest": CONFTEST, "test_it": tests})

    result = refusing(pytester, "shop.apiauth.toml", "test_it.py")

    assert (result.ret, "shop (app)" in output(result)) == (0, True), output(result)

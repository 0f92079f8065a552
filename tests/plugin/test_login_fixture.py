"""The fixture ``apiauth_login``: a project's own function plays the person, for rules and for its tests' clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from tests.login.browser import PROFILE
from tests.plugin.projects import Run, told

pytestmark = pytest.mark.slow  # a run of pytest each

CONFTEST = """
import re
from urllib.parse import urljoin
import httpx, pytest

CALLS = []

def as_browsers_do(browser):
    # To this machine they send cookies that are marked as secure, too.
    for cookie in browser.cookies.jar:
        cookie.secure = False

@pytest.fixture(scope="session")
def apiauth_login():
    def log_in(url, user):
        CALLS.append(user.username)
        with httpx.Client(trust_env=False) as browser:
            page = browser.get(url)
            while not page.is_redirect or "/callback" not in page.headers["location"]:
                as_browsers_do(browser)
                if page.is_redirect:
                    page = browser.get(urljoin(str(page.url), page.headers["location"]))
                    continue
                form = dict(re.findall(r'name="(guard|next)" value="([^"]*)"', page.text.replace("&amp;", "&")))
                form |= {"username": user.username, "password": user.password.reveal(), "answer": "allow"}
                page = browser.post(urljoin(str(page.url), re.search(r'action="([^"]+)"', page.text)[1]), data=form)
            return page.headers["location"]
    return log_in
"""
TESTS = """
import conftest

def test_me(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

def test_second(apiauth_client_factory):
    assert apiauth_client_factory(user="second").get("/user/me").status_code == 200
    assert {"alice", "bob"} <= set(conftest.CALLS)
"""
MORE = """
[users.second]
username = "bob"
password = { env = "SHOP_BOB" }
"""
RULES = "code-single-use or az-state-echo"


@pytest.fixture
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve pages to log in at, and write a project that has a code for its usual grant and no ``[login]``."""
    path = pytester.path / "shop.apiauth.toml"
    text = PROFILE.replace("PORT", "1").replace("[token]", '[token]\ngrant = "authorization_code"') + MORE
    path.write_text(text, encoding="utf-8")
    server = Server(loading.load(path), variants=["login-pages"])
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    pytester.makeini("[pytest]")
    pytester.makepyfile(test_shop=TESTS)
    with serve(server) as url:
        path.write_text(text.replace("https://shop.example", url), encoding="utf-8")
        yield server


def test_rules_and_clients_log_in_by_it(pytester: pytest.Pytester, run: Run, shop: Server) -> None:
    """With the fixture nothing needs ``[login]``: clients of two users have tokens, and rules of codes run."""
    pytester.makeconftest(CONFTEST)

    run("--apiauth-live", "test_shop.py").assert_outcomes(passed=2)
    result = run("--apiauth-live", "--apiauth-allow=consume", "shop.apiauth.toml", "-k", RULES)

    result.assert_outcomes(passed=2)
    secrets = [*shop._state.access, *shop._state.codes, *shop._state.refresh]
    assert [value for value in secrets if value in result.stdout.str()] == []


def test_without_it_a_browser_is_missing(run: Run, shop: Server) -> None:
    """Nobody overrides the fixture: the profile is not ready, and says what it lacks."""
    result = run("--apiauth-live", "shop.apiauth.toml", "-k", "code-single-use")

    result.assert_outcomes(errors=1)
    assert told(result, "the grant authorization_code needs a browser, which this run does not have")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('"log_in"', "shop: apiauth_login: expected a function that takes a URL and a user, or None, got a str"),
        ("lambda url, user: None", "it gave NoneType, expected the URL that the browser ended at"),
        ("lambda url, user: 1 / 0", "it failed: ZeroDivisionError: division by zero"),
        ("log_in", "it is a coroutine function; one that logs in is a plain one"),
    ],
)
def test_what_is_wrong_with_it_is_one_line(
    pytester: pytest.Pytester, run: Run, shop: Server, given: str, words: str
) -> None:
    """A fixture that gives no function, or one that does not log in, is told in one line without a traceback."""
    pytester.makeconftest(
        "import pytest\nasync def log_in(url, user):\n    return url\n"
        f"@pytest.fixture(scope='session')\ndef apiauth_login():\n    return {given}\n"
    )

    result = run("--apiauth-live", "test_shop.py", "-k", "test_me")

    assert result.ret != 0
    assert told(result, words)
    assert "Traceback" not in result.stdout.str()

"""Recordings of what takes a login, which a script plays: its pages are on no tape, and replay takes nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.recording import library
from pytest_apiauth.recording.scan import unclean_in
from pytest_apiauth.recording.scenes import scenes
from pytest_apiauth.targets.recorded import CassetteTarget
from tests.here import USUAL
from tests.plugin.projects import Run

CODES = """
schema = 1
api_url = "https://shop.example"
token_url = "/token"
authorize_url = "/authorize"
device_authorization_url = "/device"
[login]
[authorization]
iss = true
[credentials]
client_id = "shop-client"
client_secret = { env = "SHOP_SECRET" }
redirect_uri = "https://app.shop.example/callback"
username = "alice"
password = { env = "SHOP_PASSWORD" }
[token]
answer = { token_type = "Bearer", expires_in = 3600, refresh_token = true }
[grants.authorization_code]
[grants.device_code]
[grants.refresh_token]
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
"""

PUSHED = 'pushed_authorization_request_url = "/par"'


@dataclass
class Shop:
    """A server with pages to log in at, a profile of it, and what no tape may have."""

    server: Server
    profile: Path
    canaries: set[str]

    def leaks(self, text: str) -> list[str]:
        """Give what a tape has of a login: a password, a cookie, a code, a token, a page, the name of a cookie."""
        state = self.server._state
        known = {*self.canaries, *state.codes, *state.access, *state.refresh, *state.devices, *state.sessions}
        return [value for value in (*known, "<form", "<html", "apiauth_session", "apiauth_guard") if value in text]


@pytest.fixture
def shop(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Serve the profile, and write it into a project; a parameter is another key of it."""
    path = pytester.path / "shop.apiauth.toml"
    text = CODES.replace("[login]", f"{getattr(request, 'param', '')}\n[login]")
    path.write_text(text, encoding="utf-8")
    server = Server(loading.load(path), variants=["login-pages"])
    canaries = {server.environment["SHOP_SECRET"], server.environment["SHOP_PASSWORD"]}
    answer = server.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        cookies = [line.partition(";")[0].partition("=")[2] for line in response.header_lines("set-cookie")]
        canaries.update(cookies)
        return response

    monkeypatch.setattr(server, "handle", handle)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    with serve(server) as url:
        monkeypatch.setattr(server._policy, "verification_uri", lambda: f"{url}/device/verify")
        path.write_text(text.replace("https://shop.example", url), encoding="utf-8")
        yield Shop(server, path, canaries)


@pytest.mark.parametrize(("shop", "pushed"), [("", []), (PUSHED, ["par"])], indirect=["shop"], ids=["codes", "pushed"])
def test_cassettes_of_codes_are_recorded_by_the_script(
    shop: Shop, pushed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """``record --live`` logs in for codes and devices; nothing of the login is on the tapes, and they are replayed."""
    for _ in range(2):
        assert main(["record", "shop", "--live"]) == 0
    printed = "".join(capsys.readouterr())

    folder, profile = Path("cassettes/shop"), loading.load(shop.profile)
    asked = {path.stem: [each["request"]["uri"].rpartition("/")[2] for each in read(path)] for path in tapes(folder)}
    assert asked == {
        "authorization_code": [*pushed, "token"],
        "device_code": ["device", "token"],
        "refresh_token": [*pushed, "token", "token"],
    }
    assert shop.leaks(printed + "".join(path.read_text(encoding="utf-8") for path in tapes(folder))) == []
    assert list(unclean_in(folder)) == []
    for scene in (each for each in scenes(profile) if each.name in asked):
        answers = library.replay(scene, profile, folder / f"{scene.name}.yaml")
        assert len(answers) == len(asked[scene.name])
    assert CassetteTarget.build(profile, library=USUAL, root=Path()).answers


TESTS = """
import pytest

@pytest.fixture
def anyio_backend(): return 'asyncio'

@pytest.mark.vcr
@pytest.mark.apiauth(changes={"token.grant": "GRANT"})
def test_sync(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

@pytest.mark.vcr
@pytest.mark.anyio
@pytest.mark.apiauth(changes={"token.grant": "GRANT"})
async def test_async(apiauth_async_client):
    assert (await apiauth_async_client.get("/user/me")).status_code == 200
"""


@pytest.mark.slow
@pytest.mark.parametrize(("shop", "pushed"), [("", []), (PUSHED, ["par"])], indirect=["shop"], ids=["codes", "pushed"])
@pytest.mark.parametrize("way", ["[login]", "apiauth_login"])
@pytest.mark.parametrize(("grant", "asked"), [("authorization_code", ["token", "me"]),
                                              ("device_code", ["device", "token", "me"])])  # fmt: skip
def test_tests_are_recorded_and_replayed(
    pytester: pytest.Pytester,
    run: Run,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    grant: str,
    asked: list[str],
    way: str,
    pushed: list[str],
) -> None:
    """A test whose client logs in by a script is replayed without one, and its tape has nothing of the login."""
    pytester.makepyfile(test_it=TESTS.replace("GRANT", grant))
    if way == "apiauth_login":
        shop.profile.write_text(shop.profile.read_text(encoding="utf-8").replace("[login]\n", ""), encoding="utf-8")
        pytester.makeconftest(FIXTURE)
    run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(passed=2)
    recorded = tapes(pytester.path / "cassettes")
    wanted = [*(pushed if grant == "authorization_code" else []), *asked]
    assert [[each["request"]["uri"].rpartition("/")[2] for each in read(path)] for path in recorded] == [wanted] * 2
    assert shop.leaks("".join(path.read_text(encoding="utf-8") for path in recorded)) == []

    for name in shop.server.environment:
        monkeypatch.delenv(name)
    shop.server.requests.clear()
    run("test_it.py").assert_outcomes(passed=2)
    assert shop.server.requests == []


FIXTURE = """
import re
from urllib.parse import urljoin
import httpx, pytest

@pytest.fixture(scope="session")
def apiauth_login():
    def log_in(url, user, user_code=""):
        with httpx.Client(trust_env=False) as browser:
            page = browser.get(url)
            while True:
                for cookie in browser.cookies.jar:
                    cookie.secure = False
                if page.is_redirect and "/callback" in page.headers["location"]:
                    return page.headers["location"]
                if page.is_redirect:
                    page = browser.get(urljoin(str(page.url), page.headers["location"]))
                    continue
                action = re.search(r'action="([^"]+)"', page.text)
                if action is None:
                    return str(page.url)
                form = dict(re.findall(r'name="(guard|next)" value="([^"]*)"', page.text.replace("&amp;", "&")))
                form |= {"username": user.username, "password": user.password.reveal(), "answer": "allow"}
                page = browser.post(urljoin(str(page.url), action[1]), data=form)
    return log_in
"""


def tapes(folder: Path) -> list[Path]:
    """Give the cassettes below a folder."""
    return sorted(folder.rglob("*.yaml"))


def read(path: Path) -> list[dict[str, dict[str, str]]]:
    """Give the exchanges on a tape."""
    found: list[dict[str, dict[str, str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]
    return found

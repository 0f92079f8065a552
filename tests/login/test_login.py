"""``python -m pytest_apiauth token``: what is sent, what is refused, what is printed and what is kept."""

from __future__ import annotations

import io
import json
import socket
import stat
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.errors import ApiAuthError, CredentialError, ProfileError, TokenError
from pytest_apiauth.login import interactive
from pytest_apiauth.login.callback import listening
from tests.here import httpx
from tests.login.browser import Browser, Change, Site, logged_in


def kept(project: Path) -> Path:
    """Give the only file that holds a refresh token."""
    (path,) = (project / "state").rglob("*.json")
    return path


def secrets_of(site: Site) -> list[str]:
    """Give everything that the server has issued, and the client's secret."""
    state = site.server._state
    return [*state.access, *state.refresh, *state.codes, *site.server.environment.values()]


def told(error: ApiAuthError) -> str:
    """Give an error's text; require that it is one line."""
    (line,) = str(error).splitlines()
    return line


def test_login_ends_with_a_kept_refresh_token(project: Path, site: Site) -> None:
    """The whole way: a URL with state and PKCE, a browser that comes back, a token, a file that others cannot read."""
    browser = Browser()

    lines = logged_in(browser)

    asked = parse_qs(urlsplit(lines[1]).query)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert "authorization_code: an access token, good for 3600 s" in lines[-2]
    assert (browser.pages[0].status_code, "Logged in" in browser.pages[0].text) == (200, True)
    path = kept(project)
    assert str(path) in lines[-1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text(encoding="utf-8"))["refresh_token"] in site.server._state.refresh
    exchange = parse_qs(site.server.requests[-1].body.decode())
    assert len(exchange["code_verifier"][0]) >= 43


def test_a_login_needs_no_password_of_the_profile(project: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person logs in at the server; what other grants need may be unset."""
    monkeypatch.delenv("SHOP_PASSWORD")

    assert "the refresh token is kept" in logged_in(Browser())[-1]


def test_no_secret_is_printed(project: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """No grant prints a token, a code or a secret, and each says first which host it contacts."""
    printed = "\n".join(logged_in(Browser()))
    for grant in ("password", "client_credentials", "refresh_token"):
        assert main(["token", "shop", "--grant", grant]) == 0
    out, err = capsys.readouterr()

    assert [line for line in err.splitlines() if site.url in line][
        -1
    ] == f"shop: contacting {site.url} for refresh_token"
    assert "good for 60 s" in out
    found = [secret for secret in secrets_of(site) if secret in printed + out + err]
    assert found == []
    assert len(secrets_of(site)) > 8


WRONG: dict[str, tuple[Change, str]] = {
    "another state": (
        lambda sent: {**sent, "state": sent["state"][:-1] + "_"},
        "the state that came back is not the one",
    ),
    "no state": (lambda sent: {"code": sent["code"], "iss": sent["iss"]}, "the state that came back is not the one"),
    "another issuer": (
        lambda sent: {**sent, "iss": "https://evil.example"},
        "got https://evil.example; this answer is",
    ),
    "no issuer": (lambda sent: {"code": sent["code"], "state": sent["state"]}, "got none; this answer is not ours"),
    "an error": (
        lambda sent: {
            "error": "access_denied",
            "error_description": "no\nway",
            "state": sent["state"],
            "iss": sent["iss"],
        },
        "refused with access_denied, no way",
    ),
    "no code": (lambda sent: {"state": sent["state"], "iss": sent["iss"]}, "expected one code in the answer, got 0"),
    "another code": (lambda sent: {**sent, "code": "guess-0123456789"}, "invalid_grant"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_wrong_callback_is_refused(project: Path, site: Site, change: Change, words: str) -> None:
    """A callback that is not ours, or brings no code, is one line; no token is kept, and the browser is told."""
    browser = Browser(change)

    with pytest.raises(TokenError) as caught:
        logged_in(browser)

    assert words in told(caught.value)
    assert (browser.pages[0].status_code, "failed" in browser.pages[0].text) == (400, True)
    assert not list((project / "state").rglob("*.json"))
    assert site.server.token_requests == (1 if words == "invalid_grant" else 0)


def test_other_requests_do_not_disturb(project: Path, site: Site, port: int) -> None:
    """A connection without a request, an icon, another host name and another path are not the callback."""
    idle: list[socket.socket] = []

    def disturb(callback: str) -> None:
        idle.append(socket.create_connection(("127.0.0.1", port)))
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(trust_env=False) as client:
            assert client.get(f"{base}/favicon.ico").status_code == 404
            assert client.get(f"{base}/callback").status_code == 404
            assert client.get(callback, headers={"Host": "["}).status_code == 404
            assert client.get(f"{base}/other?code=x&state=y").status_code == 404
            assert client.get(callback, headers={"Host": "evil.example"}).status_code == 404

    lines = logged_in(Browser(before=disturb))

    assert "the refresh token is kept" in lines[-1]
    for connection in idle:
        connection.close()


def test_answer_may_be_pasted(project: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --paste nothing listens; the URL that the browser ended at is read from standard input."""
    asked: list[str] = []

    def read() -> str:
        return Browser().callback(asked[-1]) + "\n"

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.readline", read, raising=False)
    lines = []
    for line in interactive.obtain("shop", way=interactive.Way(opens_browser=False, pastes=True)):
        asked.append(line) if line.startswith("http") else lines.append(line)

    assert "the refresh token is kept" in lines[-1]


def test_redirection_elsewhere_is_pasted(project: Path, site: Site, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered redirection URI that is not loopback is not listened at, and nothing pasted is one line."""
    text = site.profile.read_text(encoding="utf-8")
    site.profile.write_text(text.replace(f"http://127.0.0.1:{port}/", "https://app.example/"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))

    with pytest.raises(TokenError, match="no URL was pasted"):
        list(interactive.obtain("shop", way=interactive.Way(opens_browser=False)))


@pytest.mark.parametrize(
    ("registered", "shown"), [("http://127.0.0.1/callback", "127.0.0.1"), ("http://localhost/callback", "localhost")]
)
def test_without_a_port_any_will_do(project: Path, site: Site, port: int, registered: str, shown: str) -> None:
    """A loopback redirection URI without a port is used with one that is free (RFC 8252 7.3)."""
    text = site.profile.read_text(encoding="utf-8")
    site.profile.write_text(text.replace(f"http://127.0.0.1:{port}/callback", registered), encoding="utf-8")

    steps = interactive.obtain("shop", way=interactive.Way(opens_browser=False))
    _, url, waiting = (next(steps) for _ in range(3))

    (redirect_uri,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    parts = urlsplit(redirect_uri)
    assert (parts.hostname, parts.path) == (shown, "/callback")
    assert parts.port
    assert redirect_uri in waiting


def test_loopback_by_its_other_number(project: Path, site: Site, port: int) -> None:
    """A redirection URI with the address of IPv6 is listened at too."""
    with listening("shop", f"http://[::1]:{port}/callback") as callbacks:
        page = threading.Thread(target=httpx.get, args=(f"{callbacks.redirect_uri}?code=x&state=y",))
        page.start()
        answer = callbacks.wait(10)
        callbacks.finish(True)
        page.join(10)

    assert answer == f"http://[::1]:{port}/callback?code=x&state=y"


@pytest.mark.parametrize("text", ["http://[", "nonsense", "http://127.0.0.1:1/callback?code=x&state=y"])
def test_pasted_nonsense_is_one_line(project: Path, site: Site, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pasted and is no callback of ours is one line."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))

    with pytest.raises(TokenError) as caught:
        list(interactive.obtain("shop", way=interactive.Way(opens_browser=False, pastes=True)))

    assert "the answer went somewhere else than to redirect_uri" in told(caught.value)


def test_nobody_comes(project: Path, site: Site) -> None:
    """A login that takes too long is one line."""
    with pytest.raises(TokenError) as caught:
        list(interactive.obtain("shop", way=interactive.Way(opens_browser=False, wait=0.05)))

    assert "no answer came to http://127.0.0.1:" in told(caught.value)


def test_port_in_use(project: Path, site: Site, port: int) -> None:
    """A registered port that is taken is one line that says what to do."""
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ProfileError) as caught:
        list(interactive.obtain("shop", way=interactive.Way(opens_browser=False)))

    assert f"cannot listen at 127.0.0.1:{port}" in told(caught.value)
    assert "--paste" in told(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["token", "shpo"], "no profile 'shpo' (did you mean 'shop'?)"),
        (["token", "shop", "--grant", "passwort"], "(did you mean 'password'?); it has authorization_code"),
        (["token", "shop", "--grant", "refresh_token"], "there is none yet"),
        (["token", "shop", "--user", "third"], "no 'third' in [users]"),
    ],
)
def test_bad_input_is_one_line(
    project: Path, site: Site, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit status 2; nothing is sent."""
    assert main(arguments) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert site.server.requests == []


def test_server_that_is_not_there(project: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A host that does not answer is one line."""
    text = site.profile.read_text(encoding="utf-8")
    site.profile.write_text(text.replace(site.url, "http://127.0.0.1:9"), encoding="utf-8")

    assert main(["token", "shop", "--no-browser"]) == 2

    assert (
        "shop: http://127.0.0.1:9/.well-known/oauth-authorization-server: no answer"
        in capsys.readouterr().err.splitlines()[-1]
    )


# Browsers


class Window:
    """A browser with a window of its own."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open(self, url: str) -> bool:
        """Open a URL."""
        self.opened.append(url)
        return True


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    """Have a browser."""
    found = Window()
    monkeypatch.setattr("webbrowser.get", lambda: found)
    return found


@pytest.mark.parametrize("opens", [True, False])
def test_browser_is_opened_unless_told_not_to(project: Path, site: Site, window: Window, opens: bool) -> None:
    """The URL that is printed is the one that is opened."""
    with pytest.raises(TokenError) as caught:
        list(interactive.obtain("shop", way=interactive.Way(opens_browser=opens, wait=0.05)))

    assert "no answer came" in told(caught.value)
    assert [urlsplit(url).path for url in window.opened] == ["/authorize"] * opens


# Live runs


@pytest.mark.parametrize(
    ("key", "url"),
    [("token_url", "https://id.elsewhere.example/token"), ("api_url", "http://localhost:9")],
)
def test_kept_token_of_another_server_is_not_used(project: Path, site: Site, key: str, url: str) -> None:
    """A profile of the same name with another token endpoint or another API does not get the token."""
    logged_in(Browser())
    lines = site.profile.read_text(encoding="utf-8").splitlines()
    if key == "api_url":
        lines = [
            line.replace('"/', f'"{site.url}/') if line.startswith(("token_url", "auth")) else line for line in lines
        ]
    lines = [f'{key} = "{url}"' if line.startswith(key) else line for line in lines]
    site.profile.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(CredentialError, match="there is none yet"):
        list(interactive.obtain("shop", grant="refresh_token"))

"""``python -m pytest_apiauth token`` where authorization requests are pushed first (RFC 9126)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.errors import TokenError
from pytest_apiauth.profile import loading
from tests.login.browser import PROFILE, Browser, Site, logged_in

PLACE = 'authorize_url = "/authorize"'
PUSHED = f"""{PLACE}
pushed_authorization_request_url = "/par"
"""
REQUIRED = """
[authorization]
require_pushed_authorization_requests = true
[login]
[zones.user]"""


@pytest.fixture
def pushed(request: pytest.FixtureRequest, project: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Serve a profile whose requests are pushed, and write it into the project; a parameter is variants."""
    path = project / "shop.apiauth.toml"
    text = PROFILE.replace("PORT", str(port)).replace(PLACE, PUSHED).replace("\n[zones.user]", REQUIRED)
    path.write_text(text, encoding="utf-8")
    server = Server(loading.load(path), variants=getattr(request, "param", ("login-pages",)))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        path.write_text(text.replace("https://shop.example", url), encoding="utf-8")
        yield Site(server, url, path)


def test_a_script_opens_what_was_pushed(pushed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """With --script the request is pushed, its name is opened, and the token comes; nothing of it is printed."""
    assert main(["token", "shop", "--grant", "authorization_code", "--script"]) == 0

    printed = "".join(capsys.readouterr())
    (name,) = pushed.server._state.pushed
    assert f"contacting {pushed.url} for authorization_code" in printed
    assert "an access token, good for 3600 s" in printed
    assert name not in printed


@pytest.mark.parametrize("pushed", [()], indirect=True, ids=["no pages"])
def test_a_person_is_shown_the_name(pushed: Site) -> None:
    """The URL to open has the client and the name of what was pushed, and nothing else of it."""
    lines = logged_in(Browser(), grant="authorization_code")

    assert parse_qs(urlsplit(lines[1]).query).keys() == {"client_id", "request_uri"}
    assert "the refresh token is kept" in lines[-1]


def test_a_refused_push_is_one_line(pushed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is shown a URL that leads nowhere."""
    monkeypatch.setenv("SHOP_SECRET", "another-secret-than-the-right-one")

    with pytest.raises(TokenError, match="expected a request_uri for what was pushed, got status 401, invalid_client"):
        logged_in(Browser(), grant="authorization_code")

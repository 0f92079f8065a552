"""``init`` and ``token`` against a real server: npm's oidc-provider, with its own pages to log in and to consent at."""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.errors import TokenError
from pytest_apiauth.login import interactive
from pytest_apiauth.profile import loading
from tests.here import httpx
from tests.login.conftest import free_port
from tests.servers import parts
from tests.servers import test_django_oauth_toolkit as dot
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, announced

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ALLOWED = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
PROFILE = """
schema = 1
api_url = "{url}"
token_url = "/token"
authorize_url = "/auth?prompt=consent"
metadata_url = "/.well-known/openid-configuration"
[credentials]
client_id = "site-app"
client_secret = {{ env = "OIDC_SECRET" }}
redirect_uri = {{ env = "OIDC_REDIRECT_URI" }}
[clients.machine]
client_id = "site-machine"
client_secret = {{ env = "OIDC_MACHINE_SECRET" }}
[grants.authorization_code]
scope = "openid offline_access read"
answer = {{ token_type = "Bearer", refresh_token = true }}
[grants.refresh_token]
scope = ""
[grants.client_credentials]
client = "machine"
scope = "read"
answer = {{ token_type = "Bearer", expires_in = 600 }}
[zones.api]
path = "/api/"
needs = ["bearer"]
probe = ["/api/me"]
"""
WARNINGS: dict[Place, str] = {
    ("res-challenge-content", "api"): "RFC 6750 3: the site's own route challenges with the scheme alone",
    ("az-framing", "authorization_code"): "the package's pages for development may be framed",
}
PASSES: set[Place] = {
    ("zone-truth-table", "api"),
    ("az-state-echo", "authorization_code"),
    ("md-consistent", "document"),
    ("tok-members", "client_credentials"),
}
SCRIPTED = """
schema = 1
extends = "site.apiauth.toml"
rotation = "old-dies"
[login]
username = "login"
[credentials]
username = "alice"
password = { env = "OIDC_PASSWORD" }
[users.second]
username = "bob"
password = { env = "OIDC_PASSWORD" }
[clients.second]
client_id = "site-second"
client_secret = { env = "OIDC_SECOND_SECRET" }
[zones.api]
identity = "user"
"""
BY_CODES: dict[Place, str] = {
    ("code-bound", "authorization_code"): "RFC 6749 4.1.3: redirect_uri is REQUIRED if it was asked for with one; the"
    " package fills in the only one that the client has registered (allowOmittingSingleRegisteredRedirectUri)",
}
AFTER_A_LOGIN: set[Place] = {
    *((rule, "authorization_code") for rule in (
        "code-single-use", "code-race", "code-reuse-revokes", "pkce-verifier", "pkce-plain", "pkce-downgrade",
        "az-bad-redirect", "az-redirect-near-miss", "az-response-type", "az-state-echo", "az-params", "tok-members",
    )),
    *((rule, "refresh_token") for rule in ("ref-old-dead", "ref-family-isolation", "ref-reuse-kills-family")),
    ("life-isolation", "api"),
    ("zone-identity", "api"),
}  # fmt: skip
"""What was skipped for want of a browser; families end alone, although the package ends all of one session at once."""
TEST = "def test_me(apiauth_client):\n    assert apiauth_client.get('/api/me').json() == {'user': 'alice'}\n"


@dataclass(frozen=True)
class Site:
    """A running server, and the environment that its profile refers to."""

    url: str
    environment: dict[str, str]


@contextmanager
def running(folder: Path, **more: str) -> Iterator[Site]:
    """Run the site with secrets of its own, and more variables; it says on its output where it serves."""
    environment = {
        "OIDC_SECRET": secrets.token_urlsafe(24),
        "OIDC_REDIRECT_URI": f"http://127.0.0.1:{free_port()}/callback",
        **more,
    }
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            ["node", "oidc_provider.mjs"],
            cwd=folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            url = announced(process)
            assert url, f"the site did not start:\n{(folder / 'log').read_text(encoding='utf-8')}"
            yield Site(url, environment)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def site(package: Path) -> Iterator[Site]:
    """Run the site for all tests of a module."""
    with running(package, OIDC_MACHINE_SECRET=secrets.token_urlsafe(24)) as site:
        yield site


@pytest.fixture
def project(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a project with a profile of the site, and a state folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "site.apiauth.toml").write_text(PROFILE.format(url=site.url), encoding="utf-8")
    (tmp_path / "test_site.py").write_text(TEST, encoding="utf-8")
    return tmp_path


def log_in(url: str, change: Callable[[dict[str, str]], dict[str, str]], pages: list[httpx.Response]) -> None:
    """Fill in the pages that a browser meets, and go where they lead back to, with some parameters changed."""
    home = urlsplit(url).netloc
    with httpx.Client(trust_env=False, timeout=20) as client:
        page = client.get(url)
        while True:
            if page.is_redirect:
                place = urlsplit(urljoin(str(page.url), page.headers["location"]))
                if place.netloc != home:
                    query = urlencode(change(dict(parse_qsl(place.query))))
                    pages.append(client.get(place._replace(query=query).geturl()))
                    return
                page = client.get(place.geturl())
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', page.text)
            assert action, page.text
            assert prompt, page.text
            form = {"prompt": prompt[1], "login": "alice", "password": "any"}
            page = client.post(urljoin(str(page.url), html.unescape(action[1])), data=form)


def logged_in(change: Callable[[dict[str, str]], dict[str, str]] = dict) -> tuple[list[str], list[httpx.Response]]:
    """Run the command with a browser beside it; gives the lines that it prints, and the page at the end."""
    lines: list[str] = []
    pages: list[httpx.Response] = []
    steps = interactive.obtain("site", way=interactive.Way(opens_browser=False, wait=60))
    for line in steps:
        lines.append(line)
        if line.startswith("waiting"):
            thread = threading.Thread(target=log_in, args=(lines[-2], change, pages))
            thread.start()
            try:
                lines += steps
            finally:
                thread.join(60)
    return lines, pages


def test_login_and_the_live_runs_after_it(
    project: Path, site: Site, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login with PKCE, then live runs of tests and rules that go on from its refresh token, which rotates."""
    # pytester has a folder of its own.
    monkeypatch.chdir(project)
    lines, pages = logged_in()

    assert "site: authorization_code: an access token, good for 3600 s, scope openid offline_access read" in lines
    assert (pages[0].status_code, "Logged in" in pages[0].text) == (200, True)
    (path,) = (project / "state").rglob("*.json")
    kept = [json.loads(path.read_text(encoding="utf-8"))["refresh_token"]]
    suite = ["site.apiauth.toml", f"--apiauth-allow={','.join(EVERY_CLASS)}", f"--apiauth-report={project}/report.json"]
    for arguments in (["test_site.py"], ["test_site.py"], suite):
        result = pytester.runpytest_subprocess(
            f"--rootdir={project}", "-p", "no:cacheprovider", "--apiauth-live", "--apiauth-profile=site", *arguments
        )
        assert result.ret == 0, result.stdout.str()
        kept.append(json.loads(path.read_text(encoding="utf-8"))["refresh_token"])
        assert kept[-1] not in result.stdout.str()
    assert len(set(kept)) == 4
    report = json.loads((project / "report.json").read_text(encoding="utf-8"))
    run = Run(int(result.ret), result.stdout.str(), report)
    assert run.places("warning") == set(WARNINGS), run.output
    assert run.places("pass") >= PASSES, run.output


@pytest.fixture(scope="module")
def by_script(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dot.Site, dot.Run]:
    """Examine the site once with a ``[login]``; gives the profile and what its variables are too."""
    folder = tmp_path_factory.mktemp("scripted")
    (folder / "site.apiauth.toml").write_text(PROFILE.format(url=site.url), encoding="utf-8")
    profile = folder / "scripted.apiauth.toml"
    profile.write_text(SCRIPTED, encoding="utf-8")
    known = dot.Site(
        site.url,
        site.environment
        | {
            "OIDC_PASSWORD": secrets.token_urlsafe(16),
            "OIDC_SECOND_SECRET": f"{site.environment['OIDC_MACHINE_SECRET']}-second",
            "XDG_STATE_HOME": str(folder / "state"),
        },
    )
    return profile, known, dot.examine(known, profile, *ALLOWED)


def test_a_script_logs_in_and_consents(by_script: tuple[Path, dot.Site, dot.Run]) -> None:
    """With ``[login]`` no person is needed: all rules of codes run, and find nothing but what is true."""
    profile, _, run = by_script

    assert run.exit_status == 0, run.output
    assert run.places("warning") == set(WARNINGS) | set(BY_CODES), run.output
    assert run.places("pass") >= PASSES | AFTER_A_LOGIN, run.output
    assert not list((profile.parent / "state").rglob("*.json"))


def test_fewer_parts_are_skipped(by_script: tuple[Path, dot.Site, dot.Run], capsys: pytest.CaptureFixture[str]) -> None:
    """With a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    profile, site, after = by_script

    before = dot.examine(site, parts.without_login(profile), *ALLOWED)

    parts.require_fewer_skipped("oidc-provider", before, after, capsys)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sent: {**sent, "state": "another"}, "the state that came back is not the one that was sent"),
        (lambda sent: {**sent, "iss": "https://evil.example"}, "got https://evil.example; this answer is not ours"),
        (lambda sent: {k: v for k, v in sent.items() if k != "iss"}, "got none; this answer is not ours"),
    ],
    ids=["state", "issuer", "no issuer"],
)
def test_wrong_callback_is_refused(
    project: Path, change: Callable[[dict[str, str]], dict[str, str]], words: str
) -> None:
    """A callback with a state or an issuer that is not ours ends the login; nothing is kept."""
    with pytest.raises(TokenError, match=re.escape(words)):
        logged_in(change)

    assert not list((project / "state").rglob("*.json"))


def test_profile_from_its_discovery_document(project: Path, site: Site) -> None:
    """``init`` makes a profile of the server's own document, with every endpoint on its host."""
    assert main(["init", f"{site.url}/.well-known/openid-configuration", "-o", "own.apiauth.toml"]) == 0

    profile = loading.load(project / "own.apiauth.toml")
    assert (profile.api_url, profile.token_url, profile.authorize_url) == (site.url, "/token", "/auth")
    assert list(profile.grants) == ["authorization_code", "client_credentials", "refresh_token"]

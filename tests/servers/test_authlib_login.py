"""``token`` and live runs after it, with a person's grant: Authlib's authorization endpoint, with PKCE."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pytest_apiauth.login import interactive
from tests.here import httpx
from tests.servers.known import AUTHLIB
from tests.servers.test_apps_in_process import copied, installed
from tests.servers.test_apps_in_process import examine as examine_in_process
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, examine
from tests.servers.test_served import PROFILE, served

pytestmark = pytest.mark.slow

ALONE = f"""
schema = 1
extends = "{PROFILE}"
[grants]
password = false
client_credentials = false
"""


def log_in(url: str, password: str) -> None:
    """Fill in the page as a person in a browser would, and go where it leads back to."""
    page = httpx.post(url, data={"username": "alice", "password": password}, trust_env=False)
    httpx.get(page.headers["location"], trust_env=False)


def test_a_person_logs_in_and_live_runs_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login with PKCE, and then the suite from its refresh token: nothing but what is true, nothing left open."""
    folder = copied(installed(AUTHLIB), tmp_path)
    (folder / "person.apiauth.toml").write_text(ALONE, encoding="utf-8")
    monkeypatch.chdir(folder)
    with served(AUTHLIB, folder) as site:
        for name, value in (site.environment | {"XDG_STATE_HOME": str(tmp_path / "state")}).items():
            monkeypatch.setenv(name, value)
        lines: list[str] = []
        for line in interactive.obtain("person", way=interactive.Way(opens_browser=False, wait=60)):
            lines.append(line)
            if line.startswith("waiting"):
                person = threading.Thread(target=log_in, args=(lines[-2], site.environment["SITE_ALICE"]))
                person.start()
        person.join(60)
        assert "person: authorization_code: an access token, good for 600 s, scope profile" in lines

        run = examine(site, folder / "person.apiauth.toml", *(f"--apiauth-allow={name}" for name in EVERY_CLASS))

    assert run.places("fail") == {("invalid-never-5xx", "authorization_code")}, run.output
    assert run.places("warning") == {("res-challenge-content", "me"), ("az-framing", "authorization_code")}, run.output
    assert run.places("inconclusive") | run.places("not run") == set(AUTHLIB.undecided), run.output


SCRIPTED = f"""
schema = 1
extends = "{PROFILE}"
[login]
"""
BY_CODES = {
    ("code-reuse-revokes", "authorization_code"): "a code is deleted as it is used, so nobody knows what it has given",
    ("pkce-plain", "authorization_code"): "Authlib's CodeChallenge takes plain, as RFC 7636 4.2 permits and RFC 9700"
    " 2.1.1 advises against",
}


def test_a_script_logs_in_to_an_app_in_this_process(tmp_path: Path) -> None:
    """With an empty ``[login]`` the rules of codes run in process through the page that asks for a password."""
    folder = copied(installed(AUTHLIB), tmp_path)
    (folder / "scripted.apiauth.toml").write_text(SCRIPTED, encoding="utf-8")

    run = examine_in_process(folder, "scripted.apiauth.toml", "--apiauth-examples=5", "-k", "codes or authorization")

    assert run.places("fail") == {("invalid-never-5xx", "authorization_code")}, run.output
    warned = {place for place in AUTHLIB.warnings if place[0].startswith("az-")}
    assert AUTHLIB.without_races(run.places("warning")) == warned | set(BY_CODES), run.output
    assert run.places("inconclusive") == set(AUTHLIB.undecided), run.output
    assert run.places("pass") >= {
        (rule, "authorization_code")
        for rule in ("code-single-use", "code-bound", "pkce-verifier", "az-bad-redirect", "az-state-echo")
    }, run.output

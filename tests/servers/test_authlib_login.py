"""``token`` and live runs after it, with a person's grant: Authlib's authorization endpoint, with PKCE."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pytest_apiauth.login import interactive
from tests.here import httpx
from tests.servers.known import AUTHLIB
from tests.servers.test_apps_in_process import copied, installed
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

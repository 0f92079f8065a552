"""Kept refresh tokens: who may read them, when they count, and what a live run does with them."""

from __future__ import annotations

import json
import os
import stat
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import SystemClock, Token, TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import KeptTokens, live_identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import ApiAuthError, CredentialError
from pytest_apiauth.http import Network, fetch_token
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.recording.scan import unclean_in
from pytest_apiauth.suite.consent import refresh_token_of
from pytest_apiauth.targets.recorded import CassetteTarget
from tests.here import USUAL
from tests.login.browser import PROFILE, Browser, Site, logged_in

ENV = Reference(env="SHOP_REFRESH")
KEYRING = Reference(keyring="shop", username="alice")


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Give the profile."""
    (tmp_path / "shop.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    return loading.load(tmp_path / "shop.apiauth.toml")


@pytest.fixture
def kept(profile: Profile, tmp_path: Path) -> KeptTokens:
    """Give the kept tokens of the profile."""
    return KeptTokens(profile, tmp_path / "kept")


def secret(text: str) -> Secret:
    """Give a refresh token."""
    return Secret(text, "shop.refresh_token")


def test_what_is_kept_is_read_again(kept: KeptTokens) -> None:
    """The last token that was kept comes back; each client and user has one of its own."""
    kept.write("client", "default", secret("first"), None, None)
    kept.write("client", "default", secret("second"), None, None)
    kept.write("client", "other", secret("third"), None, None)

    assert kept.read("client", "default", None, None) == "second"
    assert kept.read("client", "other", None, None) == "third"
    assert kept.read("another", "default", None, None) is None


def test_only_the_owner_may_read(kept: KeptTokens, tmp_path: Path) -> None:
    """Neither the folder nor anything in it is open to others, and nothing half-written is left behind."""
    with kept.turn("client", "default"):
        kept.write("client", "default", secret("first"), None, None)

    folder = tmp_path / "kept"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        ".json": 0o600,
        ".lock": 0o600,
    }


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_file_that_others_may_read_is_refused(kept: KeptTokens, tmp_path: Path, mode: int) -> None:
    """A file with wider rights may have been read or written by anybody."""
    kept.write("client", "default", secret("first"), None, None)
    (path,) = (tmp_path / "kept").glob("*.json")
    path.chmod(mode)

    with pytest.raises(CredentialError, match="others may read it") as caught:
        kept.read("client", "default", None, None)

    assert "first" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"refresh_token": "first-0123"', "\xff"])
def test_damaged_file_is_one_line(kept: KeptTokens, tmp_path: Path, text: str) -> None:
    """A file that is no kept token is named, and its text is not quoted."""
    kept.write("client", "default", secret("first"), None, None)
    (path,) = (tmp_path / "kept").glob("*.json")
    path.write_text(text, encoding="latin-1")

    with pytest.raises(CredentialError, match="delete it and log in again") as caught:
        kept.read("client", "default", None, None)

    assert len(str(caught.value).splitlines()) == 1
    assert "first" not in str(caught.value)


def test_folder_that_cannot_be_written_is_one_line(profile: Profile, tmp_path: Path) -> None:
    """A place that takes no file is named."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(CredentialError, match="cannot be kept in"):
        KeptTokens(profile, tmp_path / "file" / "kept").write("client", "default", secret("first"), None, None)


def test_variable_counts_until_its_token_is_used_up(kept: KeptTokens) -> None:
    """A variable of the environment is the first token of a row; a new value in it begins a new row."""
    assert kept.read("client", "default", "given", ENV) == "given"

    kept.write("client", "default", secret("second"), "given", ENV)
    assert kept.read("client", "default", "given", ENV) == "second"
    assert kept.read("client", "default", None, ENV) == "second"

    kept.write("client", "default", secret("third"), "given", ENV)
    assert kept.read("client", "default", "given", ENV) == "third"
    assert kept.read("client", "default", "new", ENV) == "new"


def keyring_of(entries: dict[tuple[str, str], str]) -> types.ModuleType:
    """Give a keyring that is a dictionary."""
    module = types.ModuleType("keyring")
    vars(module).update(
        get_password=lambda service, name: entries.get((service, name)),
        set_password=lambda service, name, value: entries.__setitem__((service, name), value),
    )
    return module


def test_keyring_is_used_where_the_profile_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Profile
) -> None:
    """A reference to the keyring is read there and replaced there; no file is written."""
    entries = {("shop", "alice"): "first"}
    monkeypatch.setitem(sys.modules, "keyring", keyring_of(entries))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    own = profile.credentials.model_dump(exclude_unset=True)
    own |= {"refresh_token": {"keyring": "shop", "username": "alice"}}
    identities = live_identities(profile.replaced(credentials=own), tmp_path, Redactor())

    assert identities.refresh_token() == secret("first")
    assert identities.keep_refresh_token(secret("second")) == "keyring entry shop"
    assert identities.refresh_token() == secret("second")
    assert not (tmp_path / "state").exists()


def test_keyring_that_fails_is_one_line(kept: KeptTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a keyring raises is not quoted: it may hold what it was given."""
    module = types.ModuleType("keyring")

    def fail(*given: str) -> None:
        raise RuntimeError(*given)

    vars(module)["set_password"] = fail
    monkeypatch.setitem(sys.modules, "keyring", module)

    with pytest.raises(CredentialError, match="RuntimeError") as caught:
        kept.write("client", "default", secret("canary-0123"), None, KEYRING)

    assert "canary" not in str(caught.value)


def test_embedded_runs_keep_nothing(tmp_path: Path, profile: Profile) -> None:
    """Without a place for it, nothing is kept and nothing found."""
    identities = Identities(profile, lambda label, reference: None, Redactor())

    assert identities.keep_refresh_token(secret("first")) == ""
    assert identities.refresh_token() is None


# Live runs

TEST = """
def test_me(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

def test_again(apiauth_async_client):
    import asyncio
    assert asyncio.run(apiauth_async_client.get("/user/me")).status_code == 200
"""


def token_in(project: Path) -> Any:
    """Give the kept refresh token."""
    (path,) = (project / "state").rglob("*.json")
    return json.loads(path.read_text(encoding="utf-8"))["refresh_token"]


@pytest.fixture
def live(pytester: pytest.Pytester, site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Run pytest live in the project, in a process of its own."""
    # pytester has a folder of its own.
    monkeypatch.chdir(site.profile.parent)
    (site.profile.parent / "test_shop.py").write_text(TEST, encoding="utf-8")

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(
            f"--rootdir={site.profile.parent}",
            "-p",
            "no:cacheprovider",
            "--apiauth-live",
            "--apiauth-profile=shop",
            *arguments,
        )

    return run


@pytest.mark.slow
def test_live_runs_go_on_from_each_other(project: Path, site: Site, live: Callable[..., pytest.RunResult]) -> None:
    """A server that rotates ends the old token with each refresh; the run after finds the new one."""
    logged_in(Browser())
    first = token_in(project)

    for _ in range(2):
        live(str(project / "test_shop.py")).assert_outcomes(passed=2)

    assert token_in(project) != first
    refreshes = [r for r in site.server.requests if b"grant_type=refresh_token" in r.body]
    assert len(refreshes) == 2
    # The embedded server lets everybody in unasked; nobody had to go there again.
    assert sum(request.path == "/authorize" for request in site.server.requests) == 1


def test_runs_at_the_same_time_take_turns(project: Path, site: Site) -> None:
    """A server that takes a second use of a refresh token for theft sees none, however many refresh at once."""
    logged_in(Browser())
    profile = located_profile(loading.load(site.profile), project)
    failures: list[Exception] = []
    tokens: list[Token] = []

    def fetch() -> None:
        authenticator = Authenticator(
            profile, live_identities(profile, project, Redactor()), TokenStore(SystemClock(), 30), Redactor()
        )
        try:
            tokens.append(fetch_token(authenticator, Network(USUAL), Redactor()))
        except ApiAuthError as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [token.grant for token in tokens] == ["refresh_token"] * 6
    assert sum(request.path == "/authorize" for request in site.server.requests) == 1


def test_a_turn_does_not_wait_for_itself(kept: KeptTokens) -> None:
    """A second task of the same event loop goes on at once: the first could never end its turn."""
    with kept.turn("client", "default"), kept.turn("client", "default"):
        kept.write("client", "default", secret("first"), None, None)

    assert kept.read("client", "default", None, None) == "first"


def test_a_process_that_does_not_end_its_turn_is_one_line(
    profile: Profile, kept: KeptTokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that somebody else may be using is not sent a second time: a good server takes that for theft."""
    monkeypatch.setattr("pytest_apiauth.credentials.refresh_tokens.TURN", 0)
    told: list[str] = []

    def try_it() -> None:
        with pytest.raises(CredentialError) as caught, KeptTokens(profile, tmp_path / "kept").turn("client", "default"):
            raise AssertionError("it had a turn")
        told.append(str(caught.value))

    with kept.turn("client", "default"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()

    assert len(told) == 1
    assert told[0].startswith("shop: refresh_token: another process has had its turn with the one in ")


@pytest.mark.parametrize(
    ("usual", "command"),
    [
        (None, "`python -m pytest_apiauth token shop`"),
        ("client_credentials", "`python -m pytest_apiauth token shop --grant authorization_code`"),
    ],
)
def test_without_a_kept_token_the_command_that_logs_in_is_named(
    profile: Profile, usual: str | None, command: str
) -> None:
    """The command takes the grant that clients use, so another one has to be named for a person to be asked."""
    profile = profile.replaced(token={"grant": usual} if usual else {})

    with pytest.raises(CredentialError) as caught:
        refresh_token_of(profile, Identities(profile, lambda label, reference: None, Redactor()), "default")

    assert str(caught.value).endswith(command)


@pytest.mark.slow
@pytest.mark.parametrize("site", [("login-pages",)], indirect=True)
def test_suite_without_a_kept_token_names_the_command_that_logs_in(
    site: Site, live: Callable[..., pytest.RunResult]
) -> None:
    """Where people are asked to log in, rules that need their token say how to get one once."""
    result = live(str(site.profile), "-k", "res-mutated-token or res-no-cred-401")

    assert result.ret == 1
    assert "log in once with `python -m pytest_apiauth token shop`" in result.stdout.str()


@pytest.mark.slow
def test_suite_runs_live_on_a_kept_token(project: Path, site: Site, live: Callable[..., pytest.RunResult]) -> None:
    """Rules that need a token of the interactive grant get one without a browser, and leave a good one behind."""
    logged_in(Browser())
    for _ in range(2):
        result = live(str(site.profile), "-k", "res-mutated-token or res-no-cred-401", "-q")
        assert result.parseoutcomes().get("passed", 0) >= 2
        assert result.ret == 0


def test_record_goes_on_from_a_kept_token(project: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """``record --live`` refreshes with the kept token, without a browser, and keeps the one that comes after it."""
    folder = project / "cassettes" / "shop"
    assert main(["record", "shop", "--live"]) == 0
    assert "shop/refresh_token: left out: it needs a person at a browser" in capsys.readouterr().out
    assert not (folder / "refresh_token.yaml").exists()

    logged_in(Browser())
    asked = [token_in(project)]
    for _ in range(2):
        assert main(["record", "shop", "--live"]) == 0
        assert "shop/refresh_token" not in capsys.readouterr().out.replace("cassettes/shop/refresh_token.yaml: rec", "")
        asked.append(token_in(project))

    assert len(set(asked)) == 3
    assert sum(request.path == "/authorize" for request in site.server.requests) == 1
    text = (folder / "refresh_token.yaml").read_text(encoding="utf-8")
    assert "provenance: live" in text
    assert [token for token in asked if token in text] == []
    assert list(unclean_in(folder)) == []
    assert CassetteTarget.build(loading.load(site.profile), library=USUAL, root=project).answers


def test_record_with_a_dead_kept_token_is_one_line(
    project: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kept token that the server refuses leaves no cassette of the refusal; the line says how to log in again."""
    logged_in(Browser())
    site.server.revoke(secret(token_in(project)))
    capsys.readouterr()

    assert main(["record", "shop", "--live"]) == 2

    told = capsys.readouterr().err
    assert "shop: refresh_token: the kept token was refused with status 400; log in again" in told
    assert told.count("\n") == 1
    assert not (project / "cassettes" / "shop" / "refresh_token.yaml").exists()

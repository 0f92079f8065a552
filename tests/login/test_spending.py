"""A kept refresh token that is used up: from the answer on nothing comes between the next one and the disk."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth.flow import Authenticator, Send
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.refresh_tokens import KeptTokens, live_identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, TokenError
from pytest_apiauth.messages import Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile, Rotation
from tests.login.browser import PROFILE
from tests.shop import answered

Flow = Generator[Any, Response | None, Any]


class Login:
    """Somebody who has logged in once, with a flow under way that begins with the kept refresh token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "shop.apiauth.toml").write_text(PROFILE, encoding="utf-8")
        self.profile = loading.load(folder / "shop.apiauth.toml")
        self.keep("first")

    def keep(self, token: str) -> None:
        """Keep a token, as the command does."""
        KeptTokens(self.profile).write("shop-client", "default", Secret(token, "shop.refresh_token"), None, None)

    @property
    def kept(self) -> str:
        """The token that lies on the disk."""
        (path,) = self.folder.glob("*.json")
        return str(json.loads(path.read_text(encoding="utf-8"))["refresh_token"])

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder / "state" / "pytest-apiauth" / "refresh-tokens"

    def flow(self, profile: Profile | None = None) -> Flow:
        """Return a flow that gets a token."""
        profile = profile or self.profile
        identities = live_identities(profile, self._folder, Redactor())
        return Authenticator(profile, identities, TokenStore(SystemClock(), 30), Redactor()).token()


@pytest.fixture
def login(project: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Have logged in once."""
    monkeypatch.setenv("SHOP_SECRET", "value-of-secret")
    return Login(project)


def rotated(**members: object) -> Response:
    """Answer with another refresh token."""
    good = {"access_token": "access", "token_type": "Bearer", "expires_in": 60, "refresh_token": "second"}
    return answered({**good, **members})


@pytest.mark.parametrize(
    "answer",
    [
        rotated(expires_in="soon"),
        rotated(token_type="mac"),
        rotated(access_token="with a\nline break"),
        rotated(access_token=None),
        answered({"refresh_token": "second"}),
    ],
    ids=["lifetime", "type", "line break", "null", "no access token"],
)
def test_an_answer_with_something_wrong_in_it_gives_the_next_token_all_the_same(login: Login, answer: Response) -> None:
    """The server has replaced the token, whatever else it has written: the new one is kept, then the rest is told."""
    flow = login.flow()
    next(flow)

    with pytest.raises(TokenError):
        flow.send(answer)

    assert login.kept == "second"
    assert {path.suffix for path in login.folder.iterdir()} == {".json", ".lock"}


@pytest.mark.parametrize("answer", [answered({"refresh_token": ""}), answered({"refresh_token": 7}), answered([])])
def test_what_is_no_token_is_not_kept(login: Login, answer: Response) -> None:
    """An answer without another refresh token leaves the old one where it is."""
    flow = login.flow()
    next(flow)

    with pytest.raises(TokenError):
        flow.send(answer)

    assert login.kept == "first"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Take Ctrl-C as Python does by itself: what was started in the background may be without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_waits_for_the_disk(login: Login) -> None:
    """Whoever stops a run while the answer is under way finds the new token in place, and stops then."""
    flow = login.flow()
    next(flow)
    signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        flow.send(rotated())

    assert login.kept == "second"


@pytest.mark.usefixtures("interruptible")
def test_a_flow_that_is_closed_holds_nothing_back(login: Login) -> None:
    """A task that is cancelled before the answer leaves the old token, and nothing beside it."""
    flow = login.flow()
    next(flow)
    flow.close()

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)

    assert login.kept == "first"
    assert {path.suffix for path in login.folder.iterdir()} == {".json", ".lock"}


FULL = "No space left on device"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Fill the disk from now on: whoever is root may write anywhere, so the call itself fails."""

    def fail(number: int) -> None:
        raise OSError(28, FULL)

    return lambda: monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("rotation", ["old-dies", "new-token", None])
def test_nothing_is_sent_if_the_next_token_has_no_place(
    login: Login, full: Callable[[], None], rotation: Rotation | None
) -> None:
    """A full disk costs no login: the kept token stays with the server as it stays on the disk."""
    full()

    with pytest.raises(CredentialError, match=f"not sent.*{FULL}; make that place writable") as caught:
        next(login.flow(login.profile.replaced(rotation=rotation)))

    assert len(str(caught.value).splitlines()) == 1
    assert login.kept == "first"


def test_a_server_that_replaces_nothing_needs_no_place(login: Login, full: Callable[[], None]) -> None:
    """Where the profile says that refresh tokens stay as they are, a place that takes no file is no trouble."""
    full()
    flow = login.flow(login.profile.replaced(rotation="none"))

    assert isinstance(next(flow), Send)
    with pytest.raises(StopIteration):
        flow.send(answered({"access_token": "access", "token_type": "Bearer", "expires_in": 60}))

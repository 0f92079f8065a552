"""``python -m pytest_apiauth token`` by the device authorization grant: a code to show, questions, and a kept token."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.errors import TokenError
from pytest_apiauth.login import interactive
from pytest_apiauth.profile import loading
from tests.here import httpx

PROFILE = """
schema = 1
api_url = "https://shop.example"
token_url = "/token"
device_authorization_url = "/device"
[credentials]
client_id = "shop-device"
[token]
client_auth = "none"
answer = { token_type = "Bearer", expires_in = 600, refresh_token = true }
[grants.device_code]
[grants.refresh_token]
"""


@dataclass
class Person:
    """Waits as the command does, by the server's clock, and enters the code after some questions."""

    server: Server
    url: str
    enters_after: int | None = 2
    before: Callable[[], None] = lambda: None
    waited: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        """Let time pass for the server."""
        self.waited.append(seconds)
        self.server.clock.advance(seconds)
        self.before()
        if len(self.waited) == self.enters_after:
            (code,) = self.server._state.devices.values()
            with httpx.Client(trust_env=False) as client:
                assert client.get(f"{self.url}/device/verify?user_code={code.user_code}").status_code == 200


@pytest.fixture
def person(project: Path) -> Iterator[Person]:
    """Serve the profile on loopback, and write it into the project with the server's URL."""
    path = project / "shop.apiauth.toml"
    path.write_text(PROFILE, encoding="utf-8")
    server = Server(loading.load(path))
    with serve(server) as url:
        path.write_text(PROFILE.replace("https://shop.example", url), encoding="utf-8")
        yield Person(server, url)


def lines_of(person: Person, wait: float = 300) -> list[str]:
    """Run the command."""
    return list(interactive.obtain("shop", way=interactive.Way(opens_browser=False, wait=wait, pause=person.pause)))


def test_a_code_is_shown_and_the_token_kept(person: Person, project: Path) -> None:
    """The page and the code are printed, the server is asked at its interval, and nothing secret is printed."""
    lines = lines_of(person)

    (code,) = person.server._state.devices.values()
    assert lines[1:3] == ["https://shop.example/device/verify", code.user_code]
    assert person.waited == [5, 5]
    assert "device_code: an access token, good for 600 s" in lines[-2]
    (kept,) = (project / "state").rglob("*.json")
    assert str(kept) in lines[-1]
    secrets = [code.value, *person.server._state.access, *person.server._state.refresh]
    assert [secret for secret in secrets if secret in "\n".join(lines)] == []


def test_a_device_that_is_told_to_slow_down_does(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slow_down is five seconds more, for good (RFC 8628 3.5)."""
    person.enters_after = 4
    monkeypatch.setattr(person.server._policy, "is_too_fast", lambda code: len(person.waited) in (1, 2))

    lines_of(person)

    assert person.waited == [5, 10, 15, 15]


@pytest.mark.parametrize("wait", [12, 3000])
def test_nobody_comes(person: Person, wait: float) -> None:
    """When the person's time or that of the code is over, the command ends with one line."""
    person.enters_after = None

    with pytest.raises(TokenError, match=r"expired_token|nobody has entered the code in time"):
        lines_of(person, wait)

    assert sum(person.waited) <= min(wait, 1800) + 5


def test_a_server_that_takes_long_to_answer_takes_no_longer_than_the_person_waits(person: Person) -> None:
    """What the answers take is part of the time that there is, and nobody waits for an interval beyond it."""
    person.enters_after = None
    times = itertools.count(0, 40)
    way = interactive.Way(opens_browser=False, wait=100, pause=person.pause, now=lambda: next(times))

    with pytest.raises(TokenError, match="nobody has entered the code in time"):
        list(interactive.obtain("shop", way=way))
    assert person.waited == [5, 5]

    person.waited.clear()
    with pytest.raises(TokenError, match="nobody has entered the code in time"):
        lines_of(person, 3)
    assert person.waited == [3]


def test_a_person_may_say_no(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal ends the waiting at once, and is told."""
    person.enters_after = None
    monkeypatch.setattr(person.server._policy, "pending_error", lambda: "access_denied")

    with pytest.raises(TokenError, match="access_denied"):
        lines_of(person)

    assert person.waited == [5]

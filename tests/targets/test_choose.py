"""Which target a run has, and who shares it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.choose import Caller, Difference, Targets, choose
from pytest_apiauth.targets.limits import Limits, Throttle
from pytest_apiauth.targets.live import no_workers
from tests.here import USUAL

PAIR = {"api_key": {"header": "X-Key"}, "credentials": {"api_key": {"env": "SHOP_KEY"}}}
SHOP = Profile.model_validate({"schema": 1, "name": "shop", "api_url": "https://api.shop.example", **PAIR})
WITH_APP = SHOP.replaced(app="shop_app:app")


@dataclass(frozen=True)
class Asked:
    """What a run is asked for."""

    live: bool = False
    replay: bool = False
    wire: bool = False
    http: str = USUAL
    faults: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    prove: bool = False


@pytest.mark.parametrize(
    ("asked", "rules", "tests", "recorded"),
    [
        (Asked(), "app", "app", "app"),
        (Asked(live=True), "live", "live", "live"),
        (Asked(replay=True), "cassette", "app", "app"),
        (Asked(wire=True), "embedded", "embedded", "cassette"),
        (Asked(faults=("accepts-anything",)), "embedded", "embedded", "cassette"),
        (Asked(variants=("jwt-tokens",)), "embedded", "embedded", "cassette"),
        (Asked(prove=True), "embedded", "app", "app"),
    ],
)
def test_what_a_run_asks_for_decides(asked: Asked, rules: str, tests: str, recorded: str) -> None:
    """The network comes first, then the app, unless the embedded server is asked for by what only it can do."""
    callers: list[Caller] = ["rules", "tests", "tests with a cassette"]

    assert [choose(WITH_APP, asked, caller).name for caller in callers] == [rules, tests, recorded]


@pytest.mark.parametrize(
    "difference", [Difference(faults=("zone-open",)), Difference((), ("a",)), Difference(lifetime=1)]
)
def test_what_one_test_wants_of_the_embedded_server_decides(difference: Difference) -> None:
    """For that test it takes the app's place, and never that of a live server, nor of a cassette if there is no app."""
    asked = [Asked(), Asked(live=True)]

    assert [choose(WITH_APP, each, "tests", difference).name for each in asked] == ["embedded", "live"]
    assert choose(SHOP, Asked(), "tests with a cassette", difference).name == "cassette"


def test_only_rules_meet_a_socket() -> None:
    """Clients of tests are served in this process, though rules ask for connections."""
    assert choose(SHOP, Asked(wire=True), "rules").has_connections
    assert not choose(SHOP, Asked(wire=True), "tests").has_connections


def targets_of(asked: Asked, root: Path) -> Targets:
    """Return the targets of a run."""
    throttle = Throttle("shop", Limits(None, 9, 9))
    return Targets(
        asked, root, OutputRedactor(), lambda profile: throttle, no_workers, lambda profile, caller: asked.faults
    )


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Targets]:
    """The targets of a run with an app in this process."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "shop_app", raising=False)
    (tmp_path / "shop_app.py").write_text("def app(environ, start_response):\n    return []\n", encoding="utf-8")
    found = targets_of(Asked(), tmp_path)
    yield found
    found.close()


def test_rules_and_tests_hold_the_same_app(app: Targets) -> None:
    """An app is started once, for whoever asks first, and another one once it was closed; its tokens are a test's."""
    first = app.of(WITH_APP, "rules", credentials={"api_key": "key"})

    assert app.of(WITH_APP, "tests", credentials={}) is first
    assert first.store(("", "", "")) is not first.store(("", "", ""))
    assert app.knows(WITH_APP)
    app.close_shared(WITH_APP)
    assert app.of(WITH_APP, "tests", credentials={}) is not first


def test_an_app_that_fails_is_not_started_again(app: Targets) -> None:
    """Whoever asks later is told the same."""
    (app.root / "shop_app.py").write_text("0 / 0\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="ZeroDivisionError") as first:
        app.of(WITH_APP, "rules", credentials={})
    (app.root / "shop_app.py").write_text("def app(environ, start_response):\n    return []\n", encoding="utf-8")
    with pytest.raises(ProfileError) as second:
        app.of(WITH_APP, "tests", credentials={})

    assert str(second.value) == str(first.value)


def test_rules_and_tests_hold_the_same_live_server(tmp_path: Path) -> None:
    """They share connections, limits and tokens; a test that is recorded asks for tokens of its own."""
    targets = targets_of(Asked(live=True), tmp_path)
    shared, recorded = targets.of(SHOP, "rules"), targets.of(SHOP, "tests with a cassette")
    who = ("", "", "default")

    assert targets.of(SHOP, "tests") is shared
    assert shared.store(who) is shared.store(who)
    assert isinstance(recorded.store(who), TokenStore)
    assert recorded.store(who) is not shared.store(who)
    assert (shared.kind.is_shared, recorded.kind.is_shared) == (True, False)
    recorded.close()
    targets.close()


def test_every_test_has_an_embedded_server_of_its_own(tmp_path: Path) -> None:
    """What one test does to it, the next does not meet."""
    targets = targets_of(Asked(), tmp_path)
    first, second = targets.of(SHOP, "tests"), targets.of(SHOP, "tests")

    assert first.server is not None
    assert first.server is not second.server
    first.close()
    second.close()

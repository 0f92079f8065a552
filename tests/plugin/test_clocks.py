"""The clock of the embedded server, where time-machine and freezegun move the system's."""

from __future__ import annotations

import datetime

import pytest

from pytest_apiauth.embedded.state import ManualClock
from tests.plugin.projects import SHOP, Run, output, passes

freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_clock_follows_on_request() -> None:
    """It says what time.time() says, and can still be moved on top of that."""
    clock = ManualClock()
    with freezegun.freeze_time("2030-01-01") as frozen:
        assert clock.now() == 1_700_000_000
        clock.follow()
        start = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC).timestamp()
        assert clock.now() == start
        frozen.tick(90)
        clock.advance(10)
        assert clock.now() == start + 100


@pytest.mark.parametrize("library", ["time_machine", "freezegun"])
def test_system_time_moves_the_embedded_clock(pytester: pytest.Pytester, run: Run, library: str) -> None:
    """Tokens expire and are renewed as the library moves time, in this process and on a socket of it."""
    moving = {
        "time_machine": "with time_machine.travel(2_000_000_000, tick=False) as time:\n    move = time.shift",
        "freezegun": "with freezegun.freeze_time('2033-05-18') as time:\n    move = time.tick",
    }[library]
    source = f"""
import time as system, urllib.error, urllib.request
import pytest, {library}

def test_client(apiauth_client, apiauth_server):
    {moving.replace(chr(10), chr(10) + "    ")}
        apiauth_server.clock.follow()
        assert apiauth_client.get("/user/me").status_code == 200
        move(60)
        assert apiauth_client.get("/user/me").status_code == 200
        assert apiauth_server.token_requests == 1
        move(90_000)
        assert apiauth_client.get("/user/me").status_code == 200
        assert apiauth_server.token_requests == 2
        assert apiauth_server.clock.now() == system.time()

def test_socket(apiauth_url, apiauth_server, apiauth_token):
    def me(token):
        key = apiauth_server.environment["JINDEXE_API_KEY"]
        headers = {{"Authorization": f"Bearer {{token}}", "X-API-Key": key}}
        asked = urllib.request.Request(apiauth_url + "/user/me", headers=headers)
        return urllib.request.urlopen(asked).status

    {moving.replace(chr(10), chr(10) + "    ")}
        apiauth_server.clock.follow()
        token = apiauth_server.issue().reveal()
        assert me(token) == 200
        move(90_000)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            me(token)
"""
    passes(pytester, run, source)


def test_failing_test_says_how_the_clock_moves(pytester: pytest.Pytester, run: Run) -> None:
    """A failing test that moves the system's time by a fixture is told of the clock that stands, and it alone."""
    pytester.makepyfile(
        test_it="""
        def test_moved(apiauth_client, apiauth_server, time_machine):
            time_machine.move_to(2_000_000_000)
            assert apiauth_server.clock.now() == 2_000_000_000

        def test_follows(apiauth_client, apiauth_server, time_machine):
            apiauth_server.clock.follow()
            assert False
        """
    )

    result = run("test_it.py")

    result.assert_outcomes(failed=2)
    assert output(result).count("apiauth_server.clock.follow() has it go along") == 1

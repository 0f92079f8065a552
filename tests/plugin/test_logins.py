"""A project whose API has a login that is not OAuth's: fixtures, tokens, cassettes and the guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main

LOGIN = Path(__file__).parent.parent / "profiles" / "login.apiauth.toml"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Have a project with one profile, of a shop whose users log in by themselves."""
    text = LOGIN.read_text(encoding="utf-8")
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    return pytester


def test_clients_log_in_and_renew_and_log_in_again(project: pytest.Pytester) -> None:
    """A client logs in with the first request, renews what is over, and logs in again when the renewal is over too."""
    project.makepyfile(
        """
        def test_client(apiauth_client, apiauth_server):
            def paths():
                asked = [request.path for request in apiauth_server.requests]
                apiauth_server.requests.clear()
                return asked

            assert apiauth_client.get("/orders/mine").json()["user"]
            assert paths() == ["/login", "/orders/mine"]
            apiauth_server.clock.advance(700)
            assert apiauth_client.get("/orders/mine").status_code == 200
            assert paths() == ["/login/renew", "/orders/mine"]
            apiauth_server.clock.advance(90_000)
            assert apiauth_client.get("/orders/mine").status_code == 200
            assert paths() == ["/login/renew", "/login", "/orders/mine"]

        def test_token(apiauth_token, apiauth_mock):
            assert apiauth_token.authorization.startswith("Token ")
            assert apiauth_token.refresh_token is not None
        """
    )

    project.runpytest_inprocess().assert_outcomes(passed=2)


def test_a_login_is_recorded_and_replayed(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cassettes of a login hold no token and no password, and answer for the rules that they can answer for."""
    monkeypatch.chdir(project.path)

    assert main(["record", "shop"]) == 0
    assert main(["scan", "cassettes"]) == 0

    assert "no secret found" in capsys.readouterr().out
    names = sorted(path.stem for path in (project.path / "cassettes" / "shop").iterdir())
    assert names == ["password", "refresh_token", "spent_refresh_token", "wrong_password"]
    text = (project.path / "cassettes" / "shop" / "refresh_token.yaml").read_text(encoding="utf-8")
    assert text.count("apiauth-token-") == 3
    run = project.runpytest_inprocess("--apiauth-replay", "shop.apiauth.toml")
    run.assert_outcomes(**{**run.parseoutcomes(), "failed": 0})
    assert run.parseoutcomes()["passed"] > 0

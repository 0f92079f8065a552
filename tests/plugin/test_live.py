"""Live runs that may be scheduled: what they send, what they say of trouble, how they end."""

from __future__ import annotations

import json

import pytest

from tests.plugin.live_projects import noting, project, report_of, verdicts
from tests.plugin.projects import Run, output, served, told


@pytest.mark.slow
def test_a_default_run_spares_the_server(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """No wrong password beyond the bound, nothing revoked, no POST but to the token endpoint, all within the budget."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nmax_requests = 3000\n")
        password = server.environment["JINDEXE_PASSWORD"]
        result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json")

    assert "FAIL" not in output(result)
    posts = [request for request in server.requests if request.method not in ("GET", "HEAD", "OPTIONS")]
    assert {request.path for request in posts} == {"/public/token"}
    wrong = [request for request in posts if b'"password"' in request.body and password.encode() not in request.body]
    assert len([request for request in wrong if json.loads(request.body).get("password")]) <= 3
    assert len(server.requests) <= 3000
    report = report_of(pytester)
    assert len(server.requests) == report["requests"]
    assert server.tokens_issued == report["tokens_issued"] > 0
    skipped = [rule["reason"] for rule in report["rules"] if rule["safety"] in ("consume", "revoke", "lockout", "load")]
    assert any(reason.startswith("needs --apiauth-allow") for reason in skipped)


@pytest.mark.slow
def test_wrong_passwords_are_bounded_even_where_lockout_is_allowed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A bound holds over all rules of the run, and what it leaves out says so."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nallow = ['lockout']\nwrong_passwords = 4\n")
        password = server.environment["JINDEXE_PASSWORD"]
        run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json", "-k", "token_ or passwords or basic")

    bodies = [json.loads(request.body) for request in server.requests if b'"password"' in request.body]
    assert len([body for body in bodies if body.get("password", password) != password]) <= 8, (
        "four of the user, four of strangers"
    )
    assert "accounts lock" in json.dumps(report_of(pytester))


@pytest.mark.slow
def test_a_run_keeps_its_pace_and_budget(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Requests arrive no faster than asked, and no more than asked; the rest is inconclusive, and says why."""
    arrivals: list[float] = []
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setattr(server, "handle", noting(server.handle, arrivals))
        options = ("--apiauth-rate=400", "--apiauth-max-requests=120", "--apiauth-report=report.json")
        result = run("shop.apiauth.toml", "--apiauth-live", *options)

    assert len(arrivals) == 120
    # A hundred and twenty turns are a hundred and nineteen intervals.
    assert arrivals[-1] - arrivals[0] >= 119 / 400 * 0.95
    assert "at most 400 a second, 120 in all" in output(result)
    told(result, "the budget of 120 requests is spent")
    assert result.ret == 1
    assert "inconclusive" in verdicts(report_of(pytester)).values()


def test_a_spent_budget_keeps_the_counterexample(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """What was found before the budget ran out is reported, though it could have been made simpler."""
    with served("jindexe", faults=["token-case-folded"]) as (url, server):
        project(pytester, monkeypatch, url, server)
        words = ("shop.apiauth.toml", "--apiauth-live", "-k", "res-token-case and user", "--apiauth-report=report.json")
        run(*words)
        needed = next(rule["requests"] for rule in report_of(pytester)["rules"] if rule["verdict"] == "fail")
        result = run(*words, f"--apiauth-max-requests={needed - 1}")

    assert verdicts(report_of(pytester))["res-token-case"] == "fail"
    assert "ACCESS_TOKEN" in output(result)


TWINS = """
import pytest

@pytest.mark.apiauth("one/shop.apiauth.toml")
def test_one(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

@pytest.mark.apiauth("other/shop.apiauth.toml")
def test_other(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_profiles_of_one_name_share_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """Two folders may each have a profile of the same name: neither's token, budget or URL is the other's."""
    pytester.makepyfile(test_twins=TWINS)
    with served("jindexe") as (one, first), served("jindexe") as (other, second):
        for folder, url, server in (("one", one, first), ("other", other, second)):
            project(pytester, monkeypatch, url, server, "[live]\nmax_requests = 2\n")
            pytester.mkdir(folder)
            (pytester.path / "shop.apiauth.toml").rename(pytester.path / folder / "shop.apiauth.toml")
        result = pytester.runpytest_subprocess("test_twins.py", "--apiauth-live", "-n", workers)

    result.assert_outcomes(passed=2)
    assert [len(server.requests) for server in (first, second)] == [2, 2]

"""Smoke runs, and live runs that lack their secrets."""

from __future__ import annotations

import pytest

from tests.plugin.live_projects import LIVE, project, report_of, verdicts
from tests.plugin.projects import Run, output, served, told


def test_smoke_takes_few_requests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A dozen rules, a few requests a zone and probe."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke")

    assert "12 rules" in output(result)
    assert result.ret == 0
    probes = sum(len(zone.probe) for zone in server.profile.zones.values())
    assert 0 < len(server.requests) < 20 * probes


def test_smoke_fails_with_a_wrong_secret(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A secret that is no longer good is a failure, told once."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setenv("JINDEXE_PASSWORD", "no-longer-good")
        result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "--apiauth-report=report.json")

    report = report_of(pytester)
    assert (report["verdict"], set(verdicts(report).values())) == ("not ready", {"not run", "skip"})
    assert told(result, "  not ready: shop: the valid token request to", "was answered with 400")
    assert result.ret == 1


def test_smoke_is_inconclusive_where_the_server_has_stopped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Where nothing listens, nothing is said about authentication."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
    result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "--apiauth-report=report.json")

    report = report_of(pytester)
    assert (report["verdict"], set(verdicts(report).values())) == ("inconclusive", {"not run", "skip"})
    assert "no answer" in report["error"]
    told(result, "  inconclusive: shop: http://127.0.0.1", "no answer")
    assert result.ret == 1


@pytest.mark.slow
def test_unset_secrets_are_an_error_or_a_counted_skip(pytester: pytest.Pytester, run: Run) -> None:
    """Without the option one error names the variable; with it everything is skipped, which is no success either."""
    (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url="http://127.0.0.1:1"), encoding="utf-8")
    words = ("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "-rs")
    error = run(*words)
    told(error, "shop: credentials.", "environment variable JINDEXE_", "is not set")
    assert error.parseoutcomes()["errors"] == 1
    skipped = run(*words, "--apiauth-skip-missing")
    assert set(skipped.parseoutcomes()) <= {"skipped", "deselected"}
    assert "environment variable JINDEXE_" in output(skipped)
    assert skipped.ret == 0


def test_ordinary_tests_are_skipped_too(pytester: pytest.Pytester, run: Run) -> None:
    """The same holds for tests that use a fixture."""
    (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url="http://127.0.0.1:1"), encoding="utf-8")
    pytester.makepyfile("def test_it(apiauth_client):\n    apiauth_client.get('/user/me')")
    run("test_ordinary_tests_are_skipped_too.py", "--apiauth-live").assert_outcomes(failed=1)
    result = run("test_ordinary_tests_are_skipped_too.py", "--apiauth-live", "--apiauth-skip-missing", "-rs")
    result.assert_outcomes(skipped=1)
    assert "is not set" in output(result)

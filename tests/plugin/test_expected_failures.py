"""Expected failures: xfailed with their reasons, strict, for app and live runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.app_projects import BROKEN, rule, write
from tests.plugin.projects import Run, served, told

pytestmark = pytest.mark.slow  # a run of pytest each


@pytest.fixture
def broken(project: Path) -> Path:
    """The project with an app that lets everybody in."""
    main = project / "shop" / "main.py"
    main.write_text(main.read_text(encoding="utf-8").replace("good = ", "good = True or "), encoding="utf-8")
    return project


@pytest.mark.parametrize("name", [BROKEN, f"{BROKEN}[user]"])
def test_an_expected_failure_is_xfailed_with_its_reason(broken: Path, run: Run, name: str) -> None:
    """By rule or by part; the terminal and the JSON report show it."""
    write(broken, f'\n[expected_failures]\n"{name}" = "gateway opens it, ticket OPS-12"\n')

    result = run("tests/shop.apiauth.toml", "-k", BROKEN, "-rx", "--apiauth-report=report.json")

    result.assert_outcomes(xfailed=1)
    assert told(result, "XFAIL", "gateway opens it, ticket OPS-12")
    assert told(result, f"expected {BROKEN}: gateway opens it, ticket OPS-12")
    found = rule(broken, BROKEN)
    assert (found["verdict"], found["reason"]) == ("expected failure", "gateway opens it, ticket OPS-12")
    assert found["counterexample"]["curl"]


def test_the_summary_of_a_job_shows_both(broken: Path, run: Run) -> None:
    """The Markdown report lists expected failures with their reasons, and what passes although it should not."""
    write(broken, f'\n[expected_failures]\n{BROKEN} = "ticket OPS-12"\nzone-open = "ticket OPS-13"\n')

    run("tests/shop.apiauth.toml", "-k", f"{BROKEN} or zone-open", "--apiauth-report=report.md")

    text = (broken / "report.md").read_text(encoding="utf-8")
    assert f"- expected failure: {BROKEN}: ticket OPS-12" in text
    assert "UNEXPECTED PASS zone-open" in text
    assert "expected to fail (ticket OPS-13)" in text


def test_an_unexpected_pass_fails(project: Path, run: Run) -> None:
    """What passes although it is expected to fail fails the run."""
    write(project, f'\n[expected_failures]\n{BROKEN} = "ticket OPS-12"\n')

    result = run("tests/shop.apiauth.toml", "-k", BROKEN, "--apiauth-report=report.json")

    result.assert_outcomes(failed=1)
    assert told(result, "unexpected pass: expected to fail (ticket OPS-12)")
    assert rule(project, BROKEN)["verdict"] == "unexpected pass"


def test_expected_failures_do_not_count_on_the_embedded_server(project: Path, run: Run) -> None:
    """The same profile stays usable there."""
    write(project, f'\n[expected_failures]\n{BROKEN} = "ticket OPS-12"\n', app="title = 'no app'")

    run("tests/shop.apiauth.toml", "-k", BROKEN).assert_outcomes(passed=1)


def test_runxfail_shows_the_failure(broken: Path, run: Run) -> None:
    """pytest's own --runxfail takes the entries for nothing."""
    write(broken, f'\n[expected_failures]\n{BROKEN} = "ticket OPS-12"\n')

    run("tests/shop.apiauth.toml", "-k", BROKEN, "--runxfail").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("key-mising", ["expected_failures: key-mising: no such rule or part (did you mean 'key-missing'?)"]),
        ("key-missing[usr]", ["key-missing[usr]: no such rule or part (did you mean 'key-missing[user]'?)"]),
        ("tok-no-store", ["expected_failures: tok-no-store: that rule applies to nothing in this profile"]),
    ],
)
def test_an_entry_that_matches_nothing_is_an_error(project: Path, run: Run, name: str, words: list[str]) -> None:
    """An id that names no rule or part of the profile is told, with what may be meant."""
    write(project, f'\n[expected_failures]\n"{name}" = "x"\n')

    result = run("tests/shop.apiauth.toml")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert told(result, "shop", *words)


def test_a_breach_that_is_expected_is_no_failure_elsewhere(project: Path, run: Run) -> None:
    """A server error that is known of does not fail the rules that meet it on their way."""
    main = project / "shop" / "main.py"
    wrong = 'if not keys and scope["path"] == "/user/me": raise KeyError("x")\n    known ='
    main.write_text(main.read_text(encoding="utf-8").replace("known =", wrong, 1), encoding="utf-8")
    write(project, '\n[expected_failures]\ninvalid-never-5xx = "ticket OPS-12"\n')

    result = run("tests/shop.apiauth.toml", "-k", BROKEN, "--apiauth-report=report.json")

    result.assert_outcomes(xfailed=1)
    assert rule(project, "invalid-never-5xx")["verdict"] == "expected failure"


def test_a_server_error_that_others_meet_may_be_expected(project: Path, run: Run) -> None:
    """The requests of the rule that server errors count against pass, and another's do not: the run is green."""
    main = project / "shop" / "main.py"
    wrong = 'if not keys and scope["path"] == "/user/me": raise KeyError("x")\n    known ='
    main.write_text(main.read_text(encoding="utf-8").replace("known =", wrong, 1), encoding="utf-8")
    write(project, '\n[expected_failures]\ninvalid-never-5xx = "ticket OPS-12"\n')

    result = run("tests/shop.apiauth.toml", "-k", f"{BROKEN} or invalid-never-5xx")

    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == pytest.ExitCode.OK


def test_expected_failures_count_on_a_live_server(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known to be broken there is xfailed too."""
    with served("jindexe", faults=["key-optional"]) as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        text = f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n[expected_failures]\n{BROKEN} = "ticket OPS-12"\n'
        (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")

        result = run("shop.apiauth.toml", "--apiauth-live", "-k", f"{BROKEN} and public")

    result.assert_outcomes(xfailed=1)

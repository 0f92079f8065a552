"""Which profiles a run collects, by name or in a folder walk, and what it says of itself before and after."""

from __future__ import annotations

import json

import pytest

from tests.here import USUAL
from tests.plugin.projects import SHOP, SMALL, Run, output, told


@pytest.fixture(autouse=True)
def _profiles(pytester: pytest.Pytester) -> None:
    """Give the project its profiles."""
    for name, text in (("shop", SHOP), ("small", SMALL)):
        (pytester.path / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")


def listed(result: pytest.RunResult) -> list[str]:
    """Give the node ids that a run with ``--collect-only -q`` lists."""
    return [line for line in result.outlines if "::" in line and not line.startswith(("ERROR", "FAILED"))]


# Which profiles are collected


def test_folder_walk_collects_no_embedded_run(pytester: pytest.Pytester, run: Run) -> None:
    """A folder walk leaves profiles alone that have no server to examine, and says nothing about them."""
    pytester.makepyfile("def test_one(): pass")

    result = run()

    result.assert_outcomes(passed=1)
    assert "apiauth:" not in output(result)


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)])
def test_folder_of_profiles_alone_is_told_how_to_examine_them(
    pytester: pytest.Pytester, run: Run, options: tuple[str, ...]
) -> None:
    """A run that has found profiles and nothing to do says so; one with a test to run, or to leave out, does not."""
    line = "apiauth: not examined: shop.apiauth.toml, small.apiauth.toml; name a profile for that, or set"

    assert line in output(run(*options))
    pytester.makepyfile(test_it="def test_it(): pass")
    assert "not examined" not in output(run(*options))
    assert "not examined" not in output(run("-k", "nothing", *options))


def test_folder_walk_collects_all_where_the_ini_says_so(pytester: pytest.Pytester, run: Run) -> None:
    """apiauth_collect = all lets a folder walk collect every profile."""
    pytester.makeini("[pytest]\napiauth_collect = all\n")

    items = listed(run("--collect-only", "-q"))

    assert {"shop.apiauth.toml", "small.apiauth.toml"} == {item.partition("::")[0] for item in items}


def test_named_file_always_runs(pytester: pytest.Pytester, run: Run) -> None:
    """A file that is named runs, wherever it lies and whatever the ini says."""
    inner = pytester.mkdir("tests")
    (inner / "deep.apiauth.toml").write_text(SMALL, encoding="utf-8")
    pytester.makeini("[pytest]\napiauth_collect = servers\ntestpaths = tests\n")

    run("tests/deep.apiauth.toml", "-k", "key-missing").assert_outcomes(passed=1)


@pytest.mark.slow
def test_pyargs_collects_the_suite_of_the_package(run: Run) -> None:
    """The three built-in profiles are collected where the folder of the suite itself is named."""
    from pytest_apiauth import bundled

    items = listed(run(str(bundled.folder()), "--collect-only", "-q"))

    names = {item.partition("::")[0].rpartition("/")[2] for item in items}
    assert {f"{name}.apiauth.toml" for name in ("dastra", "jindexe", "digishare")} == names


# What a run says of itself


def test_embedded_run_says_that_it_says_nothing_about_the_api(pytester: pytest.Pytester, run: Run) -> None:
    """Header, summary and JSON of an embedded run say that it says nothing about the real API."""
    result = run("small.apiauth.toml", "-k", "key-missing", "--apiauth-report=report.json", "--hypothesis-seed=5")

    lines = [line for line in result.outlines if "says nothing about the real API" in line]
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert len(lines) == 2
    assert lines[0].startswith("apiauth: small on the embedded server")
    assert lines[0].endswith(f"; {USUAL}, seed 5")
    assert "says nothing about the real API" in report["profiles"][0]["note"]


def test_unrelated_run_says_nothing(pytester: pytest.Pytester, run: Run) -> None:
    """A run without a profile has no line of ours."""
    pytester.makepyfile("def test_one(): pass")

    assert "API authentication" not in output(run("test_unrelated_run_says_nothing.py"))


def test_live_run_says_where_it_is_about_to_go(run: Run) -> None:
    """Before a live run the header names the URL that requests will go to; what would be run is listed with it too."""
    result = run("small.apiauth.toml", "--apiauth-live", "--collect-only", "-q")

    assert "https://api.shop.example" in told(result, "apiauth: small.apiauth.toml: about to send requests to")


def test_run_in_which_nothing_applied_is_an_error(pytester: pytest.Pytester, run: Run) -> None:
    """A run in which no rule applied exits with 1 and says so in a line."""
    (pytester.path / "empty.apiauth.toml").write_text('schema = 1\napi_url = "https://a.example"\n', encoding="utf-8")

    result = run("empty.apiauth.toml")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "ERROR: nothing applied to empty, so nothing was tested")

"""What the rules of a profile share lives as long as they run, and no longer."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SMALL, output

WATCHING = """
import gc

import pytest

from pytest_apiauth.embedded import Server

ALIVE = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    # Whoever asks what is alive has to have what is dead collected.
    gc.collect()
    ALIVE.append(sum(isinstance(each, Server) for each in gc.get_objects()))


def pytest_unconfigure():
    print("most alive:", max(ALIVE), "at the end:", ALIVE[-1])
"""


def write_profiles(pytester: pytest.Pytester) -> None:
    """Write three profiles that few rules apply to."""
    for number in range(3):
        text = SMALL.replace("api.shop", f"api.shop{number}")
        (pytester.path / f"shop{number}.apiauth.toml").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_one_double_at_a_time(pytester: pytest.Pytester) -> None:
    """The double of a profile goes with its last rule: however many profiles there are, one double is alive."""
    write_profiles(pytester)
    pytester.makeconftest(WATCHING)
    result = pytester.runpytest_subprocess("-o", "apiauth_collect=all", "-k", "key-bad or zone-truth-table", "-s")

    result.assert_outcomes(passed=6)
    assert "most alive: 1 at the end: 0" in output(result)


@pytest.mark.slow
def test_a_profile_that_comes_back_is_made_ready_again(pytester: pytest.Pytester) -> None:
    """In an order that somebody has shuffled every rule still finds a double, and says what it says in any order."""
    write_profiles(pytester)
    pytester.makeconftest("def pytest_collection_modifyitems(items):\n    items.sort(key=lambda item: item.name)\n")
    result = pytester.runpytest_subprocess("-o", "apiauth_collect=all", "-k", "key-bad or zone-truth-table")

    result.assert_outcomes(passed=6)

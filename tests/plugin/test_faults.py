"""Runs that are to show a fault: caught by its owner, or an error, never green."""

from __future__ import annotations

import pytest

SHOP = 'schema = 1\nextends = "dastra"\n'


@pytest.mark.parametrize(
    ("fault", "rule", "line"),
    [
        ("token-case-folded", "res-token-case", "*FAILED*res-token-case*"),
        ("surplus-key-refused", "zone-monotone", "ERROR: the fault 'surplus-key-refused' was not caught by its rule*"),
    ],
)
def test_a_fault_run_is_never_green(pytester: pytest.Pytester, fault: str, rule: str, line: str) -> None:
    """A fault that these profiles show fails its owner; one that they cannot show is an error, and says so."""
    pytester.makefile(".apiauth.toml", shop=SHOP)
    result = pytester.runpytest_inprocess("shop.apiauth.toml", "--apiauth-fault", fault, "-k", rule)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([line])


def test_a_fault_that_nothing_examines_is_a_usage_error(pytester: pytest.Pytester) -> None:
    """A fault whose rule applies to none of the profiles is refused before the run, in one line."""
    pytester.makefile(".apiauth.toml", shop=SHOP)
    result = pytester.runpytest_inprocess("shop.apiauth.toml", "--apiauth-fault", "key-unbound")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --apiauth-fault: 'key-unbound' is caught by the rule key-bound*"])

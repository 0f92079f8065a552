"""Shares of tests: together they are all of them, and none is in two."""

from __future__ import annotations

import argparse

import pytest

from tests.sharing import Share, chosen

NAMES = [f"tests/grid/test_grid.py::test_each_row[{number}]" for number in range(300)]


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_every_test_is_in_one_share(of: int) -> None:
    """And the shares are about as large as one another."""
    shares = [chosen(Share(number, of), NAMES) for number in range(1, of + 1)]

    assert sorted(name for share in shares for name in share) == sorted(NAMES)
    assert min(map(len, shares)) > len(NAMES) / of / 2


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/3"])
def test_what_is_no_share_is_refused(text: str) -> None:
    """Before any test is run."""
    with pytest.raises(argparse.ArgumentTypeError, match="expected K/N"):
        Share.parsed(text)

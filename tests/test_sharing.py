"""Shares of tests: together they are all of them, and none is in two."""

from __future__ import annotations

import argparse

import pytest

from tests import sharing
from tests.sharing import ROOT, Share, about, chosen

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


TABLE = """
import pytest

@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.about(f"file_{n}.py")) for n in range(60)])
def test_row(number):
    pass

def test_no_row():
    pass
"""
IDS = [f"test_table.py::test_row[{number}]" for number in range(60)]
OWN = set(chosen(Share(1, 3), IDS))


def said(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *changed: str) -> str:
    """Run a share of a table of sixty rows, each about a file of its own; gives what is said of it."""
    monkeypatch.setattr(sharing, "ROOT", pytester.path)
    pytester.makepyfile(test_table=TABLE)
    (pytester.path / "changed.txt").write_text("\n".join(changed), encoding="utf-8")
    result = pytester.runpytest_inprocess("-q", "--share=1/3", "--changed=changed.txt", plugins=[sharing])
    (line,) = [line for line in result.outlines if line.startswith("share ")]
    passed = result.parseoutcomes()["passed"] - 1  # what is no row is in every share
    assert line.startswith(f"share 1/3: {passed} of 60 rows, "), line
    assert line.endswith(f"; {60 - passed} are NOT RUN, which a run without --share does"), line
    return line


def test_what_has_changed_is_looked_at_beside_a_share(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that changes what four rows are about looks at them too, if they are in another share."""
    others = [number for number, nodeid in enumerate(IDS) if nodeid not in OWN][:4]
    line = said(pytester, monkeypatch, *(f"file_{number}.py" for number in others), "README.md")

    assert f": {len(OWN) + 4} of 60 rows, 4 of them since what they are about has changed; " in line


def test_nothing_has_changed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share alone is looked at."""
    assert f": {len(OWN)} of 60 rows, 0 of them since" in said(pytester, monkeypatch, "README.md")


def test_a_table_that_has_changed_is_looked_at_as_a_whole(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of each of its rows may be another."""
    assert ": 60 of 60 rows, " in said(pytester, monkeypatch, "test_table.py")


def test_a_row_is_about_the_file_that_a_thing_is_written_in() -> None:
    """A function's, a class's, or a path as it is."""
    assert about(Share, chosen, ROOT / "README.md").args == ("README.md", "tests/sharing.py")

"""The table of benchmarks: what a goal is, what makes a run fail, and that a peer may be missing."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks import herds, peers
from tests.benchmarks.figures import Figure, Goal, Measured, Plan, Value
from tests.benchmarks.measuring import ratio, run
from tests.benchmarks.table import FIGURES, ONE
from tests.here import needs

TIME = Goal(at_most=8)


def figure(goal: Goal, number: float, **peers: Value | str) -> Figure:
    """Return a figure that was measured already."""
    return Figure("some figure", goal, lambda plan: Measured(Value(number, "s"), None, peers), tuple(peers))


@pytest.mark.parametrize(
    ("goal", "number", "met", "is_broken"),
    [(TIME, 7.9, "met", False), (TIME, 8.1, "MISSED", False), (ONE, 1, "met", False), (ONE, 2, "MISSED", True),
     (Goal(at_least=0.9), 0.8, "MISSED", False), (Goal(), 5, "-", False)],
)  # fmt: skip
def test_counts_decide_and_times_do_not(goal: Goal, number: float, met: str, is_broken: bool) -> None:
    """A count that is wrong makes a run fail; a time that misses its goal is told of."""
    row = figure(goal, number).row(Plan())

    assert (met, is_broken) == (row.cells()[4], row.is_broken)


def test_what_cannot_be_measured_is_a_row() -> None:
    """An error of one figure is told in its row, fails the run, and does not end it."""

    def measure(plan: Plan) -> Measured:
        raise RuntimeError("no server")

    row = Figure("some figure", TIME, measure).row(Plan())

    assert row.is_broken
    assert list(row.lines(markdown=False))[1].strip() == "RuntimeError: no server"


def test_a_peer_that_is_missing_is_a_cell() -> None:
    """Peers are told in their row with what is beside their number, or why there is none."""
    row = figure(TIME, 1, httpx_auth="not installed", authlib=Value(50, beside="49 calls failed")).row(Plan())

    assert list(row.more()) == ["httpx_auth not installed; authlib 50 (49 calls failed)"]


@needs("httpx")
def test_peers_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the other libraries ours is still measured."""
    monkeypatch.setattr(peers, "found", lambda name: None)
    peers.authlib.cache_clear()
    try:
        made = herds.callers("http://127.0.0.1:1", is_async=False)
    finally:
        peers.authlib.cache_clear()

    assert [name for name, caller in made.items() if caller is not None] == ["ours"]


def test_a_ratio_is_one_of_medians() -> None:
    """One slow request of many changes nothing."""
    assert ratio([2.0, 2.0, 2.0, 2.0, 90.0], [1.0, 1.0, 1.0, 1.0, 1.0]).number == 2.0


def test_cost_is_that_of_the_process() -> None:
    """What is told of a process is its own: not the memory of whoever started it, and its exit status counts."""
    cost = run([sys.executable, "-I", "-S", "-c", "print('said')"])

    assert cost.output == "said\n"
    assert 0 < cost.peak < 40
    assert cost.cpu > 0
    with pytest.raises(RuntimeError, match="exit status 3"):
        run([sys.executable, "-I", "-S", "-c", "raise SystemExit(3)"])


def test_every_figure_has_a_name_of_its_own() -> None:
    """Names say which row is meant, but for those that belong to the row above."""
    names = [figure.name for figure in FIGURES if not figure.name.startswith(" ")]

    assert len(names) == len({*names}) > 20
    assert sum(figure.goal.is_count for figure in FIGURES) >= 8

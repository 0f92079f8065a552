"""What a figure is, what it may be, and how a row of the table reads.

A figure has a goal, which is data, and a way to measure it, which gives what is ours, what the control row gave (one
side of the ratio against itself) and what the peers gave in the same run. A goal of a *count* (token requests, say)
does not depend on the machine: the exit status does depend on it. Whatever is a time or a ratio of times is printed,
and never decides anything: a busy machine is no defect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NOT_INSTALLED: Final = "not installed"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is made."""

    quick: bool = False
    """Fewer rounds, and only the figures that need no environments of their own: CI's run."""
    environments: Path | None = None
    """The folder of the environments of peers that are pytest plug-ins; they are made where they are missing."""
    sample: int = 1
    """Of the faults every so many-th is examined, always the same ones."""

    def rounds(self, whole: int, quick: int) -> int:
        """Choose how often something is repeated."""
        return quick if self.quick else whole


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its unit, and in words what stands beside it."""

    number: float
    unit: str = ""
    beside: str = ""
    """Quartiles, a count of requests, milliseconds to a ratio: whatever says more about it."""

    @property
    def shown(self) -> str:
        """The number and its unit."""
        amount = abs(self.number)
        # A count is whole; a ratio near one differs in its third digit.
        shown = f"{self.number:.0f}" if self.number == int(self.number) or amount >= 100 else f"{self.number:.3g}"
        shown = f"{self.number:.3f}" if not self.unit and 0 < amount < 3 and self.number != int(self.number) else shown
        return f"{shown} {self.unit}".rstrip()

    def __str__(self) -> str:
        return f"{self.shown}{f' ({self.beside})' if self.beside else ''}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be: a bound in the figure's unit, or nothing but to be printed."""

    at_most: float | None = None
    at_least: float | None = None
    is_count: bool = False
    """Whether it does not depend on the machine, so that a run fails where it is missed."""

    def is_met(self, number: float) -> bool:
        """Whether a number is as it should be."""
        return (self.at_most is None or number <= self.at_most) and (self.at_least is None or number >= self.at_least)

    def __str__(self) -> str:
        if self.is_count and self.at_most is not None and self.at_most == self.at_least:
            return f"{self.at_most:g}"
        bounds = [f"<= {self.at_most:g}"] if self.at_most is not None else []
        bounds += [f">= {self.at_least:g}"] if self.at_least is not None else []
        return ", ".join(bounds) or "printed"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of measuring a figure."""

    ours: Value
    control: Value | None = None
    peers: Mapping[str, Value | str] = field(default_factory=dict)
    """By name what each peer gave, or in words why it gave nothing."""
    notes: tuple[str, ...] = ()
    """What belongs to it and has no cell, each a line below the row."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    goal: Goal
    measure: Callable[[Plan], Measured]
    peers: tuple[str, ...] = ()
    in_quick: bool = True

    def row(self, plan: Plan) -> Row:
        """Measure it. What raises is a row too: the others are still worth having."""
        began = time.monotonic()
        try:
            measured = self.measure(plan)
        except Exception as error:
            return Row(self, None, time.monotonic() - began, f"{type(error).__name__}: {error}"[:400])
        missing = set(self.peers) ^ set(measured.peers)
        assert not missing, f"{self.name}: peers {missing} are in one place only"
        return Row(self, measured, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as it was measured."""

    figure: Figure
    measured: Measured | None
    seconds: float
    trouble: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether the run fails by it: it could not be measured, or a count is not what it has to be."""
        if self.measured is None:
            return True
        return self.figure.goal.is_count and not self.figure.goal.is_met(self.measured.ours.number)

    def cells(self) -> tuple[str, ...]:
        """Return what stands in its columns: name, ours, control, goal, whether it is met, seconds."""
        goal, name = self.figure.goal, self.figure.name
        if self.measured is None:
            return (name, "-", "-", str(goal), "BROKEN", f"{self.seconds:.0f}")
        bounded = goal.at_most is not None or goal.at_least is not None
        met = "met" if goal.is_met(self.measured.ours.number) else "MISSED"
        control = self.measured.control.shown if self.measured.control is not None else "-"
        return (name, self.measured.ours.shown, control, str(goal), met if bounded else "-", f"{self.seconds:.0f}")

    def more(self) -> Iterator[str]:
        """Return what stands below it: what is beside our number, peers, notes."""
        if self.measured is None:
            yield self.trouble
            return
        if self.measured.ours.beside:
            yield self.measured.ours.beside
        if self.measured.control is not None and self.measured.control.beside:
            yield f"control: {self.measured.control.beside}"
        if self.measured.peers:
            yield "; ".join(f"{name} {value}" for name, value in self.measured.peers.items())
        yield from self.measured.notes

    def lines(self, markdown: bool) -> Iterator[str]:
        """Return its lines of the table."""
        if markdown:
            name, ours, control, goal, met, _ = self.cells()
            yield f"| {name} | {ours} | {control} | {goal} | {met} | {'. '.join(self.more())} |"
            return
        yield _line(self.cells())
        yield from (f"      {line}" for line in self.more())


def _line(cells: Sequence[str]) -> str:
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, (58, 9, 9, 8, 6, 4), strict=True)).rstrip()


HEADING: Final = ("figure", "ours", "control", "goal", "", "s")


def printed(figures: Iterable[Figure], plan: Plan, *, markdown: bool) -> list[Row]:
    """Measure figures one after the other, and print each row as it comes."""
    rows = []
    print("| figure | ours | control | goal | | |\n|---|---|---|---|---|---|" if markdown else _line(HEADING))
    for figure in figures:
        rows.append(row := figure.row(plan))
        print(*row.lines(markdown), sep="\n", flush=True)
    return rows

"""What became of tokens, as a drawing: a lane for each token, and what happened to it from left to right.

Theory of operation. Time stands in no proportion: a token is used at the beginning and a second before its end, and a
refresh token lives two hundred times as long. So each thing that happens takes a column, and time that passes is a band
with its length on it. What a request gives stands in the column of the request: the refresh token that was used, and
below it the tokens that came. A token that was issued and never seen again has no lane, unless all are such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.report.record import Event

COLUMN: Final = 26
BAND: Final = 48
"""The width of time that passes, at least."""
LETTER: Final = 7
LANE: Final = 24
NAMES: Final = 128
"""The width of the names."""
TOP: Final = 8
MOST_LANES: Final = 24


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that happened to one token."""

    x: int
    y: int
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One token, from its issue to its last event."""

    name: str
    y: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Band:
    """Time that passes."""

    x: int
    width: int
    words: str


@dataclass(frozen=True, slots=True)
class Link:
    """What binds the tokens of one request."""

    x: int
    top: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything with its place."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...]
    links: tuple[Link, ...]


def drawing(events: Sequence[Event]) -> Drawing:
    """Return the drawing of a chain of events.

    >>> life = [Event(0, "issued", ("ACCESS_TOKEN_1",), "200 OK"), Event(9, "refused", ("ACCESS_TOKEN_1",), "401")]
    >>> [(lane.name, lane.start, lane.end) for lane in drawing(life).lanes]
    [('ACCESS_TOKEN_1', 141, 167)]
    """
    rows = {name: TOP + LANE // 2 + LANE * number for number, name in enumerate(_lanes(events))}
    marks: list[Mark] = []
    bands: list[Band] = []
    links: list[Link] = []
    x, last = NAMES, None
    for event in events:
        if event.what == "passed":
            words = duration(event.at - (0 if last is None else last.at))
            width = max(BAND, LETTER * len(words) + 12)
            bands.append(Band(x + 2, width - 4, words))
            x += width
        elif not (event.what == "renewed" and last is not None and last.what == "used"):
            x += COLUMN
        middle = x - COLUMN // 2
        fresh = [Mark(middle, rows[name], event.what, event.words) for name in event.tokens if name in rows]
        marks += fresh
        touched = [mark.y for mark in marks if mark.x == middle] if fresh else []
        if len(touched) > 1:
            links.append(Link(middle, min(touched), max(touched)))
        last = event
    lanes = (_lane(name, y, marks) for name, y in rows.items())
    height = TOP + LANE * len(rows) + 20
    return Drawing(x + 8, height, tuple(lanes), tuple(marks), tuple(bands), tuple(links))


def tells(events: Sequence[Event]) -> tuple[int, int]:
    """Say how much a chain tells: the kinds of events that it has, and of two alike the shorter one more."""
    return len({event.what for event in events}), -len(events)


def duration(seconds: int) -> str:
    """Write a time as a person says it.

    >>> duration(86430), duration(3600), duration(31536000), duration(0)
    ('1 d 30 s', '1 h', '365 d', '0 s')
    """
    pieces = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number:
            pieces.append(f"{number} {unit}")
    return " ".join(pieces) or "0 s"


def _lanes(events: Sequence[Event]) -> list[str]:
    """Return the tokens that have a lane."""
    known = list(dict.fromkeys(name for event in events for name in event.tokens))
    seen = {name for event in events if event.what not in ("issued", "renewed") for name in event.tokens}
    return [name for name in known if name in seen or not seen][:MOST_LANES]


def _lane(name: str, y: int, marks: Sequence[Mark]) -> Lane:
    places = [mark.x for mark in marks if mark.y == y]
    return Lane(name, y, min(places), max(places))

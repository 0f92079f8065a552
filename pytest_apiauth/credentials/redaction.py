"""The redactor at pytest's outputs: reports, captured output, logs."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pytest

from pytest_apiauth.credentials.pieces import Halves, Pieces, grams
from pytest_apiauth.credentials.secrets import SHORTEST, Forms, Redactor, Secret, mark, spellings, windows
from pytest_apiauth.credentials.unwrapping import DIFFERENCE, SIDES, WRAPPING, Unwrapped, squeezed, unwrapped

LOGGERS = (
    "httpx", "httpx2",
    "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "httpcore2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks",
    "vcr.cassette", "vcr.matchers", "vcr.stubs", "vcr.stubs.httpx_stubs", "vcr.stubs.aiohttp_stubs", "vcr.request",
    "vcr.patch",
)  # fmt: skip
"""Loggers that print URLs, headers or bodies. A filter counts on the logger itself and not on its children."""

CUT: Final = re.compile(r"[\"']?\.\.\.(?:b?[\"'])?")
"""Where something was left out: in the middle of a value, or behind a line of it."""
LONG_HALF: Final = 9
"""pytest shows ten letters of what two texts have in common."""
LONG_LINE: Final = 100
LONG_BEGINNING: Final = 16
"""So much of a value at the end of a line so long is the beginning of one that was cut."""
LEFT_OUT: Final = re.compile(r"Skipping \d+ identical |\.\.\.Full output truncated")
LEFT_ALONE: Final = frozenset(
    ("nodeid", "location", "keywords", "longrepr", "sections", "when", "outcome", "duration", "result")
)
"""What a report says about the test itself; its name is made clean when it is collected, as those of ``result`` are."""
LONGEST_KEPT: Final = 4_000
MOST_KEPT: Final = 2_000
"""Letters of a text, and texts, that are kept with what is shown of them."""
Change = Callable[[str], str]


class RedactingFilter(logging.Filter):
    """Replaces known secrets in log records, before any handler sees them."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self.watch: Callable[[logging.LogRecord], None] | None = None
        """Sees each record first, to learn from it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted."""
        if self.watch is not None:
            self.watch(record)
        message = record.getMessage()
        redacted = self._redactor.redact(message)
        if redacted != message:
            record.msg, record.args = redacted, None
        return True


class OutputRedactor(Redactor):
    """A redactor that also finds a value which pytest has broken over lines, escaped again and again, or cut.

    The text and the values are brought to one form (see `credentials.unwrapping`) and compared there. Pytest cuts
    long values in the middle, so halves of a value are looked for beside three dots, and beside the ends of lines where
    a text says that something was left out. What is needed for it is made when the first text asks for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, str] = {}
        self._cleaned: dict[str, str] = {}
        """Texts that were shown since the last value was learnt, and how: a report passes several times."""
        self._mutex_of_index = threading.Lock()
        self._forms: dict[str, set[str]] = {}
        """How values are spelled of which no clue is known yet."""
        self._unclued: deque[tuple[str, str]] = deque()
        self._clues: dict[str, str | list[str]] = {}
        """Six letters of which a text has some where it holds a value, or a piece of one; and the value, or values."""
        self._indexed: set[str] = set()
        self._unwrapped = Forms()
        self._squeezed = Forms()
        self._halves = Halves()
        self._pieces = Pieces()

    def learn(self, value: str | Secret, where: str | None = None) -> None:
        """Learn a value, as every redactor does."""
        super().learn(value, where)
        label = where or (value.where if isinstance(value, Secret) else "secret")
        raw = value.reveal() if isinstance(value, Secret) else value
        if len(raw) >= SHORTEST and raw not in self._values:
            self._values[raw] = label
            self._unclued.append((raw, label))
            # Another one, as somebody may be about to put into this one what he has found without the value.
            self._cleaned = {}

    def _spelled(self, value: str, forms: set[str]) -> None:
        self._forms[value] = forms

    def known(self) -> Iterable[tuple[str, str]]:
        """Return every learnt value with its label."""
        return list(self._values.items())

    def redact_shown(self, text: str) -> str:
        """Return a text that is about to be shown with every learnt value replaced, and every piece of one."""
        if not self._values or len(text) < SHORTEST:
            return text
        cleaned = self._cleaned
        shown = cleaned.get(text)
        if shown is None:
            shown = self._redacted(text)
            if len(text) <= LONGEST_KEPT:
                if len(cleaned) >= MOST_KEPT:
                    cleaned.clear()
                cleaned[text] = shown
        return shown

    def _redacted(self, text: str) -> str:
        text = self.redact(text)
        self._find_clues()
        hidden: list[tuple[int, int, str]] = []
        for side in SIDES if DIFFERENCE.search(text) else ("",):
            form = Unwrapped(text, side)
            if not self._may_hold_value(form.letters):
                continue
            for start, end, label in self._found(form, text):
                places = _lines(text, form.places(start, end))
                hidden += ((*place, label) for place in places if not self.is_marked(text, *place))
        return _without(text, hidden) if hidden else text

    def _may_hold_value(self, letters: str) -> bool:
        """Whether a value may be in a text; if so, what finds it is ready then."""
        clues = self._clues.keys() & windows(letters, SHORTEST)
        for clue in clues:
            self._index(self._clues[clue])
        # Whoever breaks lines between words drops the blanks there.
        return bool(clues) or (self._squeezed.is_of_use and self._squeezed.finds(squeezed(letters)[0]))

    def _found(self, form: Unwrapped, text: str) -> Iterator[tuple[int, int, str]]:
        letters = form.letters
        yield from self._pieces.found(letters)
        if self._squeezed.is_of_use:
            tight, places = squeezed(letters)
            for start, end, label in self._squeezed.found(tight):
                yield places[start], places[end - 1] + 1, label
        yield from self.found(letters)
        yield from self._unwrapped.found(letters)
        cuts = [found.span() for found in CUT.finditer(letters)]
        yield from self._halves.beginnings(letters, [start for start, _ in cuts], SHORTEST)
        yield from self._halves.endings(letters, [end for _, end in cuts], SHORTEST)
        if LEFT_OUT.search(text):
            yield from self._halves.beginnings(letters, form.joints, LONG_HALF)
            yield from self._halves.endings(letters, form.joints, LONG_HALF)
        else:
            # Python cuts long values in messages of its own, and says nothing.
            ends = [*form.joints, len(letters)]
            long = [end for before, end in zip((0, *ends), ends, strict=False) if end - before >= LONG_LINE]
            yield from self._halves.beginnings(letters, long, LONG_BEGINNING)

    def _find_clues(self) -> None:
        """Note what tells of the values that were learnt since: all that a text without any of them needs."""
        with self._mutex_of_index:
            known, clues = self._clues, dict[str, str | list[str]]()
            while self._unclued:
                value, label = self._unclued.popleft()
                forms, _ = _forms(value, self._forms.pop(value, None))
                for form in forms:
                    clues[form[:SHORTEST]] = clues[form[-SHORTEST:]] = value
                for gram in grams(unwrapped(value)):
                    clues[gram[:SHORTEST]] = value
                for clue in clues.keys() & known.keys():
                    same = known[clue]
                    if isinstance(same, str):
                        clues[clue] = [same, value]
                    else:
                        same.append(value)  # every JWT begins alike
                        clues[clue] = same
                known.update(clues)
                clues.clear()
                if value.split() != [value]:
                    tight = {squeezed(form)[0] for form in forms}
                    self._squeezed.add([form for form in tight if len(form) > LONG_HALF], label)

    def _index(self, values: str | list[str]) -> None:
        """Make what finds some values themselves, and where they begin and end."""
        for value in [values] if isinstance(values, str) else values:
            with self._mutex_of_index:
                if value in self._indexed:
                    continue
                label = self._values[value]
                forms, spelled = _forms(value)
                self._unwrapped.add(forms - spelled, label)
                self._pieces.add(unwrapped(value), label)
                self._halves.add(forms, label)
                self._indexed.add(value)


def _forms(value: str, spelled: set[str] | None = None) -> tuple[set[str], set[str]]:
    """Return how a value is spelled in a text that was brought to its one form, and how before that, if not known."""
    spelled = spellings(value) if spelled is None else spelled
    # Most have one form only: to look at all of them at once is faster.
    is_wrapped = WRAPPING.search(" ".join(spelled)) is not None
    return {unwrapped(form) for form in spelled} if is_wrapped else spelled, spelled


def _lines(text: str, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join places of a text that only escapes and colours stand between: what is left is one a line."""
    start = end = None
    for first, last in places:
        if start is None or end is None or "\n" in text[end:first]:
            if start is not None and end is not None:
                yield start, end
            start = first
        end = last
    if start is not None and end is not None:
        yield start, end


def _without(text: str, hidden: list[tuple[int, int, str]]) -> str:
    """Return a text with marks in some places."""
    pieces: list[str] = []
    done = 0
    for start, end, label in sorted(hidden, key=lambda each: (each[0], -each[1])):
        if end <= done:
            continue
        if start >= done:
            pieces += (text[done:start], mark(label))
        done = end
    return "".join((*pieces, text[done:]))


def redact_report(report: pytest.TestReport | pytest.CollectReport, change: Change) -> None:
    """Change every text that a report carries to terminal, JUnit and other plug-ins."""
    if isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, change(reason))
    elif report.longrepr is not None:
        text = str(report.longrepr)
        if change(text) != text:
            report.longrepr = changed_picture(report.longrepr, change)
            text = str(report.longrepr)
            if change(text) != text:
                # A value in two parts of the picture.
                report.longrepr = change(text)
    report.sections = [(change(title), change(text)) for title, text in report.sections]
    for name, value in vars(report).items():
        if name not in LEFT_ALONE and isinstance(value, str | list | tuple | dict):
            setattr(report, name, changed_value(value, change))


def changed_picture(picture: Any, change: Change) -> Any:
    """Change every text inside pytest's picture of an exception, which keeps its colours and its summary."""
    if isinstance(picture, str):
        return change(picture)
    if isinstance(picture, list) and picture and all(isinstance(each, str) for each in picture):
        return _changed_lines(picture, change)
    if type(picture) in (list, tuple):
        return type(picture)([changed_picture(each, change) for each in picture])
    if type(picture).__module__.startswith("_pytest."):
        for name, each in vars(picture).items():
            setattr(picture, name, changed_picture(each, change))
    return picture


def _changed_lines(lines: list[str], change: Change) -> list[str]:
    """Change lines together, since a value may stand in several."""
    text = "\n".join(lines)
    changed = change(text)
    if changed == text:
        return lines
    new = changed.split("\n")
    if len(new) != text.count("\n") + 1:
        return new
    rest = iter(new)
    return ["\n".join(next(rest) for _ in range(line.count("\n") + 1)) for line in lines]


def changed_value(value: Any, change: Change) -> Any:
    """Return a plain value with its texts changed. What is no plain value stays as it is, and is shown changed."""
    if isinstance(value, str):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)([changed_value(each, change) for each in value])
    if type(value) is dict:
        return {changed_value(name, change): changed_value(each, change) for name, each in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    try:
        shown = str(value)
    except Exception:
        return value  # whoever shows it will be told
    return value if change(shown) == shown else change(shown)

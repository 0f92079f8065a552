"""What a text was before it was broken over lines, coloured and escaped, with the way back to each letter.

Theory of operation. Pytest and ``pprint`` show a long value as pieces over several lines, each with a margin and often
in quotes of its own; in a difference the lines of the other side stand between them. Escapes stand in escapes: a repr
in JSON in a repr. To look for every such spelling of every value would never end, so the text is brought to one form
instead, and the values to the same: joints between lines go, and so do colours and backslashes; ``%2525`` is ``%`` and
``&amp;quot;`` is a quotation mark, however often they were encoded. Each letter that is left knows where it stood.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from typing import Final

_COLOUR: Final = r"\x1b\[[0-9;?]*+[A-Za-z]?"
"""Without its letter where pytest has cut a line in the middle of it."""
_BLANK: Final = rf"(?:[ \t]|{_COLOUR})*+"
_MARGIN: Final = rf"{_BLANK}(?:E(?=[ \t]))?{_BLANK}"
"""Pytest begins each line of an exception with an E."""
_OTHERS: Final = {
    side: rf"(?:\n{_MARGIN}[{marks}][ \t][^\n]*(?=\n))*" for side, marks in (("", "?"), ("-", "?+"), ("+", "?-"))
}
"""Lines between two pieces of a value: in a difference, those that point at letters and those of the other side."""
_QUOTE: Final = r"[\"']"


@cache
def _pattern(side: str) -> re.Pattern[str]:
    joint = (
        rf"(?P<joint>(?:{_QUOTE}(?:{_COLOUR})*)?[ \t]?\r?{_OTHERS[side]}\n{_MARGIN}(?:[-+|>][ \t]+)?{_BLANK}"
        rf"(?:[bBuU]?{_QUOTE})?)"
    )
    return re.compile(
        rf"{joint}|(?P<gone>{_COLOUR}|\\+)|(?P<percent>%(?:25)+(?=[0-9A-Fa-f]{{2}}))"
        r"|(?P<entity>&(?:amp;)*(?:(?:quot|#34|#x22|apos|#39|#x27|lt|gt);|(?<=;)))"
    )


SIDES: Final = tuple(_OTHERS)
"""How to read a text: all of it, or one side of the differences in it."""
WRAPPING: Final = re.compile(r"[\n\\\x1b%&]")
DIFFERENCE: Final = re.compile(rf"^{_MARGIN}[-+][ \t]", re.MULTILINE)
_ENTITIES: Final = {
    "quot": '"', "#34": '"', "#x22": '"', "apos": "'", "#39": "'", "#x27": "'", "lt": "<", "gt": ">", "amp": "&",
}  # fmt: skip


class Unwrapped:
    """A text in its one form. ``letters`` is that form, ``joints`` the places in it where lines were joined."""

    def __init__(self, text: str, side: str = "") -> None:
        pieces: list[str] = []
        # Of each piece: where it begins in the form, where it stood in the text, and where that ended.
        self._begins: list[int] = []
        self._stood: list[tuple[int, int]] = []
        self.joints: list[int] = []
        length = done = 0
        for found in _pattern(side).finditer(text):
            start, end = found.span()
            for piece, place in ((text[done:start], (done, start)), (_meant(found), (start, end))):
                if piece:
                    pieces.append(piece)
                    self._begins.append(length)
                    self._stood.append(place)
                    length += len(piece)
            if found.lastgroup == "joint":
                self.joints.append(length)
            done = end
        if done < len(text):
            pieces.append(text[done:])
            self._begins.append(length)
            self._stood.append((done, len(text)))
        self.letters = "".join(pieces)

    def places(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Return where letters of the form stood in the text, piece by piece."""
        number = bisect_right(self._begins, start) - 1
        while number < len(self._begins) and self._begins[number] < end:
            begin, (first, last) = self._begins[number], self._stood[number]
            following = self._begins[number + 1] if number + 1 < len(self._begins) else len(self.letters)
            if following - begin == last - first:
                yield first + max(0, start - begin), first + min(last - first, end - begin)
            else:
                yield first, last  # one letter that was written as several
            number += 1


def _meant(found: re.Match[str]) -> str:
    """Return the letter that an escape stands for; empty for what only stands in between."""
    if found.lastgroup == "percent":
        return "%"
    if found.lastgroup == "entity":
        return _ENTITIES[found.group().rstrip(";").rpartition(";")[2].lstrip("&")]
    return ""


def unwrapped(text: str) -> str:
    """Return a text in its one form."""
    return Unwrapped(text).letters if WRAPPING.search(text) else text


def squeezed(text: str) -> tuple[str, list[int]]:
    """Return a text without its blanks, and where each letter that is left stood."""
    places = [place for place, letter in enumerate(text) if not letter.isspace()]
    return "".join([text[place] for place in places]), places

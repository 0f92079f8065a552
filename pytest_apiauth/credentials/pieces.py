"""Parts of values: halves that pytest has left of one, and long pieces that stand anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_apiauth.credentials.secrets import SHORTEST, windows

LONGEST_HALF: Final = 400
"""pytest shows up to 240 characters of a value, and up to 640 of a comparison."""
GRAM: Final = 8
LEAST: Final = 2 * GRAM
"""So many letters of a value in a row have every letter of one of its grams among them, wherever they begin."""
LONG: Final = 3 * GRAM
RSA: Final = bytes.fromhex("30 0d 06 09 2a 86 48 86 f7 0d 01 01 01 05 00")
"""How a key says that it is one of RSA (RFC 8017 A.1)."""
PUBLIC: Final = tuple(base64.b64encode(bytes(place) + RSA).decode().rstrip("=")[-20:] for place in range(3))
"""The same in Base64, at each place where it may begin: private keys have it, and public ones too."""


def grams(value: str) -> list[str]:
    """Return a long value as grams, side by side; of one that is not long there are none."""
    places = range(0, len(value) - GRAM + 1, GRAM) if len(value) >= LONG else ()
    return [value[place : place + GRAM] for place in places]


class Halves:
    """Beginnings and endings of many texts, looked for where a text says that something was cut."""

    def __init__(self) -> None:
        self._beginnings: dict[str, list[tuple[str, str]]] = {}
        self._endings: dict[str, list[tuple[str, str]]] = {}

    def add(self, forms: Iterable[str], label: str) -> None:
        """Look for the halves of these texts too."""
        for form in forms:
            if len(form) >= SHORTEST:
                self._beginnings.setdefault(form[:SHORTEST], []).append((form, label))
                self._endings.setdefault(form[-SHORTEST:], []).append((form, label))

    def beginnings(self, text: str, cuts: Iterable[int], shortest: int) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and label of the beginnings that end at one of some places in a text."""
        for end in cuts:
            for place in range(max(0, end - LONGEST_HALF), end - shortest + 1):
                for form, label in self._beginnings.get(text[place : place + SHORTEST], ()):
                    if form.startswith(text[place:end]):
                        yield place, end, label

    def endings(self, text: str, cuts: Iterable[int], shortest: int) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and label of the endings that begin at one of some places in a text."""
        for begin in cuts:
            for place in range(min(len(text), begin + LONGEST_HALF), begin + shortest - 1, -1):
                for form, label in self._endings.get(text[place - SHORTEST : place], ()):
                    if form.endswith(text[begin:place]):
                        yield begin, place, label


class Pieces:
    """Long values, of which sixteen letters in a row are found: in a token with one letter changed, say.

    Each value is cut into grams of eight letters, side by side. A text is walked once; if it has a gram, the letters
    on both sides tell how much of the value stands there.
    """

    def __init__(self) -> None:
        self._grams: dict[str, tuple[str, int, str]] = {}

    def add(self, value: str, label: str) -> None:
        """Look for the pieces of a value, if it is a long one."""
        for number, gram in enumerate(grams(value)):
            self._grams.setdefault(gram, (value, number * GRAM, label))

    def found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and label of each piece in a text."""
        grams, place, done = self._grams, 0, 0
        if not grams or grams.keys().isdisjoint(windows(text, GRAM)):
            return
        while place <= len(text) - GRAM:
            hit = grams.get(text[place : place + GRAM])
            if hit is not None:
                value, at, label = hit
                before = _alike(reversed(text[done:place][-at:] if at else ""), reversed(value[:at]))
                after = _alike(text[place : place + len(value) - at], value[at:])
                is_public = any(text[place - before : place + after] in name for name in PUBLIC)
                if before + after >= LEAST and not is_public:
                    yield place - before, place + after, label
                    place = done = place + after
                    continue
            place += 1


def _alike(one: Iterable[str], other: Iterable[str]) -> int:
    """Count the letters that two texts begin with alike."""
    count = 0
    for letter, same in zip(one, other, strict=False):
        if letter != same:
            break
        count += 1
    return count

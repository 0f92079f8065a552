"""What a value looks like, for names that say too little: ``?key=`` may carry an API key, or a colour.

Keys and tokens are drawn at random; what people write, and ids that programs count, is made of words and numbers. Two
things tell them apart: in what is drawn numbers stand between letters, and the letters follow each other as in no
language. Of keys of sixteen letters and digits nine in ten are told, of those of thirty-two 99 in a hundred.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

SHORTEST_KEY: Final = 16
"""Characters of the shortest key that an API is known to give out."""
LONGEST_KEY: Final = 8192
SHORTEST_PASSWORD: Final = 6
_ALPHABET: Final = re.compile(r"[\w+/=.~:%|@!$*-]+", re.ASCII)
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEX: Final = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
_JWT: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_GOOGLE: Final = re.compile(r"AIza[\w-]{35}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-?\d\d-?\d\d(?:[T _]?\d\d[\d:.+-]*Z?)?", re.ASCII)
_NUMBERED: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
"""Twilio's SIDs name resources; they open nothing."""
_FILE: Final = re.compile(r".*[^.]\.[A-Za-z]\w{1,4}", re.ASCII)
_PIECE: Final = re.compile(r"[A-Za-z0-9]+")
_RUN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SHOUTED: Final = re.compile(r"[A-Z<>\[\]{}()*_ .-]{1,40}")
_SAID: Final = re.compile(r"[A-Za-z<>\[\]{}()*_ .-]{1,200}")
_OWN_WORDS: Final = (
    "redacted", "filtered", "scrubbed", "removed", "hidden", "masked", "dummy", "fake", "placeholder", "xxx",
)  # fmt: skip
_FOLLOWERS: Final = {
    "a": "abcdfgiklmnprstuvwxy", "b": "abceijlorsuy", "c": "acdehiklmorstuy", "d": "abcdefilorstu",
    "e": "abcdefgilmnopqrstuvwxy", "f": "adefilorstu", "g": "aeghilnorsu", "h": "aeiortu", "i": "abcdefglmnoprstvxz",
    "k": "eils", "l": "acdefilopstuy", "m": "abdeilmopstuy", "n": "acdefgiklnopstuv", "o": "abcdfgiklmnoprstuvwx",
    "p": "adehiloprstuy", "q": "u", "r": "acdefgiklmnoprstuvy", "s": "aceghiklmnoprstuwy", "t": "abcdefhilmnoprstuwy",
    "u": "abcdefgilmnprst", "v": "aeio", "w": "aehinors", "x": "ceipt", "y": "emnpsty", "z": "eiz",
}  # fmt: skip
"""Which letters follow a letter in the words of programs, in 95 of 100 cases."""


def looks_like_key(value: str) -> bool:
    """Return whether a value can be a key, a token or a signature, and hardly anything else."""
    value = value.strip().strip('"')
    if not SHORTEST_KEY <= len(value) <= LONGEST_KEY or _ALPHABET.fullmatch(value) is None:
        return False
    if _MOMENT.fullmatch(value) or _NUMBERED.fullmatch(value):
        return False
    if _UUID.fullmatch(value) or _JWT.fullmatch(value) or _GOOGLE.fullmatch(value):
        return True
    if _HEX.fullmatch(value):
        return re.search("[a-fA-F]", value) is not None and re.search("[0-9]", value) is not None
    if _FILE.fullmatch(value):
        return False
    pieces = _PIECE.findall(value)
    return any(map(_is_mixed, pieces)) or _is_no_language(pieces)


def is_no_word(value: str) -> bool:
    """Return whether a value can be a password: letters with digits or signs among them, neither word nor number."""
    value = value.strip()
    if len(value) < SHORTEST_PASSWORD or " " in value or _MOMENT.fullmatch(value):
        return False
    has_letters = re.search(r"[^\W\d_]", value) is not None
    return has_letters and re.search(r"[^A-Za-z_.-]", value) is not None


def is_own_placeholder(value: str) -> bool:
    """Return whether a value is what people put in the place of a secret: ``REDACTED``, ``<key>``, ``a-fake``."""
    if _SHOUTED.fullmatch(value):
        return True
    return _SAID.fullmatch(value) is not None and any(word in value.lower() for word in _OWN_WORDS)


def _is_mixed(piece: str) -> bool:
    """Return whether numbers stand between the letters of a piece, more than once or amid letters of no language."""
    runs: list[str] = _RUN.findall(piece)
    inner = sum(run.isdigit() for run in runs[1:-1])
    if len(piece) < 12 or len(piece) >= 5 * len(runs):
        return False
    return inner >= 3 or (inner >= 1 and _share([piece]) < 0.7)


def _is_no_language(pieces: list[str]) -> bool:
    letters = sum(len(piece) - 1 for piece in pieces)
    return letters >= 10 and _share(pieces) < 0.62


def _share(pieces: list[str]) -> float:
    """Return which part of the pairs of letters are such as words have; 1 if there is hardly any letter."""
    pairs = [pair for piece in pieces for pair in pairwise(piece.lower()) if pair[0].isalpha() and pair[1].isalpha()]
    if len(pairs) < 3:
        return 1.0 if not any(map(_has_inner_digits, pieces)) else 0.0
    return sum(after in _FOLLOWERS.get(before, "") for before, after in pairs) / len(pairs)


def _has_inner_digits(piece: str) -> bool:
    runs: list[str] = _RUN.findall(piece)
    return sum(run.isdigit() for run in runs[1:-1]) >= 2

"""Cassettes searched for secrets without knowing any: by position, by name, and by the looks of a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pytest_apiauth.credentials.names import NAMES, PLACEHOLDER, PREFIX, Names, kind_of
from pytest_apiauth.credentials.values import is_own_placeholder
from pytest_apiauth.recording.contents import CassetteError, decoded
from pytest_apiauth.recording.harmless import Allowed, inside, names_something, without
from pytest_apiauth.recording.message import Message, request_message, response_message
from pytest_apiauth.recording.reading import Lines, cassettes_in, read
from pytest_apiauth.recording.walking import Walk

MOST_LINES: Final = 1000
"""On one cassette."""
MOST_FINDINGS: Final = 10_000
"""In one message; a list of keys may have very many in one member."""
MOST_BYTES: Final = 32 << 20
"""Of the bodies of one cassette, without their codings."""
SHORTEST_TOKEN: Final = 20
LONGEST_TOKEN: Final = 2000
DEEPEST_CURSOR: Final = 3
"""Levels of base64 in base64 that are looked into."""
_TOKENLIKE: Final = re.compile(r"(?<![\w.~+/-])[\w.~+/-]{20,}={0,2}(?![\w.~+/=-])")
_WORD: Final = re.compile(r"[A-Za-z]+|[0-9]+")


@dataclass(slots=True)
class Search:
    """What is searched by: names of secrets, and what is told to be harmless, which is counted."""

    names: Names = NAMES
    allowed: Allowed = field(default_factory=Allowed)
    passed: int = 0
    """What was passed over because a profile says so."""


class _Finder:
    """Notes what is in the place of a secret and no placeholder, and what looks like a token anywhere."""

    def __init__(self, search: Search) -> None:
        self.walk = Walk(self, search.names)
        self._search = search
        self._found: dict[tuple[str, str], None] = {}
        self._count = 0
        self._depth = 0

    def lines(self, exchange: Any, side: str) -> Iterator[tuple[str, str]]:
        """Say what is found in one side of an exchange, each with its place, or why it is not looked into."""
        self._found.clear()
        self._count = self._depth = 0
        problem = ""
        try:
            self.walk.message(_message(exchange[side], side))
        except CassetteError as error:
            problem = str(error)
        except Exception as error:
            # A file that somebody wrote by hand may have anything anywhere.
            problem = f"not looked into: {type(error).__name__}"
        yield from self._found
        if problem:
            yield "", problem

    def secret(self, kind: str, value: str) -> str:
        if PLACEHOLDER.fullmatch(value) is None and not is_own_placeholder(value):
            self._note(f"{kind} is not a placeholder", value)
        return value

    def text(self, text: str) -> str:
        if len(text) < SHORTEST_TOKEN:
            return text
        plain = decoded(text) if "%" in text else text
        plain = PLACEHOLDER.sub(" ", plain) if PREFIX in plain else plain
        tokens = [token for token in _tokens(without(plain)) if _looks_random(token)]
        if tokens and not names_something(self.walk.place):
            for token in tokens:
                self._token(token)
        return text

    def _token(self, token: str) -> None:
        content = inside(token) if self._depth < DEEPEST_CURSOR else None
        if content is None:
            self._note("something that looks like a token", token)
            return
        self._depth += 1
        self.walk.leaf(content)
        self._depth -= 1

    def fleeting(self, kind: str, value: str) -> str:
        return self.secret(kind, value) if kind_of(kind) in ("state", "nonce", "code-challenge") else value

    def _note(self, what: str, value: str) -> None:
        place = self.walk.place
        if self._search.allowed.covers(place, value):
            self._search.passed += 1
            return
        self._found[place, what] = None
        self._count += 1
        if len(self._found) >= MOST_LINES or self._count >= MOST_FINDINGS:
            raise CassetteError("the rest is not looked into: there is too much to be found")


def _tokens(text: str) -> Iterator[str]:
    """Yield what may be a token; a very long one, such as an image, in pieces."""
    for found in _TOKENLIKE.finditer(text):
        whole = found.group()
        yield from (whole[place : place + LONGEST_TOKEN] for place in range(0, len(whole), LONGEST_TOKEN))


def _looks_random(text: str) -> bool:
    """Whether a text of letters and digits is no path, no name and no number of anything."""
    if not (re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search("[0-9]", text)):
        return False
    pieces = _WORD.findall(text)
    # Words and dates have few changes from letters to digits and from small to capital; random text has many.
    changes = sum(1 for a, b in pairwise(text) if _kind(a) != _kind(b))
    return len(pieces) >= 3 and changes * 3 >= len(text)


def _kind(letter: str) -> int:
    return 0 if letter.islower() else 1 if letter.isupper() else 2 if letter.isdigit() else 3


def unclean(path: Path, search: Search | None = None) -> Iterator[str]:
    """Say in one line each what in a cassette is or may be a secret, and where, without quoting it."""
    try:
        data = read(path)
    except CassetteError as error:
        yield str(error)
        return
    finder, count, lines = _Finder(search or Search()), 0, Lines(path)
    for number, each in enumerate(data["interactions"], 1):
        for side in ("request", "response"):
            where = f"exchange {number}, {side}"
            for place, what in finder.lines(each, side):
                count += 1
                yield f"{path}:{lines.of(number, side, place)}: {where}{', ' if place else ''}{place}: {what}"
            if finder.walk.size > MOST_BYTES:
                yield f"{path}: {where}: the rest is not looked into: bodies of more than {MOST_BYTES >> 20} MB"
                return
            if count > MOST_LINES:
                yield f"{path}: {where}: the rest is not looked into: {count} findings"
                return


def _message(side: dict[str, Any], name: str) -> Message:
    if name == "response":
        return response_message(side)

    class Request:
        """A request as vcrpy has it."""

        uri, body, headers = side["uri"], side.get("body"), side["headers"]

    return request_message(Request)


def unclean_in(place: Path) -> Iterator[str]:
    """Say the same of every cassette under a folder, or of one."""
    for path in cassettes_in(place):
        yield from unclean(path)

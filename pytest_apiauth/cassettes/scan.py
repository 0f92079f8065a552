"""Cassettes searched for secrets without knowing any: by position, by name, and by the looks of a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from pytest_apiauth.cassettes.contents import CassetteError
from pytest_apiauth.cassettes.library import read
from pytest_apiauth.cassettes.names import PLACEHOLDER, kind_of
from pytest_apiauth.cassettes.recording import OWN_PLACEHOLDER
from pytest_apiauth.cassettes.tape import request_message, response_message
from pytest_apiauth.cassettes.walking import Message, Walk

_TOKENLIKE: Final = re.compile(r"(?<![\w.~+/-])[\w.~+/-]{20,}={0,2}(?![\w.~+/=-])")
_WORD: Final = re.compile(r"[A-Za-z]+|[0-9]+")


class _Finder:
    """Notes what is in the place of a secret and no placeholder, and what looks like a token anywhere."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def secret(self, kind: str, value: str) -> str:
        if PLACEHOLDER.fullmatch(value) is None and OWN_PLACEHOLDER.fullmatch(value) is None:
            self.found.append(kind)
        return value

    def text(self, text: str) -> str:
        if any(_looks_random(found.group()) for found in _TOKENLIKE.finditer(PLACEHOLDER.sub(" ", unquote(text)))):
            self.found.append("something that looks like a token")
        return text

    def fleeting(self, kind: str, value: str) -> str:
        return self.secret(kind, value) if kind_of(kind) in ("state", "nonce", "code-challenge") else value


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


def unclean(path: Path) -> Iterator[str]:
    """Say in one line each what in a cassette is or may be a secret, without quoting it."""
    try:
        data = read(path)
    except CassetteError as error:
        yield str(error)
        return
    for number, each in enumerate(data["interactions"], 1):
        for side in ("request", "response"):
            finder = _Finder()
            try:
                Walk(finder).message(_message(each[side], side))
            except (CassetteError, KeyError, TypeError, AttributeError) as error:
                yield f"{path}: exchange {number}, {side}: cannot be looked into: {type(error).__name__}"
                continue
            for found in dict.fromkeys(finder.found):
                yield f"{path}: exchange {number}, {side}: {found} is not a placeholder"


def _message(side: dict[str, Any], name: str) -> Message:
    if name == "response":
        return response_message(side)

    class Request:
        """A request as vcrpy has it."""

        uri, body, headers = side["uri"], side.get("body"), side["headers"]

    return request_message(Request)


def cassettes_in(folder: Path) -> list[Path]:
    """Give the cassettes under a folder, readable or not: YAML or JSON that speaks of interactions."""
    files = (path for pattern in ("*.yaml", "*.yml", "*.json") for path in folder.rglob(pattern))
    return sorted(path for path in files if b"interactions" in path.read_bytes())


def unclean_in(folder: Path) -> Iterator[str]:
    """Say the same of every cassette under a folder."""
    for path in cassettes_in(folder):
        yield from unclean(path)

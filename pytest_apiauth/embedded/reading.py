"""Reading parameters strictly: forms, queries and JSON objects."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from pytest_apiauth.messages import Request

ESCAPE_WRONG: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Members(list[tuple[str, object]]):
    """The members of a JSON object in the order they came, repeated ones included."""


def form_decoded(text: str) -> str:
    """Undo form encoding. Raises ValueError for a broken escape, a raw byte beyond ASCII, and for what is not UTF-8."""
    if ESCAPE_WRONG.search(text) or not text.isascii():
        raise ValueError("not form-encoded")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def form_pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of a form or query, repeated ones included. Raises ValueError for what is no form."""
    pieces = (piece.partition("=") for piece in text.split("&") if piece)
    return [(form_decoded(name), form_decoded(value)) for name, _, value in pieces]


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the pairs of a request's query; one that is no form has none."""
    try:
        return form_pairs(request.query)
    except ValueError:
        return []


def cookie_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the cookies of a request, repeated ones included (RFC 6265 5.4)."""
    pieces = (piece.partition("=") for line in request.header_lines("cookie") for piece in line.split(";"))
    return [(name.strip(), value.strip()) for name, _, value in pieces]


def json_members(body: bytes) -> Members:
    """Return the members of a JSON object in UTF-8. Raises ValueError for any other body."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=Members)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, Members):
        raise ValueError("not a JSON object")
    return value


def is_text(value: object) -> bool:
    """Whether a JSON value is a string that can be written in UTF-8, so no half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)

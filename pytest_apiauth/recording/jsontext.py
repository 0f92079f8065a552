"""JSON as text: read with every member in its order, written again as it was."""

from __future__ import annotations

import json
from typing import Any

from pytest_apiauth.recording.contents import MOST_PIECES, CassetteError


class Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order, those with the same name too."""

    __slots__ = ()


def parsed(text: str) -> tuple[bool, Any]:
    """Parse JSON; whether it is, and what. A number or a word by itself is text.

    Raises CassetteError for one of too many values.
    """
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return False, None
    if len(text) > MOST_PIECES and sum(map(text.count, ",[{")) > MOST_PIECES:
        raise CassetteError(f"not looked into: JSON of more than {MOST_PIECES} values")
    try:
        return True, json.loads(text, object_pairs_hook=Members, strict=False)
    except (ValueError, RecursionError):
        return False, None


def has_member(data: Any, name: str) -> bool:
    """Return whether data is an object with a member of that name."""
    return isinstance(data, Members) and any(key == name for key, _ in data)


def dumped(value: Any, like: str) -> str:
    """Write JSON again: on one line or indented, as it was."""
    indent = 2 if "\n" in like.strip() else None
    compact = (",", ":") if indent is None and '": ' not in like else None

    def write(value: Any, level: int) -> str:
        comma, colon = compact or (("," if indent else ", "), ": ")
        if not isinstance(value, list) or not value:
            return "{}" if isinstance(value, Members) else _scalar(value)
        inner = [
            f"{_scalar(each[0])}{colon}{write(each[1], level + 1)}"
            if isinstance(value, Members)
            else write(each, level + 1)
            for each in value
        ]
        opening, closing = "{}" if isinstance(value, Members) else "[]"
        if indent is None:
            return opening + comma.join(inner) + closing
        pad, end = "\n" + " " * indent * (level + 1), "\n" + " " * indent * level
        return opening + pad + (comma + pad).join(inner) + end + closing

    return write(value, 0)


def _scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair is no character, but JSON can escape it.
        return json.dumps(value)
    return text

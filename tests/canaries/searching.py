"""How outputs are searched: as somebody who wants the values would, and knowing nothing of the redactor."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

PIECE: Final = 10
"""So many letters of a long value in a row are a find too."""
LONG: Final = 20
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|#x1B\[[0-9;]*m")
QUESTION: Final = re.compile(r"^(?:E\s+)?\?[ ^+-]*\n", re.MULTILINE)
JOINT: Final = re.compile(r"""['"]?[ \t]*\r?\n(?:E(?=[ \t]))?[ \t]*(?:[-+|>][ \t]+)?(?:b?['"])?""")


@dataclass(frozen=True)
class Find:
    """A planted value that came out."""

    slot: str
    form: str
    around: str


@dataclass(frozen=True)
class Canary:
    """One planted value, with the forms in which it would be found."""

    slot: str
    value: str

    @cached_property
    def forms(self) -> dict[str, str]:
        """Spell the value, by the name of the spelling."""
        value, raw = self.value, self.value.encode()
        found = {
            "raw": value,
            "percent": quote(value, safe=""),
            "form": quote_plus(value),
            "json": json.dumps(value)[1:-1],
            "json, unescaped": json.dumps(value, ensure_ascii=False)[1:-1],
            "repr": repr(value)[1:-1],
            "repr of bytes": repr(raw)[2:-1],
            "html": html.escape(value),
            "hex": raw.hex(),
            "HEX": raw.hex().upper(),
        }
        for name, form in list(found.items()):
            # However often it was escaped, without the backslashes it is one text.
            found[f"{name}, bare"] = re.sub(r"\\+", "", form)
        found["without blanks"] = "".join(value.split())
        for name, text in (("", value), ("percent ", quote(value, safe="")), ("form ", quote_plus(value))):
            for shift in range(3):
                # The letters at both ends hold bits of the neighbours.
                coded = base64.b64encode(b"\0" * shift + text.encode()).decode().rstrip("=")[shift and shift + 1 : -1]
                found[f"{name}base64 {shift}"] = coded
                found[f"{name}base64 {shift} for URLs"] = coded.replace("+", "-").replace("/", "_")
        return {name: form for name, form in found.items() if len(form) >= 6}

    @cached_property
    def pieces(self) -> frozenset[str]:
        """Cut a long value into all its overlapping pieces."""
        if len(self.value) < LONG:
            return frozenset()
        return frozenset(self.value[at : at + PIECE] for at in range(len(self.value) - PIECE + 1))


def views(text: str) -> Iterator[str]:
    """Give a text as it is, and as what it was before it was escaped, coloured and broken over lines."""
    yield text
    plain = QUESTION.sub("", COLOUR.sub("", text))
    joined = JOINT.sub("", plain)
    yield joined
    for other in "-+":
        # What one side of a difference says, without the other side's lines between.
        kept = (line for line in plain.split("\n") if not re.match(rf"(?:E\s+)?[{other}]\s", line))
        yield JOINT.sub("", "\n".join(kept))
    bare = re.sub(r"\\+", "", joined)
    yield bare
    yield html.unescape(bare)
    yield unquote(unquote(bare))
    yield unquote_plus(unquote_plus(html.unescape(bare)))
    yield re.sub(r"\s", "", joined)


def search(text: str, canaries: list[Canary]) -> list[Find]:
    """Give the first find of each canary in a text."""
    seen = list(dict.fromkeys(views(text)))
    found = []
    # Every text as it is, and each side of a difference as it was.
    pieces = [(view, {view[at : at + PIECE] for at in range(len(view) - PIECE + 1)}) for view in seen[:4]]
    for canary in canaries:
        find = next(_finds(canary, seen), None) or next(_pieces(canary, pieces), None)
        if find is not None:
            found.append(find)
    return found


def _finds(canary: Canary, seen: list[str]) -> Iterator[Find]:
    for name, form in canary.forms.items():
        for view in seen:
            place = view.find(form)
            if place >= 0:
                yield Find(canary.slot, name, _around(view, place, len(form)))


def _pieces(canary: Canary, seen: list[tuple[str, set[str]]]) -> Iterator[Find]:
    for view, windows in seen:
        hit = next(iter(canary.pieces & windows), None)
        if hit is not None:
            yield Find(canary.slot, "a piece", _around(view, view.find(hit), PIECE))


def _around(text: str, place: int, length: int) -> str:
    return repr(text[max(0, place - 60) : place + length + 30])

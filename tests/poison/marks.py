"""The poisonous text, and how it is known again in each kind of output.

Each way has a mark of its own, and whatever is poisonous stands beside one. So what has got through is told by way, and
an output in which no mark is found has not been reached, which says nothing of it.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, Final

MARK: Final = re.compile(r"zq([a-z]+?)qz")
ELSEWHERE: Final = "somewhere"
"""The way of poison that no mark stands beside."""
LONGEST_LINE: Final = 2000
ORDER: Final = re.compile(r"^[^\S\n]*::\w|##\w*\[", re.MULTILINE)
"""What GitHub Actions, Azure Pipelines and TeamCity take for orders in a log."""
MARKUP: Final = re.compile(r"(?<!\\)(?:\[zq|!\[zq|\|zq|`zq|\*\*zq|\bhttps://zq|<(?:script|img|!--)|\n# zq)")


def poison(way: str, *, has_lines: bool = True) -> str:
    """Return the text for one way; without line breaks and NUL where those would end what it stands in."""
    mark = f"zq{way}qz"
    pieces = [
        f"{mark} \x1b[2J\x1b[31m{mark}", f"\x1b]8;;https://{mark}.example\x07{mark}", f"\x1b]52;c;{mark}\x07",
        f"\x9b2J{mark}", f"\u202e{mark}\u2066\u200b", f"[{mark}](https://{mark}.example)",
        f"![{mark}](https://{mark}.example/x.png)", f"`{mark}`", f"|{mark}|", f"**{mark}**", f"##[error]{mark}",
        f"<script>{mark}</script><img src=x onerror={mark}><!--{mark}", f"\ufffe{mark}\x0b\x7f",
    ]  # fmt: skip
    lines = [
        f"\r\n::error file={mark}::{mark}\r\n",
        f"\n##vso[task.setvariable]{mark}\n",
        f"\n# {mark}\n",
        f"\x00{mark}",
        f"\ud800{mark}",
    ]
    return " ".join([*pieces, *(lines if has_lines else ())])


def long_poison(way: str) -> str:
    """Return 100 kB without a blank."""
    return f"zq{way}qz" * 13_000


Found = Counter[str]


def in_text(text: str) -> Found:
    """Count what a terminal, or a CI service that shows a log, would obey, and lines without end, by way."""
    found = Counter(_way(text, place) for place in _odd(text))
    found.update(_way(text, each.start()) for each in ORDER.finditer(text))
    place = 0
    for line in text.split("\n"):
        if len(line) > LONGEST_LINE and MARK.search(line):
            found[_way(text, place)] += 1
        place += len(line) + 1
    return found


def in_log(text: str) -> Found:
    """Count what a terminal would obey. Lines of the HTTP library's own debugging are as long as it has them."""
    return Counter(_way(text, place) for place in _odd(text))


def in_markdown(text: str) -> Found:
    """Count that, and what is markup outside of fences."""
    outside = re.sub(r"^(`{3,})sh\n.*?^\1\n", "", text, flags=re.MULTILINE | re.DOTALL)
    return in_text(text) + Counter(_way(outside, each.start()) for each in MARKUP.finditer(outside))


def in_json(text: str) -> Found:
    """Count that in each text of a JSON document. Raises ValueError if it is none."""
    return sum((in_text(each) for each in _texts(json.loads(text))), Counter())


def in_xml(text: str) -> Found:
    """Count that in each text of an XML document; one that is not well-formed counts as one."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError:
        return Counter({ELSEWHERE: 1})
    texts = [part for each in root.iter() for part in (each.text, each.tail, *each.attrib.values()) if part]
    return sum((in_text(each) for each in texts), Counter())


def in_html(text: str) -> Found:
    """Count what is no text of a page of HTML but markup of it, and what a terminal would obey."""
    page = _Page()
    page.feed(text)
    page.close()
    found = sum((in_log(each) for each in page.texts), Counter())
    return found + Counter(_way(each, 0) for each in page.markup if MARK.search(each))


class _Page(HTMLParser):
    """What stands in a page as text, in values of attributes too, and what as markup."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.markup: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.markup += [
            tag,
            *(name if value is None else f"{name}={value}" for name, value in attrs if name[:2] == "on"),
        ]
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        # The parser gives what stands in a script or style as data too.
        (self.markup if self.cdata_elem else self.texts).append(data)

    def handle_comment(self, data: str) -> None:
        self.markup.append(data)


def in_picture(text: str) -> Found:
    """Count in an SVG, which is no log, what a terminal would obey; one that is not well-formed counts as one."""
    try:
        ET.fromstring(text)
    except (ET.ParseError, UnicodeError):
        return Counter({ELSEWHERE: 1})
    return in_log(text)


def seen_in(text: str) -> Found:
    """Count the marks of each way."""
    return Counter(found[1] for found in MARK.finditer(text))


def _odd(text: str) -> Iterator[int]:
    for place, letter in enumerate(text):
        if not letter.isprintable() and letter not in "\n\t":
            yield place


def _way(text: str, place: int) -> str:
    near = [*MARK.finditer(text, max(0, place - 200), place + 200)]
    return min(near, key=lambda each: abs(each.start() - place))[1] if near else ELSEWHERE


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


SEARCHES: Final[dict[str, Callable[[str], Found]]] = {
    "text": in_text, "log": in_log, "markdown": in_markdown, "json": in_json, "xml": in_xml,
    "html": in_html, "picture": in_picture,
}  # fmt: skip

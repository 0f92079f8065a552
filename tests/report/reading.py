"""A page of HTML as tests look at it: its elements in order, by the parser of the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = {"meta", "input", "br", "link", "img", "hr", "rect", "line", "circle"}


@dataclass
class Element:
    """An element with all that it holds."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, its white space as a browser shows it."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> list[str]:
        return [each if isinstance(each, str) else "".join(each._texts()) for each in self.children]

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return the elements in it of a name, with these attributes; a class is one of several."""
        found = []
        for each in self.children:
            if isinstance(each, Element):
                is_meant = all(
                    value in each.attributes.get(name.rstrip("_"), "").split() for name, value in attributes.items()
                )
                found += [each] if tag in ("", each.tag) and is_meant else []
                found += each.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Element:
        """Return the only element of that kind."""
        (found,) = self.all(tag, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"{tag} has an attribute twice"
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop().tag == tag, f"</{tag}> ends what it does not begin"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    """Return a page. Every element must end where it should."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> does not end"
    return reader.open[0]

"""Names for places of the page: the same in every run, so that a link that somebody has kept leads there again."""

from __future__ import annotations

import re
from typing import Final

_OTHER: Final = re.compile(r"[^A-Za-z0-9_.~-]+")


class Anchors:
    """The names that a page has given."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, *pieces: str) -> str:
        """Return a name that nothing else has, of the pieces that are not empty.

        >>> anchors = Anchors()
        >>> anchors.new("shop", "key-bad", "GET /user/"), anchors.new("shop", "key-bad", "GET /user")
        ('shop.key-bad.GET-user', 'shop.key-bad.GET-user~2')
        """
        name = ".".join(filter(None, (_OTHER.sub("-", piece).strip("-") for piece in pieces))) or "place"
        found, number = name, 1
        while found in self._given:
            number += 1
            found = f"{name}~{number}"
        self._given.add(found)
        return found

"""Where something stands in a profile's file: the line of a table's header, which the TOML parser does not tell."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

SECTIONS: Final = ("zones", "grants", "schemes", "clients", "users", "keys")
"""The tables by whose names the parts of rules are called."""


@lru_cache(maxsize=512)
def line_of(text: str, part: str) -> int:
    """Return the line, from 1, where a part of a profile begins in its file; 0 if it is not said there.

    >>> line_of('schema = 1\\n[zones.user]\\npath = "/user/"', "user")
    2
    >>> line_of('[zones]\\nuser = {path = "/user/"}', "user"), line_of('[zones."a b"]', "a b"), line_of("", "user")
    (2, 1, 0)
    """
    if not part:
        return 0
    name = rf"(?:{re.escape(part)}|\"{re.escape(part)}\"|'{re.escape(part)}')"
    lines = text.splitlines()
    for section in SECTIONS:
        header, inside = re.compile(rf"\s*\[\s*{section}\s*\.\s*{name}\s*[.\]]"), re.compile(rf"\s*{name}\s*[.=]")
        dotted = re.compile(rf"\s*{section}\s*\.\s*{name}\s*[.=]")
        table = ""
        for number, line in enumerate(lines, 1):
            if header.match(line) or (table == section and inside.match(line)) or (not table and dotted.match(line)):
                return number
            begun = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
            table = begun[1] if begun else table
    return 0

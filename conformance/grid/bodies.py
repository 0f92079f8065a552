"""What a body may be, besides the object or the form that it should be."""

from __future__ import annotations

from typing import Final

NESTED: Final = 500
"""How deep a nested value goes: deeper than any real one, and not as deep as to exhaust an honest parser."""
LONG: Final = 10_000
"""How long a long text is, in characters."""

JSON_VALUES: Final[tuple[object, ...]] = (
    None, True, False, 0, 1, -1, 1.5, "", [], {}, [""], [[]], ["apiauth"],
    {"value": "apiauth"}, {"$ne": 1}, {"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$exists": True}, {"like": "%"},
    ["or", 1],
)  # fmt: skip
"""Values of every JSON type, and objects that a database reads as a question."""
NO_OBJECTS: Final = ("[]", "[[]]", '"apiauth"', "0", "1", "null", "true", "{", '{"a":', "", "[" * NESTED + "]" * NESTED)
"""Bodies that are JSON and no object, or no JSON."""
TEXTS: Final = ("\xe9\u20ac\U0001f511", "\0", "apiauth\0", "x" * LONG)
"""Texts that are none of ours: beyond ASCII, with a NUL, long."""
HALVES: Final = ("\ud800", "\udfff")
"""Half of a surrogate pair is a string by the grammar, and no text all the same (RFC 8259 8.2)."""

PIECES: Final = ("%ff", "%00", "apiauth%00", "%", "%zz", "%c3%a9", "\xff", "x" * LONG)
"""Values of a form that are not encoded as the standard says, are not UTF-8, or are no text anybody means."""
SUFFIXES: Final = ("[$ne]", "[$gt]", "[$regex]", "[]", "[0]", ".$ne", "[value]")
"""What frameworks read behind a parameter's name: the value is an object, or a list, then."""
PAIRS: Final = (
    "apiauth=%ff", "apiauth=%00", "apiauth=%zz", "\xff=1", "=", "&&&", ";", "apiauth", "apiauth[a][b]=1", "a=1;b=2",
    "&".join(f"apiauth{number}=1" for number in range(1000)),
)  # fmt: skip
"""What may stand beside the parameters of a form without meaning anything to anybody."""

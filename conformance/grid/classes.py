"""Classes of values: what is put into a slot in place of the right value.

A near miss lacks something of the right value, or has another letter for one of its. A dress has all of it and
something more: whoever sends it knows the right value, and many an application looks through the dress, so that an
acceptance is advised against and no more. A stand-in has nothing to do with the value: it is what careless code takes
for a match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.rules import Edit


@dataclass(frozen=True, slots=True)
class Value:
    """One row: how the right value is changed, and how much is made of it."""

    edit: Edit
    is_brief: bool = False
    """Whether every probe is asked with it, and not only the one that stands for the others."""
    is_dress: bool = False
    """Whether the right value is in it as a whole."""
    also_right_in: frozenset[str] = frozenset()
    """Places (``header``, ``query``, ``cookie``) where it may rightly mean the same as the right value."""


def _near(*edits: Edit, brief: bool = False) -> tuple[Value, ...]:
    return tuple(Value(edit, is_brief=brief) for edit in edits)


def _dressed(*edits: Edit, also_right_in: Iterable[str] = ()) -> tuple[Value, ...]:
    return tuple(Value(edit, is_dress=True, also_right_in=frozenset(also_right_in)) for edit in edits)


NEAR_MISSES: Final = (
    *_near(
        Edit("change", 0), Edit("change", 500), Edit("change", 999), Edit("truncate", 999), Edit("truncate", 750),
        Edit("extend", text="x"), Edit("prepend", text="x"),
        brief=True,
    ),
    *_near(
        Edit("delete"), Edit("truncate", 500), Edit("truncate", 200), Edit("double"),
        Edit("reverse"), Edit("swap", 400),
        *(Edit("first", count) for count in (8, 16, 32, 64, 72)),
        Edit("without", text="_-"), Edit("digest", text="sha256"),
    ),
)  # fmt: skip
"""Something is lacking or changed: the beginning, the middle, the end; what comparisons of a part, and of a hash that
looks at the first letters only, take for the same."""

CASES: Final = (
    *_near(Edit("upper"), Edit("lower"), brief=True),
    *_near(Edit("swapcase"), Edit("toggle"), Edit("toggle", 500), Edit("toggle", 950)),
)
"""Letters in another case: all of them, or one."""

DRESSES: Final = (
    *_dressed(Edit("around", text='"'), Edit("around", text="'"), Edit("percent"), also_right_in=("cookie",)),
    *_dressed(Edit("extend", text="."), Edit("extend", text="%00"), Edit("base64")),
)
"""The right value in quotes, percent-encoded or in base64 once more, or with a sign behind it. Who reads a cookie may
take quotes and percent signs away (RFC 6265 4.1.1 has the quotes in the grammar). No blanks and no full-width letters:
around a header's value blanks do not count (RFC 9110 5.5), and forms take them away and normalise letters."""

BEHIND_COLON: Final = _near(Edit("extend", text=":x"))
"""A password with something behind a colon, which is a letter like others there (RFC 7617 2), and ends nothing: so this
is another password, and no dress of the right one."""

WORDS: Final = (
    "null", "undefined", "None", "nil", "NaN", "true", "false", "0", "1", "-1", "[]", "{}",
    "admin", "test", "guest", "password", "token", "__proto__", "constructor", "toString",
)  # fmt: skip
"""What a language writes for nothing, or for something that is true, what people leave in, and what each object of
JavaScript has, so that a table of keys finds something under it."""
PATTERNS: Final = ("%", "*", "_", "-", ".", ".*", "?", "^", "'")
"""Signs that a pattern matches anything by, or that end a text of SQL."""
INJECTIONS: Final = (
    "' OR '1'='1", '" OR "1"="1', "' OR 1=1--", "*)(uid=*", "../", "{{7*7}}", "${7*7}",
    '{"$ne": 1}', '{"$gt": ""}',
)  # fmt: skip
"""Texts that mean something to a database, a directory or a template. They ask; nothing is written by them."""

STAND_INS: Final = (
    *_near(*(Edit("whole", text=text) for text in ("null", "%", "*")), brief=True),
    *_near(Edit("cut", 500, "%"), Edit("cut", 500, ".*"), Edit("replace", 500, "_")),
    *_near(Edit("replace", 500, "."), Edit("replace", 500, "?"), Edit("cut", 900, "_%"), Edit("cut", 500, "*")),
    *_near(
        *(
            Edit("whole", text=text)
            for text in (*WORDS, *PATTERNS, *INJECTIONS)
            if text not in ("null", "%", "*", "-", ".")
        )
    ),
    *_near(Edit("whole", text="-"), Edit("whole", text=".")),
)
"""What careless code takes for a match, in place of the whole value or of a part of it."""
PEOPLE: Final = ("admin", "test", "guest")
NAMELESS: Final = tuple(value for value in STAND_INS if value.edit.text not in PEOPLE)
"""The same for the slot of a name: these may be somebody's, whose password is the same."""

LENGTHS: Final = (1, 255, 256, 1024, 4096, 8192)
SIZES: Final = _near(*(Edit("whole", text="a" * length) for length in LENGTHS))
"""Values of a length at which buffers and columns end. A server may refuse the longest as too long (413, 414, 431)."""

NOISE: Final = (
    "\x80", "\xe9\xe8", "eyJ.eyJ.",
    "\x01", "\x1f", "\x7f", "\xff\xfe", "\xc3\x28", "\xc3\xa9", "\xed\xa0\x80",
    '"', "\\", "'", "%", "%zz", "%00", "%ff", ";", "&", "=", ",", "a b", "\xa0",
    "eyJ", ".", "..", "...", "a.b", "a.b.c.d", "eyJ.eyJ.eyJ.eyJ.eyJ", "eyJhbGciOiJub25lIn0.e30.", "e30.e30.",
    "bnVsbA.e30.e30", "YTpi!!", "YTpiYQ=", "YTpi====", "YTpi_-", "YQ==", "YQ", "Ojo6", "Og==", "AAA6AAA=",
    "/////zr//w==",
)  # fmt: skip
"""What decoders stumble over: bytes that are neither ASCII nor UTF-8, signs of several grammars, what begins like a
JWT and is none, and base64 with junk, with wrong padding, without a colon, with colons only, of no text."""
BRIEF_NOISE: Final = NOISE[:3]

CONTROLS: Final = tuple(chr(code) for code in (*range(1, 0x20), 0x7F))
"""Control characters, which neither a name nor a password has in HTTP Basic (RFC 7617 2). No NUL: HMAC fills its key up
with that (RFC 2104 2), so a password with one behind it has the same hash by PBKDF2."""
BRIEF_CONTROLS: Final = ("\x01", "\t", "\n", "\r", "\x7f")
"""Those that somebody cuts off or takes away."""

TWO_WRONG: Final = (Edit("reverse"), Edit("prepend", text="x"))
"""Two wrong values of one right one."""
REPETITIONS: Final = 12
"""How often the cheapest bad request is repeated, each time between two good ones."""
IN_A_ROW: Final = 5
"""How often after that without a good one."""

EDITS: Final[Mapping[Edit, Value]] = {
    value.edit: value for table in (NEAR_MISSES, CASES, DRESSES, BEHIND_COLON, STAND_INS, SIZES) for value in table
}


def rows(*tables: Iterable[Value], name: str = "edit") -> list[dict[str, Edit]]:
    """Return tables as the first arguments of a rule that draws an edit.

    >>> rows(CASES)[0]
    {'edit': Edit(operation='upper', at=0, text='')}
    """
    return [{name: value.edit} for table in tables for value in table]


def brief(*tables: Iterable[Value]) -> tuple[Edit, ...]:
    """Return the rows that every probe is asked with: for a slot of which each value costs a login."""
    return tuple(value.edit for table in tables for value in table if value.is_brief)


def is_dress(edit: Edit) -> bool:
    """Whether an edit leaves the right value whole, in a dress."""
    return edit in EDITS and EDITS[edit].is_dress


def is_brief(edit: Edit) -> bool:
    """Whether an edit is for every probe: one that was drawn is, since there are as few as are asked for."""
    return edit not in EDITS or EDITS[edit].is_brief


def may_be_right(edit: Edit, where: str) -> bool:
    """Whether what an edit makes may mean the same as the right value in a place."""
    return edit in EDITS and where in EDITS[edit].also_right_in

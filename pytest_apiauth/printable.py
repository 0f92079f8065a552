"""Foreign text made fit for a person's terminal.

What a server, a document or a file says stands in messages of ours, and a terminal obeys what it is told: a reason
phrase may hold the escape sequence that clears the screen. Redact a text first: a secret that was escaped or cut is
not found any more.
"""

from __future__ import annotations

from typing import Final

LONGEST_QUOTE: Final = 160
"""Characters of foreign text in one message."""
LONGEST_LINE: Final = 1900
"""Characters of one line of a message of ours."""


def one_line(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Return foreign text as one line without control characters, cut after ``longest`` characters.

    >>> one_line("two\\nlines"), one_line("long" * 9, longest=9)
    ('two lines', 'longlong…')
    """
    # Cut before it is looked through, too: a server may send a million letters.
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest])
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest and len(text) <= 4 * longest else f"{plain[: longest - 1]}…"


def printable(text: str) -> str:
    """Return text with its lines and tabs as they are, and every other control character written as ``\\x1b``."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\t" else _escaped(letter) for letter in text)


def printable_lines(text: str, longest: int = LONGEST_LINE) -> str:
    """Return text as `printable` does, each line cut after ``longest`` characters and so many lines in all."""
    if len(text) <= longest and text.isprintable():
        return text
    lines = text[: longest * longest].split("\n")
    cut = [line if len(line) <= longest else f"{line[: longest - 1]}…" for line in map(printable, lines[:longest])]
    return "\n".join(cut)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")

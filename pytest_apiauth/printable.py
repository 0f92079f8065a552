"""Foreign text made fit for a person's terminal.

What a server, a document or a file says stands in messages of ours, and a terminal obeys what it is told: a reason
phrase may hold the escape sequence that clears the screen. Redact a text first: a secret that was escaped or cut is
not found any more.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_QUOTE: Final = 160
"""Characters of foreign text in one message."""
LONGEST_LINE: Final = 1900
"""Characters of one line of a message of ours."""
_ORDER: Final = re.compile(r"#(?=#\w*\[)")
"""An order within a line to what shows the log: ``##[error]`` to GitHub Actions, ``##vso[`` to Azure, and the like."""
_ORDER_OF_LINE: Final = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
"""An order that is a line by itself: ``::error::`` to GitHub Actions."""
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")
_MARKUP: Final = re.compile(r"[\\`|*_\[\]~]|:(?=//)")
_BLOCK: Final = re.compile(r"^(?:(\d+)(?=[.)])|(?=[#>+=-]))")
"""What makes a heading, a quotation or a list of a line that begins with it."""


def one_line(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Return foreign text as one line without control characters, cut after ``longest`` characters.

    >>> one_line("two\\nlines"), one_line("long" * 9, longest=9)
    ('two lines', 'longlong…')
    """
    # Cut before it is looked through, too: a server may send a million letters.
    plain = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest])
    plain = " ".join(plain.split())
    plain = _ORDER.sub(r"\\x23", plain)
    return plain if len(plain) <= longest and len(text) <= 4 * longest else f"{plain[: longest - 1]}…"


def printable(text: str) -> str:
    r"""Return text with its lines and tabs as they are, and every other control character written as ``\x1b``.

    So is the beginning of what a CI service takes for an order to it: of ``::error::`` and ``##[error]``.
    """
    text = _ORDER.sub(r"\\x23", _ORDER_OF_LINE.sub(r"\1\\x3a", text))
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\t" else _escaped(letter) for letter in text)


def printable_lines(text: str, longest: int = LONGEST_LINE) -> str:
    """Return text as `printable` does, each line cut after ``longest`` characters and so many lines in all."""
    lines = text[: longest * longest].split("\n")
    cut = [line if len(line) <= longest else f"{line[: longest - 1]}…" for line in map(printable, lines[:longest])]
    return "\n".join(cut)


def as_markdown(text: str) -> str:
    """Return foreign text for Markdown: one line, in which nothing is markup, HTML or a link.

    >>> print(as_markdown("[link](https://x.example) | <b>"))
    \\[link\\](https\\://x.example) \\| &lt;b>
    """
    escaped = _as_markdown(one_line(text, LONGEST_LINE))
    # Each letter may have become four.
    return escaped if len(escaped) <= LONGEST_LINE else _as_markdown(one_line(text, LONGEST_LINE // 5))


def _as_markdown(line: str) -> str:
    line = _ENTITY.sub("&amp;", line)
    line = _MARKUP.sub(r"\\\g<0>", line).replace("<", "&lt;")
    return _BLOCK.sub(r"\1\\", line)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")

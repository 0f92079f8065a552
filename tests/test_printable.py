"""Foreign text in messages of ours: one line, short, and nothing that a terminal obeys."""

from __future__ import annotations

import pytest

from pytest_apiauth.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words", "plain words"),
        ("two\r\nlines\tand  blanks ", "two lines and blanks"),
        ("\x1b[2Jgone", "[2Jgone"),
        ("a\u202eb\u200bc\ud800d", "a b c d"),
        ("x" * 1_000_000, "x" * 159 + "…"),
        (" " * 1_000_000 + "x", "…"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    """Whatever is no printable letter is a blank, and a long text ends with dots."""
    assert expected == one_line(text)


def test_printable() -> None:
    """Lines and tabs stay; what a terminal would obey is written out."""
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable("\x1b[31mred\x07\u202e\x9b") == r"\x1b[31mred\x07\u202e\x9b"

"""Foreign text in messages of ours: one line, short, and nothing that a terminal obeys."""

from __future__ import annotations

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.printable import one_line, printable, printable_lines


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


def test_lines_of_a_message_end() -> None:
    """A message keeps its lines, and none of them is endless."""
    assert printable_lines("one\ntwo") == "one\ntwo"
    assert printable_lines("x" * 20 + "\n\x1b[2J", 10) == "x" * 9 + "…\n" + r"\x1b[2J"
    assert len(printable_lines("x\n" * 1_000_000, 10).split("\n")) == 10


def test_errors_of_ours_are_printable() -> None:
    """Whatever an error quotes, a terminal is not told what to do by it."""
    assert str(ProfileError("no \x1b[2J")) == r"no \x1b[2J"
    assert len(str(ProfileError("x" * 1_000_000))) < 2000

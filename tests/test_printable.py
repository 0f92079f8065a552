"""Foreign text in messages of ours: one line, short, and nothing that a terminal obeys."""

from __future__ import annotations

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.printable import as_markdown, one_line, printable, printable_lines


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


def test_what_shows_a_log_is_given_no_orders() -> None:
    """Services of CI obey lines that begin with two colons, and what follows two hashes anywhere."""
    assert printable("::error::a\n  ::add-mask::b c::d") == r"\x3a:error::a" + "\n" + r"  \x3a:add-mask::b c::d"
    assert printable("a ##[error]b ## c") == r"a \x23#[error]b ## c"
    assert one_line("a ##vso[task.x]b") == r"a \x23#vso[task.x]b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](https://b.example)", r"\[a\](https\://b.example)"),
        ("<script>|`x`|*y*_z_~w~", r"&lt;script>\|\`x\`\|\*y\*\_z\_\~w\~"),
        ("&lt;b> a & b", "&amp;lt;b> a & b"),
        ("# x\n# y", r"\# x # y"),
        ("1. one", r"1\. one"),
        ("2026-11-22, 1.5 s", "2026-11-22, 1.5 s"),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    """Nothing in it is markup, HTML or a link, and it is one line."""
    assert as_markdown(text) == expected


def test_markdown_is_short() -> None:
    """What becomes longer as it is escaped is cut all the same."""
    assert len(as_markdown("<" * 100_000)) < 2000


def test_lines_of_a_message_end() -> None:
    """A message keeps its lines, and none of them is endless."""
    assert printable_lines("one\ntwo") == "one\ntwo"
    assert printable_lines("x" * 20 + "\n\x1b[2J", 10) == "x" * 9 + "…\n" + r"\x1b[2J"
    assert len(printable_lines("x\n" * 1_000_000, 10).split("\n")) == 10


def test_errors_of_ours_are_printable() -> None:
    """Whatever an error quotes, a terminal is not told what to do by it."""
    assert str(ProfileError("no \x1b[2J")) == r"no \x1b[2J"
    assert len(str(ProfileError("x" * 1_000_000))) < 2000

"""Drawn keys and people's passwords told from words."""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from pytest_apiauth.credentials.values import is_no_word, looks_like_key
from tests.recording.planting import LETTERS


def test_keys_are_told_from_names() -> None:
    """Of drawn keys few are missed, of the names in this program's own source none is taken for one."""
    drawn = {
        "hex": [key_of("0123456789abcdef", 32, n) for n in range(500)],
        "letters": [key_of(LETTERS, 32, n) for n in range(500)],
        "short": [key_of(LETTERS, 20, n) for n in range(500)],
        "lower": [key_of(string.ascii_lowercase + string.digits, 32, n) for n in range(500)],
    }
    missed = {kind: sum(not looks_like_key(each) for each in every) / 500 for kind, every in drawn.items()}
    assert missed["hex"] == 0
    assert max(missed["letters"], missed["lower"]) < 0.02
    assert missed["short"] < 0.06

    package = Path(__file__).resolve().parents[2] / "pytest_apiauth"
    words = {
        word for path in package.rglob("*.py") for word in re.findall(r"[A-Za-z][\w.-]{15,}", path.read_text("utf-8"))
    }
    assert len(words) > 1000
    letters = re.compile("abc?[a-y]+|eyJ.*")  # alphabets and a token, on purpose
    assert [word for word in words if looks_like_key(word) and letters.fullmatch(word) is None] == []


def key_of(alphabet: str, length: int, seed: int) -> str:
    """Draw letters, key or not."""
    drawing = random.Random(f"{alphabet}{length}{seed}")
    return "".join(drawing.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("hunter2", True), ("P@ssword", True), ("пароль1", True), ("sunshine", False), ("123456", False), ("ab1", False),
     ("2024-01-01", False), ("all-tests-passed", False), ("two words1", False)],
)  # fmt: skip
def test_passwords_are_told_from_words(text: str, expected: bool) -> None:
    """A password has letters and something else; a word, a number and a date are none."""
    assert is_no_word(text) is expected

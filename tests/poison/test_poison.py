"""What is looked for is found where it is raw, and not where it is escaped."""

from __future__ import annotations

import json

import pytest

from pytest_apiauth.printable import as_markdown, printable_lines

from .marks import ELSEWHERE, SEARCHES, long_poison, poison


@pytest.mark.parametrize("kind", SEARCHES)
def test_each_poison_is_seen_in_each_kind_of_output(kind: str) -> None:
    """Raw text is found, and told by its way, in text, logs, Markdown, HTML, JSON and XML."""
    for text in (poison("body"), "\x1b[2J zqbodyqz", "\u202ezqbodyqz"):
        raw = {"json": json.dumps({"a": [text]}), "xml": f"<a b='{text!a}'>\x1b</a>"}.get(kind, text)
        assert set(SEARCHES[kind](raw)) & {"body", ELSEWHERE}


def test_orders_and_lines_without_end_are_seen() -> None:
    """What a CI service would obey is raw on a terminal, and so is a line without end."""
    for text in ("::error::zqbodyqz", "a ##[error]zqbodyqz", long_poison("body")):
        assert SEARCHES["text"](text)["body"] == 1


@pytest.mark.parametrize(
    "text",
    ["[zqbodyqz](x)", "|zqbodyqz|", "`zqbodyqz`", "<script>zqbodyqz", "see https://zqbodyqz.example", "\n# zqbodyqz"],
)
def test_markup_is_seen_in_markdown(text: str) -> None:
    """Each kind of markup is raw in Markdown, and none of it in text."""
    assert SEARCHES["markdown"](text)["body"]
    assert not SEARCHES["text"](text)
    assert not SEARCHES["markdown"](as_markdown(text))


def test_what_is_escaped_is_not_raw() -> None:
    """The package's own functions make harmless all that is looked for."""
    for text in (poison("body"), long_poison("body")):
        assert not SEARCHES["text"](printable_lines(text))
        assert not SEARCHES["markdown"](as_markdown(text))
        assert "zqbodyqz" in as_markdown(text)

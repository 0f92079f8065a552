"""What is looked for is found where it is raw, and not where it is escaped."""

from __future__ import annotations

import json

import pytest

from pytest_apiauth.printable import as_markdown, printable_lines
from pytest_apiauth.report.formats import FORMATS

from .marks import ELSEWHERE, SEARCHES, long_poison, poison
from .reach import unreached
from .running import KINDS, Output


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


def test_each_format_of_a_report_is_looked_through() -> None:
    """A new format has a kind, and each kind a search."""
    assert FORMATS.keys() == KINDS.keys()
    assert set(KINDS.values()) <= SEARCHES.keys()


def test_a_cell_that_is_empty_has_a_reason() -> None:
    """An output that a way does not reach any more is told, and a reason that is none any more is too."""
    log = Output("the suite: log", "log", ("realm", "body"))
    log.add("zqbodyqz")

    assert list(unreached([log])) == [
        "the suite: log: nothing of realm was seen there",
        "the suite: log: body was seen there, although libraries log the head of an answer, never its body",
    ]


def test_a_log_is_looked_through_for_control_characters_alone() -> None:
    """As the threat model says of logs: no order to a terminal; those to a CI service and long lines are let be."""
    assert SEARCHES["log"]("\x1b[2Jzqbodyqz")["body"] == 1
    assert not SEARCHES["log"]("##[error]zqbodyqz" + "x" * 3000)

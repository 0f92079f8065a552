"""Where to look first: each rule of the book says it in a line to whoever mends a server."""

from __future__ import annotations

from pytest_apiauth import bundled
from pytest_apiauth.suite import catalogue
from pytest_apiauth.suite.book import REGISTRY

CHAPTERS = bundled.load_chapters()
LONGEST = 240
"""Characters that a reader takes in at a glance."""


def test_every_rule_says_where_to_look() -> None:
    """It is one sentence, or two, in one line, and more than the rule's own sentence again."""
    assert len(REGISTRY) > 200
    for rule in REGISTRY:
        assert rule.look == " ".join(rule.look.split()), rule.id
        assert rule.look.endswith("."), rule.id
        assert 40 <= len(rule.look) <= LONGEST, rule.id
        assert rule.look != rule.title, rule.id


def test_every_chapter_has_a_line_for_rules_without_one() -> None:
    """What a chapter says counts for its rules, and each chapter says something of its own."""
    said = {name: module.LOOK for name, module in CHAPTERS.items()}

    assert len(set(said.values())) == len(said)
    inherited = {rule.id for rule in REGISTRY if rule.look == said[rule.chapter]}
    assert {"iss-named", "md-consistent"} <= inherited
    assert len(inherited) < len(REGISTRY) / 10


def test_the_page_of_the_book_shows_none() -> None:
    """``conformance/README.md`` says what holds; how a server is mended stands beside a failure."""
    page = catalogue.page()

    assert [rule.id for rule in REGISTRY if rule.look in page] == []

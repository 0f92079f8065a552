"""The page of the book: made from the rules, and true to them."""

from __future__ import annotations

from pathlib import Path

from pytest_apiauth.suite import catalogue
from pytest_apiauth.suite.book import REGISTRY

PAGE = Path(__file__).resolve().parents[2] / "conformance" / "README.md"


def test_the_page_is_what_the_rules_make() -> None:
    """``conformance/README.md`` is the page of today's rules; ``rules --markdown`` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == catalogue.page()


def test_the_page_has_every_fact_of_every_rule() -> None:
    """Each rule has a row with its sentence, its levels, its sources, its safety class and its faults."""
    rows = {line.split("`")[1]: line for line in catalogue.page().splitlines() if line.startswith("| `")}
    assert rows.keys() == {rule.id for rule in REGISTRY}
    for rule in REGISTRY:
        for fact in (rule.title, *rule.sources, rule.safety.value, *rule.faults):
            assert fact in rows[rule.id]

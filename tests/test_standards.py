"""Sources of rules that are sections of standards, and where those are to be read."""

from __future__ import annotations

import re

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.standards import link
from pytest_apiauth.suite.book import PROFILE, REGISTRY, STATED

PAGE = "https://www.rfc-editor.org/rfc"


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("RFC 6749 5.2", f"{PAGE}/rfc6749#section-5.2"),
        ("RFC 7518 4.8.1.2", f"{PAGE}/rfc7518#section-4.8.1.2"),
        ("RFC 6749 B", f"{PAGE}/rfc6749#appendix-B"),
        ("RFC 6749 A.12", f"{PAGE}/rfc6749#appendix-A.12"),
        ("RFC 9110", f"{PAGE}/rfc9110"),
        ("RFC 9110 and more", ""),
        (PROFILE, ""),
        ("JI-02", ""),
    ],
)
def test_a_section_has_an_address(source: str, address: str) -> None:
    """A section, an appendix and a whole RFC have one; a promise or a sentence of a document has none."""
    assert link(source) == address


def test_every_section_that_a_rule_names_has_one() -> None:
    """No rule spells a standard otherwise than `link` reads it."""
    bundled.load_chapters()
    sources = {source for rule in REGISTRY for source in rule.sources} - {PROFILE, STATED}

    assert len(sources) > 100
    wrong = [
        source for source in sources if not re.fullmatch(rf"{PAGE}/rfc\d+#(section|appendix)-[\w.]+", link(source))
    ]
    assert wrong == []

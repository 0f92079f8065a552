"""What may be said of a run in public, and what may not."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from pytest_apiauth.report.record import RunRecord
from pytest_apiauth.report.statement import BAD, GOOD, WARNED, RefusedError, badge, sentences
from tests.report.records import rule, run_of

MIXED = run_of(
    rule("pass"), rule("skip"), rule("warning"), rule("expected failure", id="tok-no-store", reason="ticket OPS-12")
)


def test_a_sentence_says_against_what_when_and_what_came_of_it() -> None:
    """Rules that were examined, failures, warnings, and what was expected to fail with its reason."""
    assert list(sentences(MIXED)) == [
        "shop: examined against 3 rules by pytest-apiauth 0 on 2026-01-01 (live, https://api.example.org): "
        "0 failures, 1 warning, 1 expected failure: tok-no-store (ticket OPS-12)"
    ]


def test_a_profile_that_could_not_be_examined_says_so() -> None:
    """Nothing is claimed of it."""
    (sentence,) = sentences(run_of(error="no answer", verdict="not ready"))
    assert sentence.startswith("shop: not examined by pytest-apiauth")
    assert "not examined" in badge(run_of(error="no answer", verdict="not ready"))


@pytest.mark.parametrize(
    ("run", "words", "colour"),
    [
        (run_of(rule("pass")), "1 rule, 0 failures", GOOD),
        (MIXED, "3 rules, 0 failures, 1 warning, 1 expected failure", WARNED),
        (run_of(rule("fail"), rule("inconclusive")), "2 rules, 1 failure, 1 inconclusive", BAD),
    ],
)
def test_a_badge_is_an_image_that_says_it_in_words_too(run: RunRecord, words: str, colour: str) -> None:
    """Well-formed SVG, with a label for who does not see it."""
    root = ET.fromstring(badge(run))
    assert root.get("aria-label") == f"API authentication: {words}"
    assert colour in {each.get("fill") for each in root}
    assert words in [each.text for each in root]


def test_a_run_on_the_double_states_nothing() -> None:
    """It says nothing about a real API; nor does a run of nothing."""
    with pytest.raises(RefusedError, match="shop: embedded server"):
        badge(run_of(rule("pass"), note="embedded server: this run says nothing about the real API"))
    with pytest.raises(RefusedError, match="shop: a run on cassette says nothing about the API of today"):
        badge(run_of(rule("pass"), target="cassette"))
    with pytest.raises(RefusedError, match="no profile"):
        list(sentences(RunRecord(1, {}, 0, "2026-01-01T00:00:00+00:00", ())))


def test_what_stands_in_a_reason_is_text() -> None:
    """Markup in a reason or a name is none in the badge."""
    run = run_of(rule("expected failure", reason="<script>x</script>"), name="<b>")
    assert "<script>" not in badge(run)
    assert ET.fromstring(badge(run)).find("{http://www.w3.org/2000/svg}script") is None

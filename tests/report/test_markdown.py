"""The Markdown summary: what needs a look, and nothing that a server could make of it."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.report import markdown


def rule(verdict: str, **more: Any) -> dict[str, Any]:
    """Make a rule of a report."""
    return {
        "id": "key-bad", "level": "MUST", "sources": ["JI-02"], "verdict": verdict, "reason": "the reason",
        "parts": [{"part": "user", "verdict": verdict}, {"part": "public", "verdict": "pass"}],
        "counterexample": None, **more,
    }  # fmt: skip


def report(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a report of one profile."""
    profile = {"name": "shop", "target": "live", "url": "https://api.example.org", "requests": 7, "tokens_issued": 2}
    return {"profiles": [{**profile, "seconds": 1.25, "rules": list(rules), **more}]}


def test_a_profile_is_a_row() -> None:
    """What was examined, where, and what came of it."""
    text = markdown.text(report(rule("pass"), rule("pass"), rule("skip")))
    assert "| shop | live: https://api.example.org | 2 pass, 1 skip | 7 | 2 | 1.2 |" in text
    assert "###" not in text


def test_worst_first() -> None:
    """What fails comes before what warns; what passes is not told."""
    text = markdown.text(report(rule("warning"), rule("pass"), rule("inconclusive"), rule("fail")))
    found = [line for line in text.splitlines() if line.startswith("###")]
    assert [line.split()[1] for line in found] == ["FAIL", "INCONCLUSIVE", "WARNING"]
    assert found[0] == "### FAIL key-bad (shop, user)"


def test_a_counterexample_is_shown_as_it_is() -> None:
    """The curl line stands in a fence that nothing in it can end."""
    found = {"expected": "a refusal", "got": "200 | `OK` <b>", "curl": "curl 'x```y'", "control_curl": "", "steps": ()}
    text = markdown.text(report(rule("fail", counterexample=found)))
    assert "````sh\ncurl 'x```y'\n````" in text
    assert r"got 200 \| \`OK\` &lt;b>" in text


def test_an_embedded_run_says_what_it_is_worth() -> None:
    """The note of an embedded run is part of the summary."""
    assert "shop: says nothing of the API." in markdown.text(report(note="says nothing of the API"))

"""Records as tests need them: complete, with what a test is about said by it."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.report.record import Entry, PartRecord, ProfileRecord, RuleFacts, RuleRecord, RunRecord, Verdict


def rule(verdict: Verdict, **more: Any) -> RuleRecord:
    """Make a rule of two parts, of which the first has the rule's verdict."""
    parts = (
        PartRecord("shop::keys::key-bad[user]", "user", verdict, "the reason", "MUST"),
        PartRecord("shop::keys::key-bad[public]", "public", "pass", "", "MUST"),
    )
    usual: dict[str, Any] = {
        "id": "key-bad", "chapter": "keys", "level": "MUST", "sources": ("JI-02",), "safety": "read",
        "verdict": verdict, "reason": "the reason", "requests": 3, "examples": 1, "parts": parts,
        "counterexample": None, "advice": (),
    }  # fmt: skip
    return RuleRecord(**usual | more)


def run_of(*rules: RuleRecord, **more: Any) -> RunRecord:
    """Make a run of one profile."""
    usual: dict[str, Any] = {
        "name": "shop", "target": "live", "url": "https://api.example.org", "requests": 7, "tokens_issued": 2,
        "seconds": 1.25, "verdict": "pass", "rules": rules,
    }  # fmt: skip
    return RunRecord(1, {"python": "3.13"}, 7, "2026-01-01T00:00:00+00:00", (ProfileRecord(**usual | more),))


def entry(verdict: Verdict, rule_id: str = "key-bad", **more: Any) -> Entry:
    """Make what came of one item."""
    facts = RuleFacts(rule_id, "api_keys", "MUST", ("JI-02",), "read")
    usual: dict[str, Any] = {
        "profile": "shop", "target": "live", "url": "https://api.example.org", "part": "user", "is_real": True,
    }  # fmt: skip
    return Entry(**{**usual, "rule": facts, "verdict": verdict, "level": "MUST", **more})

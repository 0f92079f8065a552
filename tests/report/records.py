"""Records as tests need them: complete, with what a test is about said by it."""

from __future__ import annotations

from typing import Any

from pytest_apiauth.report.record import (
    Admission,
    Cause,
    Counterexample,
    Entry,
    Event,
    PartRecord,
    ProfileRecord,
    RuleFacts,
    RuleRecord,
    RunRecord,
    Verdict,
)


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


def crowded(findings: int = 100) -> RunRecord:
    """Make a run of three profiles with so many findings each, and as many rules beside them as the book has."""
    return RunRecord(
        1, {"python": "3.13"}, 7, "2026-01-01T00:00:00+00:00",
        tuple(_crowded_profile(name, findings) for name in ("shop", "bank", "library")),
    )  # fmt: skip


def _crowded_profile(name: str, findings: int) -> ProfileRecord:
    kinds: tuple[Verdict, ...] = ("fail", "fail", "warning", "fail", "inconclusive")
    rules = [_crowded_rule(name, number, kinds[number % len(kinds)]) for number in range(findings)]
    rules += [_crowded_rule(name, number, "pass") for number in range(findings, 180)]
    rules += [_crowded_rule(name, number, "skip") for number in range(180, 240)]
    return ProfileRecord(
        name=name, target="live", url=f"https://api.{name}.example", requests=5000, tokens_issued=300, seconds=61.5,
        verdict="fail", rules=tuple(rules), file=f"tests/{name}.apiauth.toml",
        causes=(Cause("rule-number-0 at GET /user/me", 20, ("rule-number-190",)), Cause("rule-number-1", 40)),
        statements={"SH-01": "/user/ needs a valid API key and a valid user token."},
        admissions=tuple(
            Admission(path, good, wrong, good == ("api_key", "bearer"), good != (), "200 OK (application/json)")
            for path in ("/public/", "/user/", "/pro/")
            for good, wrong in (((), ()), ((), ("bearer",)), (("bearer",), ()), (("api_key", "bearer"), ()))
        ),
    )  # fmt: skip


def _crowded_rule(name: str, number: int, verdict: Verdict) -> RuleRecord:
    chapter = f"chapter_{number % 18}"
    curl = (
        f"curl -i -H 'Accept: application/json' -H 'X-API-KEY: '\"${{API_KEY}}\" -H 'Content-Type: application/json'"
        f' -H \'Authorization: Bearer \'"${{ACCESS_TOKEN}}" -d "$(python -m pytest_apiauth edit --swap-case {number}'
        f" 'username=%s' \"${{USERNAME}}\")\" 'https://api.{name}.example/user/me?page={number}'"
    )
    found = None
    if verdict in ("fail", "warning", "inconclusive"):
        found = Counterexample(
            expected="a refusal with 400, 401 or 403", got=f"200 OK (application/json), item {number}", curl=curl,
            control_curl=curl.replace("--swap-case ", ""), steps=(curl,) if number % 8 == 0 else (),
            head=("HTTP 200 OK", "Content-Type: application/json", "Cache-Control: private", '{"items": list}'),
            control_got="200 OK (application/json)",
        )  # fmt: skip
    life = (
        Event(0, "issued", ("ACCESS_TOKEN_1", "REFRESH_TOKEN_1"), "POST /token: 200 OK, for 3600 s"),
        Event(0, "used", ("ACCESS_TOKEN_1",), "GET /user/me: 200 OK"),
        Event(3630, "passed", (), "3630 seconds pass"),
        Event(3630, "refused", ("ACCESS_TOKEN_1",), "GET /user/me: 401 Unauthorized"),
        Event(3630, "used", ("REFRESH_TOKEN_1",), "POST /token: 200 OK"),
        Event(3630, "renewed", ("ACCESS_TOKEN_2",), "POST /token: 200 OK, for 3600 s"),
    )
    reason = {"pass": "", "skip": f"reason {number % 12}"}.get(verdict, f"expected a refusal, got item {number}")
    parts = tuple(
        PartRecord(
            f"tests/{name}.apiauth.toml::{chapter}::rule-number-{number}[{part}]", part, verdict, reason, "MUST",
            counterexample=found, line=12, life=life if number % 24 == 0 and verdict != "skip" else (),
            cause="rule-number-0 at GET /user/me" if verdict == "fail" and number < 20 else "",
        )
        for part in ("user", "pro")
    )  # fmt: skip
    return RuleRecord(
        id=f"rule-number-{number}", chapter=chapter, level="MUST", safety="read-only", verdict=verdict, reason=reason,
        sources=("RFC 6750 3.1", "RFC 9110 11.6.1", *(["SH-01"] if number % 8 == 0 else [])), parts=parts,
        requests=12, examples=3,
        counterexample=found, advice=(),
        sentence=f"A conforming server refuses what is wrong in the way that has the number {number}.",
        look="The comparison of what was presented with what is known: whole, and as it was sent.",
    )  # fmt: skip

"""The JSON report, version 1: one object a profile, one a rule, its parts, and the counterexample of the worst.

A part has its own ``reason`` and ``level`` (that of what decided: advice is SHOULD whatever the rule is), its
``counterexample`` where it was not passed, and its ``rows`` where it has a table. ``advice`` is every warning of a
rule, each with the level of its own. A profile has a ``verdict``, that of its worst rule; where its own valid requests
fail the verdict is ``not ready`` (``inconclusive`` where no answer came), ``error`` says why, and no rule was run.
``not_examined`` is what the profile promises and the run could not look at, ``left_out`` the draws that were not tried
since the server is slow. Members may be added in version 1.
"""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_apiauth.report.ledger import Ledger, ProfileLedger, Record, worst

VERSION = 1
DISTRIBUTIONS = ("pytest-apiauth", "pytest", "httpx", "httpx2", "hypothesis")


def build(ledger: Ledger, seed: int) -> dict[str, Any]:
    """Give the report as plain data."""
    return {
        "version": VERSION,
        "versions": versions(),
        "seed": seed,
        "started": ledger.started,
        "profiles": [profile(one) for one in ledger.profiles.values()],
    }


def write(path: Path, report: dict[str, Any]) -> None:
    """Write the report, making the folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Give the versions of what took part."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _rule(rule: Record) -> Record:
    """Leave out the steps of a counterexample that has none: only one of a life cycle does."""
    parts = [_plain(part) for part in rule["parts"]]
    return {**_plain(rule), "parts": parts, "advice": [_without_steps(advice) for advice in rule["advice"]]}


def _plain(record: Record) -> Record:
    found = record.get("counterexample")
    return record if found is None else {**record, "counterexample": _without_steps(found)}


def _without_steps(found: Record) -> Record:
    return found if found.get("steps") else {name: text for name, text in found.items() if name != "steps"}


def profile(one: ProfileLedger) -> dict[str, Any]:
    """Give one profile of the report."""
    records = one.records.values()
    rules = [_rule(rule) for rule in one.rules()]
    shown: dict[str, Any] = {
        "name": one.name,
        "target": one.target,
        "url": one.url,
        "requests": sum(record["requests"] for record in records),
        "tokens_issued": sum(record["tokens_issued"] for record in records),
        "seconds": round(one.seconds, 3),
        "verdict": worst([rule["verdict"] for rule in rules]),
        "rules": rules,
        "not_examined": one.not_examined() if one.target in ("live", "app") else [],
    }
    left_out = one.left_out()
    if left_out is not None:
        shown["left_out"] = left_out
    if one.not_ready is not None:
        shown |= one.not_ready
    if one.target == "embedded":
        shown["note"] = "embedded server: this run says nothing about the real API"
    return shown

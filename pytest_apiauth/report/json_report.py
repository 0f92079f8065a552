"""The JSON report, version 1: one object a profile, one a rule, its parts, and the counterexample of the worst.

A part that was not passed has a ``counterexample`` of its own too.
"""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_apiauth.report.ledger import Ledger, ProfileLedger, Record

VERSION = 1
DISTRIBUTIONS = ("pytest-apiauth", "pytest", "httpx", "httpx2", "hypothesis")


def build(ledger: Ledger, seed: int) -> dict[str, Any]:
    """Give the report as plain data."""
    return {
        "version": VERSION,
        "versions": versions(),
        "seed": seed,
        "started": ledger.started,
        "profiles": [_profile(one) for one in ledger.profiles.values()],
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
    return {**_plain(rule), "parts": [_plain(part) for part in rule["parts"]]}


def _plain(record: Record) -> Record:
    found = record.get("counterexample")
    if found is None or found.get("steps"):
        return record
    return {**record, "counterexample": {name: text for name, text in found.items() if name != "steps"}}


def _profile(one: ProfileLedger) -> dict[str, Any]:
    records = one.records.values()
    shown = {
        "name": one.name,
        "target": one.target,
        "url": one.url,
        "requests": sum(record["requests"] for record in records),
        "tokens_issued": sum(record["tokens_issued"] for record in records),
        "seconds": round(one.seconds, 3),
        "rules": [_rule(rule) for rule in one.rules()],
    }
    if one.target == "embedded":
        shown["note"] = "embedded server: this run says nothing about the real API"
    return shown

"""The SARIF report (OASIS SARIF 2.1.0), for pages of code scanning: findings stand at the profile, which promises.

A failure is an error, unless it is of a rule that is advised only; what could not be decided and what is advised is a
warning or a note. An expected failure is there with its reason, as suppressed. Rules that hold leave no result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from pytest_apiauth.printable import printable
from pytest_apiauth.report.findings import Finding, findings
from pytest_apiauth.report.record import ProfileRecord, RuleRecord, RunRecord
from pytest_apiauth.standards import link

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"


def text(run: RunRecord) -> str:
    """Return a run as SARIF."""
    # Letters that are not ASCII are escaped: half ones (lone surrogates) are no text, and a name may hold some.
    return json.dumps(document(run), indent=2) + "\n"


def document(run: RunRecord) -> dict[str, Any]:
    """Return the document: one run of the tool, whatever number of profiles it examined."""
    rules = list({rule.id: rule for profile in run.profiles for rule in profile.rules}.values())
    places = {rule.id: place for place, rule in enumerate(rules)}
    results = [result for profile in run.profiles for result in _results(profile, places)]
    not_ready = [_notification(profile) for profile in run.profiles if profile.error]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pytest-apiauth",
                        "version": run.versions.get("pytest-apiauth", "0"),
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not not_ready,
                        "startTimeUtc": run.started.replace("+00:00", "Z"),
                        "toolExecutionNotifications": not_ready,
                    }
                ],
                "properties": {"seed": run.seed, "versions": run.versions},
                "results": results,
            }
        ],
    }


def _rule(rule: RuleRecord) -> dict[str, Any]:
    sentence = rule.sentence or rule.id
    where = next(filter(None, map(link, rule.sources)), "")
    look = f" Look at {printable(rule.look)}" if rule.look else ""
    return {
        "id": rule.id,
        "shortDescription": {"text": printable(sentence)},
        "help": {"text": f"{printable(sentence)} Sources: {', '.join(rule.sources)}.{look}"},
        "defaultConfiguration": {"level": _level(rule.level)},
        "properties": {"tags": ["security", "authentication", rule.chapter], "safety": rule.safety},
        **({"helpUri": where} if where else {}),
    }


def _level(level: str) -> str:
    return {"MAY": "note", "SHOULD": "warning"}.get(level, "error")


def _results(profile: ProfileRecord, places: dict[str, int]) -> Iterator[dict[str, Any]]:
    for found in findings(profile):
        level = {"warning": _level(found.level), "inconclusive": "warning"}.get(found.verdict, "error")
        words = f"{profile.name}: {found.name}: {found.words}"
        if found.shown is not None:
            words += f"\n\n{found.shown.curl}"
        for rule in found.rules:
            yield {
                **_result(profile, rule, places, found.line, words, (*found.parts, found.verdict)),
                "level": "note" if found.verdict == "warning" and found.level == "MAY" else level,
                "properties": _properties(profile, rule, found),
            }
    for rule in profile.rules:
        if rule.verdict == "expected failure":
            parts = [part for part in rule.parts if part.verdict == "expected failure"]
            line = next((part.line for part in parts if part.line), 0)
            words = f"{profile.name}: {rule.id}: {rule.reason}"
            yield {
                **_result(profile, rule, places, line, words, ("expected failure",)),
                "level": _level(rule.level),
                "suppressions": [{"kind": "external", "justification": printable(rule.reason)}],
            }


def _result(
    profile: ProfileRecord, rule: RuleRecord, places: dict[str, int], line: int, words: str, same: tuple[str, ...]
) -> dict[str, Any]:
    # What makes it the same finding in a later run. What came is no part of it: there may be a date in it.
    mark = hashlib.sha256("\n".join((profile.name, profile.file, rule.id, *same)).encode()).hexdigest()
    return {
        "ruleId": rule.id,
        "ruleIndex": places[rule.id],
        "message": {"text": printable(words)},
        "locations": [_location(profile, line)],
        "partialFingerprints": {"apiauthFinding/v1": mark},
    }


def _properties(profile: ProfileRecord, rule: RuleRecord, found: Finding) -> dict[str, Any]:
    shown = found.shown
    told = {
        "profile": profile.name,
        "target": profile.target,
        "url": profile.url,
        "parts": list(found.parts),
        "nodeids": list(found.nodeids),
        "verdict": found.verdict,
        "sources": list(rule.sources),
    }
    if shown is not None:
        told |= {"expected": shown.expected, "got": shown.got, "curl": shown.curl, "control": shown.control_curl}
    return told


def _location(profile: ProfileRecord, line: int) -> dict[str, Any]:
    place = PurePath(printable(profile.file or f"{profile.name}.apiauth.toml"))
    artifact = {"uri": place.as_uri()} if place.is_absolute() else {"uri": quote(place.as_posix()), "uriBaseId": ROOT}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(line, 1)}}}


def _notification(profile: ProfileRecord) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": printable(f"{profile.name}: {profile.verdict}: {profile.error}")},
        "locations": [_location(profile, 0)],
    }

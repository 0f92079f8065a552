"""The keys of a profile, as editors and the page of reference have them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.profile.keys import IN_LINE, schema, tables
from tests.test_readme import BLOCKS

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = schema()
WRITTEN = {
    **{
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for folder in ("conformance", "tests")
        for path in sorted(ROOT.glob(f"{folder}/**/*{SUFFIX}"))
    },
    **{f"page: {name}": text for (kind, name), text in BLOCKS.items() if kind == "file" and name.endswith(SUFFIX)},
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    "null": type(None),
}  # fmt: skip


def wrong(value: Any, found: Mapping[str, Any]) -> str | None:
    """Say what a schema has against a value; what this reads of JSON Schema is what the model's schema has."""
    if "$ref" in found:
        return wrong(value, SCHEMA["$defs"][found["$ref"].rpartition("/")[2]])
    if "anyOf" in found:
        told = [wrong(value, each) for each in found["anyOf"]]
        return None if None in told else "; ".join(map(str, told))
    if value not in found.get("enum", [value]) or value != found.get("const", value):
        return f"{value!r} is none of what it may be"
    expected = found.get("type")
    if expected is not None and (
        not isinstance(value, TYPES[expected]) or (isinstance(value, bool) and expected != "boolean")
    ):
        return f"{value!r} is no {expected}"
    if isinstance(value, list):
        return next(filter(None, (wrong(each, found.get("items", {})) for each in value)), None)
    return _wrong_member(value, found) if isinstance(value, dict) else None


def _wrong_member(value: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    if missing := {*found.get("required", ())} - {*value}:
        return f"lacks {missing}"
    others = found.get("additionalProperties", True)
    for name, each in value.items():
        own = found.get("properties", {}).get(name, others)
        if own is False:
            return f"{name} is unknown"
        told = wrong(each, own) if isinstance(own, Mapping) else None
        if told is not None:
            return f"{name}: {told}"
    return None


@pytest.mark.parametrize("name", WRITTEN)
def test_editors_take_every_profile(name: str) -> None:
    """What the plug-in reads, the schema that editors have calls right."""
    assert wrong(tomllib.loads(WRITTEN[name]), SCHEMA) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('api_key.heder = "X-Key"', "heder is unknown"),
        ('zones.items = { needs = ["api_key"] }', "lacks {'path'}"),
        ("token.leeway = true", "True is no integer"),
        ('token.body = "xml"', "'xml' is none of what it may be"),
        ('credentials.api_key = "the key itself"', "'the key itself' is no object"),
    ],
)
def test_editors_see_what_is_wrong(text: str, told: str) -> None:
    """The schema says no, to a secret in its own place too."""
    assert told in str(wrong(tomllib.loads(f"schema = 1\n{text}"), SCHEMA))


def test_tables_have_every_key_once() -> None:
    """Tables of the same keys are one, and no path stands twice."""
    found = list(tables())
    paths = [key.path for table in found if table.name not in IN_LINE.values() for key in table.keys]

    assert len(paths) == len({*paths})
    (like,) = (table for table in found if table.name == "credentials.revoked")
    assert like.headings == ("[credentials.revoked]", "[credentials.expired]")
    assert next(table for table in found if table.is_list).headings == ("[[recording.harmless]]",)

"""The JSON Schema of the JSON report, made from the types of the record: what may stand in a report is said once."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints

from pytest_apiauth.report.record import RunRecord

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema() -> dict[str, Any]:
    """Return the schema of a report, version 1. A later report of the same version may have more members."""
    found: dict[str, dict[str, Any]] = {}
    top = _schema_of(RunRecord, found)
    return {"$schema": DIALECT, "title": "pytest-apiauth report, version 1", **top, "$defs": found}


def _schema_of(kind: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        name = cast(type, kind).__name__
        if name not in found:
            found[name] = {}  # a place for what refers to itself
            found[name] = _object(kind, found)
        return {"$ref": f"#/$defs/{name}"}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(each, found) for each in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], found)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], found)}
    return {"type": PLAIN[kind]}


def _object(kind: Any, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    members = fields(kind)
    needed = [member.name for member in members if not member.metadata.get("bare")]
    without = [
        member.name
        for member in members
        if member.metadata.get("bare") and member.default is MISSING and member.default_factory is MISSING
    ]
    assert not without, f"left out when empty, and not known to be so: {without}"
    return {
        "type": "object",
        "properties": {member.name: _schema_of(hints[member.name], found) for member in members},
        "required": needed,
    }

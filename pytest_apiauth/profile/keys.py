"""Every key of a profile's file as it is declared: for the page of reference, and for whoever looks for one.

Read from the JSON Schema that editors read, so that nothing of it is written twice.

>>> next(key.says for table in tables() for key in table.keys if key.path == "zones.NAME.probe")
'Routes that a GET may touch safely'
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_apiauth.profile.model import Profile

NAME: Final = "NAME"
"""Stands for a name of the user's own."""
EXTENDS: Final = "Built-in profile (dastra, jindexe, digishare) or path of one to build on"
IN_LINE: Final = {"Reference": "where it is", "Found": "where the answer has it"}
"""Tables that are written in a line, by what a value of theirs is called."""
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: where it stands, what it may be, what it is if nothing is said, and what it means."""

    path: str
    value: str
    default: str
    says: str

    @property
    def name(self) -> str:
        """Its last part, as it is written in its table."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file, with its keys. The first has no name: it is the file's own."""

    name: str
    says: str
    keys: tuple[Key, ...]
    is_list: bool = False
    likes: tuple[str, ...] = ()
    """Names of further tables that have the same keys."""

    @property
    def headings(self) -> tuple[str, ...]:
        """How TOML writes it, and those that are like it."""
        return tuple(f"[[{name}]]" if self.is_list else f"[{name}]" for name in (self.name, *self.likes))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the file format, for editors: with ``false``, which removes what ``extends`` brings.

    >>> schema()["title"], schema()["properties"]["token_url"]["anyOf"][-1]
    ('pytest-apiauth profile', {'const': False})
    """
    found = declared()
    for table in (found, *found["$defs"].values()):
        for name, each in table.get("properties", {}).items():
            if name not in table.get("required", ()):
                table["properties"][name] = _or_removed(each)
    return found


def declared() -> dict[str, Any]:
    """Return the JSON Schema of a file that extends no other: ``extends`` itself is in it, which loading resolves."""
    found = Profile.model_json_schema(by_alias=True)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "pytest-apiauth profile"
    found["properties"]["extends"] = {"type": "string", "description": EXTENDS}
    return found


def _or_removed(found: Schema) -> dict[str, Any]:
    """Return the schema of a value, or of tables by names, that may be ``false`` as well."""
    if found.get("type") == "boolean":
        return dict(found)
    told = {key: found[key] for key in ("title", "description", "default") if key in found}
    rest = {key: each for key, each in found.items() if key not in told}
    if isinstance(rest.get("additionalProperties"), Mapping):
        rest["additionalProperties"] = _or_removed(rest["additionalProperties"])
    return {**told, "anyOf": [*rest.get("anyOf", (rest,)), {"const": False}]}


def tables() -> Iterator[Table]:
    """Yield the tables of a profile in the order in which they are declared, each before those that stand in it.

    Those that are written in a line, wherever a value may be one, come last, by what they are called in `IN_LINE`.
    """
    whole = declared()
    yield from _alike(_within(whole, whole["$defs"]))
    for name, called in IN_LINE.items():
        yield replace(_table(name, whole["$defs"][name], False, [], whole["$defs"]), name=called)


def _alike(found: Iterable[Table]) -> list[Table]:
    """Return tables, with those of the same keys as one."""
    kept: dict[tuple[Key, ...], Table] = {}
    for table in found:
        keys = tuple(replace(key, path=key.name) for key in table.keys)
        like = kept.get(keys)
        kept[keys] = replace(like, likes=(*like.likes, table.name)) if like is not None else table
    return list(kept.values())


def _within(whole: Schema, known: Schema) -> Iterator[Table]:
    waiting: deque[tuple[str, Schema, bool]] = deque([("", whole, False)])
    while waiting:
        name, found, is_list = waiting.popleft()
        inner: list[tuple[str, Schema, bool]] = []
        yield _table(name, found, is_list, inner, known)
        waiting.extendleft(reversed(inner))


def _table(name: str, found: Schema, is_list: bool, inner: list[tuple[str, Schema, bool]], known: Schema) -> Table:
    """Return a table with its keys, and add those that stand in it to ``inner``."""
    keys = []
    for own, each in found["properties"].items():
        path = f"{name}.{own}" if name and name not in IN_LINE else own
        inner += _tables_of(path, each, known)
        default = each.get("default")
        told = "required" if own in found.get("required", ()) else _written(default)
        keys.append(Key(path, _value(each), told, each.get("description", "")))
    return Table(name, found.get("description", "").partition("\n\n")[0], tuple(keys), is_list)


def _tables_of(path: str, found: Schema, known: Schema) -> Iterator[tuple[str, Schema, bool]]:
    for each in found.get("anyOf", (found,)):
        named = each.get("additionalProperties")
        if isinstance(named, Mapping):
            yield from ((name, table, False) for name, table, _ in _tables_of(f"{path}.{NAME}", named, known))
        elif each.get("type") == "array":
            yield from ((name, table, True) for name, table, _ in _tables_of(path, each["items"], known))
        elif "$ref" in each and _referred(each) not in IN_LINE:
            yield path, known[_referred(each)], False


def _referred(found: Schema) -> str:
    return str(found["$ref"]).rpartition("/")[2]


def _value(found: Schema) -> str:
    """Say what a value may be.

    >>> _value({"anyOf": [{"type": "integer", "minimum": 400, "maximum": 499}, {"type": "null"}]})
    'whole number from 400 to 499'
    >>> _value({"type": "array", "items": {"enum": ["a", "b"]}})
    'list of "a", "b"'
    """
    if "anyOf" in found:
        return " or ".join(_value(each) for each in found["anyOf"] if each.get("type") != "null")
    if "$ref" in found:
        return IN_LINE.get(_referred(found), "table")
    if "const" in found:
        return _spelt(found["const"])
    if "enum" in found:
        return ", ".join(map(_spelt, found["enum"]))
    if found["type"] == "array":
        return f"list of {_plural(_value(found['items']))}"
    if found["type"] == "object":
        named = found.get("additionalProperties")
        is_plain = isinstance(named, Mapping) and _value(named) in ("text", IN_LINE["Reference"])
        return f"table: a name = {_value(named)}" if isinstance(named, Mapping) and is_plain else "table"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return words[found["type"]] + _bounds(found)


def _plural(value: str) -> str:
    return re.sub(r"^(text|whole number|list|table)\b", r"\1s", value)


def _bounds(found: Schema) -> str:
    low, above, high = (found.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    told = f" from {low}" if low is not None else f" above {above}" if above is not None else ""
    return f"{told} to {high}" if high is not None else told


def _written(default: object) -> str:
    """Return a default as TOML writes it; nothing where it is nothing, or a table of such."""
    if default in (None, "", [], {}) or isinstance(default, Mapping):
        return ""
    return _spelt(default)


def _spelt(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

"""From good input to input that is nearly good: edits of bytes, lines and words; and of values, by Hypothesis."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from .seeds import TEXTS, VALUES

LARGEST: Final = 200_000
"""Bytes of a mutant: what grows without end only takes time."""
WORDS: Final = re.compile(rb"[\w.-]+")
NUMBERS: Final = (0, 1, 7, 8, 127, 128, 255)
Edit = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
Path = tuple[Any, ...]


def mutated(luck: random.Random, pool: Sequence[bytes]) -> bytes:
    """Return one of the pool with a few edits; now and then joined to another."""
    content = luck.choice(pool)
    for _ in range(luck.choice((1, 1, 1, 2, 3, 5, 8))):
        content = luck.choice(EDITS)(luck, content, pool)[:LARGEST]
    return content


def _span(luck: random.Random, content: bytes, longest: int) -> tuple[int, int]:
    start = luck.randrange(len(content) + 1)
    return start, min(len(content), start + luck.randrange(longest + 1))


def _byte(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    start, _ = _span(luck, content, 0)
    return content[:start] + bytes([luck.choice((*NUMBERS, luck.randrange(256)))]) + content[start + 1 :]


def _cut(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    start, end = _span(luck, content, luck.choice((1, 4, 40, 400)))
    return content[:start] + content[end:]


def _end(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    return content[: luck.randrange(len(content) + 1)]


def _twice(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    start, end = _span(luck, content, luck.choice((4, 40, 400)))
    return content[:end] + content[start:end] * luck.choice((1, 1, 2, 50)) + content[end:]


def _text(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    start, end = _span(luck, content, luck.choice((0, 0, 4)))
    return content[:start] + luck.choice(TEXTS) + content[end:]


def _word(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    """Put another word in the place of one: one that is known to be nasty, or one of another file."""
    found = list(WORDS.finditer(content[:LARGEST]))
    if not found:
        return _text(luck, content, pool)
    spot = luck.choice(found)
    other = WORDS.findall(luck.choice(pool)[:LARGEST]) or [b""]
    return content[: spot.start()] + luck.choice((luck.choice(TEXTS), luck.choice(other))) + content[spot.end() :]


def _lines(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    """Leave out, double, move or indent a line, or take one of another file."""
    lines = content.split(b"\n")
    number = luck.randrange(len(lines))
    kind = luck.randrange(5)
    if kind == 0:
        del lines[number]
    elif kind == 1:
        lines.insert(number, lines[number])
    elif kind == 2:
        lines.insert(luck.randrange(len(lines)), lines.pop(number))
    elif kind == 3:
        lines[number] = luck.choice((b" ", b"  ", b"\t")) + lines[number]
    else:
        lines.insert(number, luck.choice(luck.choice(pool)[:LARGEST].split(b"\n")))
    return b"\n".join(lines)


def _joined(luck: random.Random, content: bytes, pool: Sequence[bytes]) -> bytes:
    other = luck.choice(pool)
    return content[: luck.randrange(len(content) + 1)] + other[luck.randrange(len(other) + 1) :]


EDITS: Final[tuple[Edit, ...]] = (_byte, _cut, _end, _twice, _text, _text, _word, _word, _word, _lines, _lines, _joined)


# Values, by Hypothesis, which makes what it finds small

ANY: Final = st.recursive(
    st.sampled_from(VALUES) | st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _places(value: Any, above: Path = ()) -> list[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for name, each in inner for place in _places(each, (*above, name)))]


def _at(value: Any, place: Path) -> Any:
    for name in place:
        value = value[name]
    return value


@st.composite
def altered(draw: st.DrawFn, documents: Sequence[Any]) -> Any:
    """Draw one of these documents, as data, with some of its values left out, renamed, or replaced."""
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(_places(document)))
        if not place:
            continue
        table, name = _at(document, place[:-1]), place[-1]
        kind = draw(st.sampled_from(("value", "value", "other", "gone", "wrapped", "renamed")))
        if kind == "value":
            table[name] = copy.deepcopy(draw(ANY))
        elif kind == "other":
            table[name] = json.loads(json.dumps(_at(document, draw(st.sampled_from(_places(document))))))
        elif kind == "gone":
            del table[name]
        elif kind == "wrapped":
            table[name] = draw(st.sampled_from(([table[name]], {"x": table[name]}, str(table[name]))))
        elif isinstance(table, dict):
            table[str(draw(st.sampled_from(VALUES) | st.text(max_size=6)))[:2000]] = table.pop(name)
    return document


def schema_values(schema: dict[str, Any], definitions: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values that a JSON Schema allows, or nearly: each key of a profile is among them."""
    if "$ref" in schema:
        return st.deferred(lambda: schema_values(definitions[schema["$ref"].rpartition("/")[2]], definitions, depth))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return st.one_of(*(schema_values(each, definitions, depth) for each in schema[word]))
    kind = schema.get("type")
    if kind == "object" and "properties" in schema and depth < 5:
        inner = {
            name: _or_odd(schema_values(each, definitions, depth + 1)) for name, each in schema["properties"].items()
        }
        needed = {name: inner.pop(name) for name in schema.get("required", ()) if name in inner}
        return st.fixed_dictionaries(needed).flatmap(
            lambda made: (
                st.dictionaries(st.sampled_from(sorted(inner)), st.just(0), max_size=6).flatmap(
                    lambda chosen: st.fixed_dictionaries({name: inner[name] for name in sorted(chosen)}).map(
                        lambda more: {**made, **more}
                    )
                )
                if inner
                else st.just(made)
            )
        )
    if kind == "object" and depth < 5:
        more = schema.get("additionalProperties")
        value = schema_values(more, definitions, depth + 1) if isinstance(more, dict) else ANY
        return st.dictionaries(
            st.sampled_from(("a", "second", "default", "bearer", "x-y")) | st.text(max_size=4), value, max_size=2
        )
    if kind == "array":
        items = schema.get("items")
        return st.lists(schema_values(items, definitions, depth + 1) if isinstance(items, dict) else ANY, max_size=3)
    simple = {"string": STRINGS, "integer": st.integers(-2, 10**6), "number": st.floats(), "boolean": st.booleans()}
    return simple.get(str(kind), ANY)


STRINGS: Final = st.text(max_size=10) | st.sampled_from(
    [text for text in VALUES if isinstance(text, str)]
    + ["https://api.example/v1", "/token", "bearer", "api_key", "client_credentials", "header", "GET", "S256", "/me"]
)


def _or_odd(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda number: value if number else ANY)


# As files


def as_json(value: Any) -> bytes:
    """Write data as JSON, as others may have written it."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def as_yaml(value: Any) -> bytes:
    """Write data as YAML."""
    import yaml

    return str(yaml.safe_dump(value, allow_unicode=True)).encode("utf-8", "surrogatepass")


def as_toml(value: Any) -> bytes:
    """Write data as TOML, which is a line for each key of the top, and tables in braces."""
    lines = (f"{_toml_text(str(name))} = {_toml(each)}" for name, each in value.items() if each is not None)
    return "\n".join(lines).encode("utf-8", "surrogatepass") if isinstance(value, dict) else b""


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_text(str(name))} = {_toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool) or value is None:
        return "true" if value else "false"
    return _toml_text(value) if isinstance(value, str) else repr(value)


def _toml_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")

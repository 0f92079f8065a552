"""What an OpenAPI document gives as examples of answers: the payloads of an embedded server's GET routes.

An example is taken from where the document has one, the nearest to the answer first: ``example``, ``examples``, then
the schema's own ``example``, ``const``, ``default`` or ``examples``, or else put together from those of its members.
Members without one are left out: nothing is invented. What lies in another document is not looked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from pytest_apiauth.discover.findings import listed_in, split, table_in, text_in
from pytest_apiauth.discover.reading import Document, DocumentError, read
from pytest_apiauth.errors import ProfileError

DEEPEST: Final = 12
"""Schemas inside one another that are looked into."""
LARGEST: Final = 1_000_000
"""Characters of one example."""
MOST_SCHEMAS: Final = 5_000
"""Schemas that are looked into for one answer."""
NOTHING: Final = object()
PLACEHOLDER: Final = re.compile(r"\{[^{}/]+\}")
PATH: Final = re.compile(r"(?:[^{}?#]|\{p[0-9]+\})*")
MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[ -~]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Example:
    """The documented answer to GET at a path, which may have placeholders, below the API's host."""

    path: str
    status: int
    media_type: str
    body: bytes


def examples(file: Path, base_path: str) -> tuple[Example, ...]:
    """Read the examples of a document, for an API whose base URL has a path. Raises ProfileError, in one line.

    Those at paths without a placeholder come first: they are meant before others (OpenAPI, path templating matching).
    """
    try:
        document = read(str(file))
    except DocumentError as error:
        reason = str(error)
    else:
        if document.kind == "metadata":
            raise ProfileError(f"payloads: {document.source}: expected an OpenAPI or Swagger document")
        found = tuple(sorted(_of(document, base_path.rstrip("/")), key=lambda each: each.path.count("{")))
        if not found:
            raise ProfileError(f"payloads: {document.source}: no GET answer of it has an example")
        return found
    raise ProfileError(f"payloads: {reason}")


def _of(document: Document, base_path: str) -> Iterator[Example]:
    start = _server_path(document)
    for template, value in table_in(document.content, "paths").items():
        path = _template(template)
        if path is None:
            continue
        operation = document.resolved(table_in(document.resolved(value), "get"))
        for status, answer in table_in(operation, "responses").items():
            # The first success; in YAML it may be a number.
            found = _Answer(document).example(document.resolved(answer)) if str(status)[:1] == "2" else None
            if found is not None:
                whole = f"{start}{path}"
                below = whole.removeprefix(base_path) if whole.startswith(f"{base_path}/") else path
                yield Example(below, int(status) if str(status).isdecimal() else 200, *found)
                break


def _template(path: object) -> str | None:
    """Return a path of the document with placeholders that have names of ours; None for one that no request has."""
    if not isinstance(path, str) or not path.startswith("/"):
        return None
    number = count(1)
    named = PLACEHOLDER.sub(lambda found: f"{{p{next(number)}}}", path)
    return named if PATH.fullmatch(named) else None


def _server_path(document: Document) -> str:
    """Return the path of the document's first server, without a slash at its end."""
    if document.kind == "swagger":
        return "/".join(["", *filter(None, text_in(document.content, "basePath").split("/"))])
    servers = [each for each in listed_in(document.content, "servers") if isinstance(each, Mapping)]
    path = split(text_in(servers[0], "url")).path if servers else ""
    return "" if "{" in path else path.rstrip("/")


class _Answer:
    """Looks for the example of one answer, and no further than an example can reach."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = MOST_SCHEMAS

    def example(self, answer: Mapping[str, object]) -> tuple[str, bytes] | None:
        """Return media type and body; JSON before any other."""
        if self._document.kind == "swagger":
            given = dict(table_in(answer, "examples"))
            if not given and "schema" in answer:
                given = {"application/json": self._of_schema(answer["schema"], 0)}
        else:
            content = table_in(answer, "content")
            given = {name: self._of_media(self._document.resolved(value)) for name, value in content.items()}
        known = [(name, value) for name, value in given.items() if value is not NOTHING and MEDIA_TYPE.fullmatch(name)]
        for media_type, value in sorted(known, key=lambda pair: "json" not in pair[0].lower()):
            text = _as_json(value) if "json" in media_type.lower() else value
            if isinstance(text, str) and len(text) <= LARGEST:
                return media_type, text.encode()
        return None

    def _of_media(self, media: Mapping[str, object]) -> object:
        if "example" in media:
            return media["example"]
        for each in table_in(media, "examples").values():
            named = self._document.resolved(each)
            if "value" in named:
                return named["value"]
        return self._of_schema(media["schema"], 0) if "schema" in media else NOTHING

    def _of_schema(self, given: object, depth: int) -> object:
        """Return an example of a schema: its own, or one put together from its parts; nothing if it has none."""
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            return NOTHING
        schema = self._document.resolved(given)
        for key in ("example", "const", "default"):
            if key in schema:
                return schema[key]
        several = schema.get("examples")
        if isinstance(several, list) and several:
            return several[0]
        if isinstance(schema.get("items"), Mapping):
            item = self._of_schema(schema["items"], depth + 1)
            return NOTHING if item is NOTHING else [item]
        return self._of_members(schema, depth) or self._of_choice(schema, depth)

    def _of_members(self, schema: Mapping[str, object], depth: int) -> object:
        parts = [self._of_schema(part, depth + 1) for part in listed_in(schema, "allOf")]
        members = {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
        for name, value in table_in(schema, "properties").items():
            found = self._of_schema(value, depth + 1)
            if found is not NOTHING:
                members[str(name)] = found
        return members

    def _of_choice(self, schema: Mapping[str, object], depth: int) -> object:
        parts = [*listed_in(schema, "oneOf"), *listed_in(schema, "anyOf")]
        found = (self._of_schema(part, depth + 1) for part in parts)
        return next((each for each in found if each is not NOTHING), NOTHING)


def _as_json(value: object) -> str | None:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        # YAML has values that JSON has not.
        return None

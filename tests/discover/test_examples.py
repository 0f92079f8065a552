"""Examples of answers in OpenAPI and Swagger documents."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.discover.examples import Example, examples

NONE: Any = object()


def read(tmp_path: Path, document: dict[str, Any], base_path: str = "") -> tuple[Example, ...]:
    """Write a document, and read its examples; that of /last is there always."""
    last = {"/last": {"get": _answers({"application/json": {"example": "last"}})}}
    content = {"openapi": "3.1.0", **document, "paths": {**document["paths"], **last}}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return examples(file, base_path)


def _answers(content: dict[str, Any], status: str = "200") -> dict[str, Any]:
    return {"responses": {status: {"description": "", "content": content}}}


def _of_schema(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


REFERRED = {"$ref": "#/components/schemas/Item"}
ITEM = {"type": "object", "properties": {"id": {"type": "integer", "example": 7}, "label": {"type": "string"}}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"application/json": {"example": {"id": 1}}}, {"id": 1}),
        ({"application/json": {"example": None}}, None),
        ({"application/json": {"examples": {"a": {"externalValue": "x"}, "b": {"value": [1]}}}}, [1]),
        (_of_schema({"example": 1, "default": 2}), 1),
        (_of_schema({"examples": ["first", "second"]}), "first"),
        (_of_schema({"const": "only"}), "only"),
        (_of_schema(REFERRED), {"id": 7}),
        (_of_schema({"type": "array", "items": REFERRED}), [{"id": 7}]),
        (_of_schema({"allOf": [REFERRED, {"properties": {"total": {"default": 0}}}]}), {"id": 7, "total": 0}),
        (_of_schema({"oneOf": [{"type": "string"}, REFERRED]}), {"id": 7}),
        (_of_schema({"type": "string"}), NONE),
        (_of_schema({"properties": {"more": {"$ref": "https://elsewhere.example/x"}}}), NONE),
        ({"text/csv": {"example": "a;b"}, "application/hal+json": {"example": 1}}, 1),
    ],
)
def test_where_an_example_is_taken_from(tmp_path: Path, content: dict[str, Any], expected: Any) -> None:
    """The nearest to the answer counts, JSON before other types; what has none has no payload."""
    document = {"paths": {"/items": {"get": _answers(content)}}, "components": {"schemas": {"Item": ITEM}}}
    found = {each.path: json.loads(each.body) for each in read(tmp_path, document)}

    assert found.get("/items", NONE) == expected


def test_statuses_placeholders_and_base_paths(tmp_path: Path) -> None:
    """The first success is taken; paths continue the profile's base URL, and those with placeholders come last."""
    content = {"application/json": {"example": 1}}
    document = {
        "servers": [{"url": "https://api.example/v2/"}],
        "paths": {
            "/items/{item-id}/{item-id}": {"get": _answers(content, "2XX")},
            "/items": {"get": _answers(content, "201"), "post": _answers(content)},
            "/broken/{a": {"get": _answers(content)},
            "/gone": {"get": _answers(content, "404")},
        },
    }
    for base_path, start in (("", "/v2"), ("/v2", ""), ("/other", "")):
        found = [(each.path, each.status) for each in read(tmp_path, document, base_path)]
        assert found == [(f"{start}/items", 201), (f"{start}/last", 200), (f"{start}/items/{{p1}}/{{p2}}", 200)]


def test_swagger_documents_have_examples_too(tmp_path: Path) -> None:
    """Swagger 2.0 has them beside the schema, by media type, and a base path of its own."""
    answers = {"200": {"examples": {"application/json": {"id": 1}}}}
    document = {"swagger": "2.0", "basePath": "/v2", "paths": {"/items": {"get": {"responses": answers}}}}
    file = tmp_path / "swagger.json"
    file.write_text(json.dumps(document), encoding="utf-8")

    assert examples(file, "") == (Example("/v2/items", 200, "application/json", b'{"id": 1}'),)


def test_a_schema_that_holds_itself_comes_to_an_end(tmp_path: Path) -> None:
    """Schemas that contain themselves many times over take bounded time, and the rest is read."""
    tree = {"properties": {f"child{number}": {"$ref": "#/components/schemas/Tree"} for number in range(9)}}
    document = {"paths": {"/tree": {"get": _answers(_of_schema({"$ref": "#/components/schemas/Tree"}))}}}
    start = time.process_time()
    found = read(tmp_path, {**document, "components": {"schemas": {"Tree": tree}}})

    assert [each.path for each in found] == ["/last"]
    assert time.process_time() - start < 2

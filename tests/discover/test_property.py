"""Whatever a document says, the profile that comes of it loads, or one line says why there is none."""

from __future__ import annotations

import json
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import event, example, given
from hypothesis import strategies as st

from pytest_apiauth import discover
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile import loading

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["/token", "token", "https://id.example/t", "http://id.example", "//x", "http://["]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
FLOW = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("tokenUrl", "authorizationUrl", "refreshUrl", "scopes"), TEXTS | JSON)
)
FLOWS = ("clientCredentials", "password", "authorizationCode", "implicit", "deviceAuthorization", "x")
SCHEME = st.fixed_dictionaries(
    {"type": st.sampled_from(["apiKey", "http", "oauth2", "openIdConnect", "mutualTLS", "basic"]) | JSON},
    optional={
        "in": st.sampled_from(["header", "query", "cookie"]) | JSON,
        "name": st.sampled_from(["X-Key", "Authorization"]) | TEXTS,
        "scheme": st.sampled_from(["bearer", "Basic", "digest"]) | JSON,
        "flows": st.dictionaries(st.sampled_from(FLOWS), FLOW | JSON, max_size=4) | JSON,
        "openIdConnectUrl": TEXTS,
        "description": TEXTS,
    },
)
NAMES = st.sampled_from(["a", "b", "c", "d"])
REQUIREMENT = st.dictionaries(NAMES, st.lists(TEXTS, max_size=2) | JSON, max_size=2)
OPERATION = st.fixed_dictionaries(
    {}, optional={"security": st.lists(REQUIREMENT | JSON, max_size=3) | JSON, "parameters": JSON, "responses": JSON}
)
PATHS = st.sampled_from(["/a", "/a/{id}", "/a/b", "/b", "/token", "/", "/logout", "x-a"]) | TEXTS
ITEM = st.dictionaries(st.sampled_from(["get", "post", "parameters", "servers", "$ref"]), OPERATION | JSON, max_size=2)
SERVERS = st.lists(
    st.fixed_dictionaries({"url": TEXTS | st.sampled_from(["https://api.example/v1", "/v1"])}) | JSON, max_size=2
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw OpenAPI documents, most of them a little wrong."""
    return {
        "openapi": "3.1.0",
        "info": {"title": draw(TEXTS)},
        "servers": draw(SERVERS | JSON),
        "security": draw(st.lists(REQUIREMENT, max_size=2) | JSON),
        "paths": draw(st.dictionaries(PATHS, ITEM | JSON, max_size=5) | JSON),
        "components": {"securitySchemes": draw(st.dictionaries(NAMES, SCHEME | JSON, min_size=1, max_size=4))},
    }


UNCALLABLE = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "\ud7fc"}}}


@example({"openapi": "3.1.0", "components": {"securitySchemes": {"a": UNCALLABLE}}})
@given(documents())
def test_every_document_makes_a_profile_or_one_line(document: dict[str, Any]) -> None:
    """No document leads to a traceback, or to a profile that does not load."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "d.json"), Path(folder, "d.apiauth.toml")
        source.write_text(json.dumps(document), encoding="utf-8")
        try:
            list(discover.init(str(source), str(output)))
        except discover.DocumentError as error:
            event("refused")
            if len(str(error).splitlines()) != 1:
                raise
            return
        except ProfileError as error:
            raise AssertionError(f"{error}\n{json.dumps(document)}") from None
        assert loading.load(output).name == "d"
        assert tomllib.loads(output.read_text(encoding="utf-8"))["schema"] == 1

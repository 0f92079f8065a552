"""Input for each target, drawn by Hypothesis: good documents with a few values altered, and profiles by schema."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from . import changing
from .seeds import TEXTS, real


def _json_documents(name: str) -> list[Any]:
    return [json.loads(content) for content in real(name) if content[:1] == b"{"]


def _json(name: str) -> st.SearchStrategy[bytes]:
    drawn = changing.altered(_json_documents(name))
    return drawn.map(changing.as_json) | drawn.map(_yaml_or_json)


def _yaml_or_json(value: Any) -> bytes:
    try:
        return changing.as_yaml(value)
    except ValueError:
        return changing.as_json(value)


def _profiles() -> st.SearchStrategy[bytes]:
    from pytest_apiauth.profile.keys import declared

    whole = declared()
    made = changing.schema_values(whole, whole["$defs"])
    known = [json.loads(json.dumps(tomllib.loads(content.decode()), default=str)) for content in real("profile")]
    return (made | changing.altered(known)).map(changing.as_toml)


def _cassettes() -> st.SearchStrategy[bytes]:
    import yaml

    known = [json.loads(json.dumps(yaml.safe_load(content), default=str)) for content in real("cassette")]
    return changing.altered(known).map(_yaml_or_json)


def _text_of(words: list[str]) -> st.SearchStrategy[bytes]:
    """Draw text of words of a grammar, and others in between."""
    pieces = st.sampled_from([word.encode() for word in words] * 3 + list(TEXTS)) | st.binary(max_size=4)
    return st.lists(pieces, max_size=14).map(b"".join)


HEADER: Final = [
    "Bearer", "Basic", "Digest", " ", " ", ",", ", ", "=", '="', '"', "realm", "error", "a", "x", "\t", "\\", "*",
    "68==",
    'realm="x"', 'error="invalid_token"', "a=b", "\n",
]  # fmt: skip
DOTENV: Final = [
    "FUZZ_CLIENT", "FUZZ_URL=https://a.example\n", "=", "\n", '"', "'", "${FUZZ_CLIENT}", "export ", "#", "A",
    "${A:-", "}",
]  # fmt: skip
PEM: Final = [
    "-----BEGIN ", "-----END ", "CERTIFICATE", "PRIVATE KEY", "-----", "\n", "AAAA", "\\n", "MIIB",
    "Proc-Type: 4,ENCRYPTED",
]  # fmt: skip
STRATEGIES: Final[dict[str, Callable[[], st.SearchStrategy[bytes]]]] = {
    "profile": _profiles,
    "openapi": lambda: _json("openapi"),
    "metadata": lambda: _json("metadata"),
    "cassette": _cassettes,
    "kept": lambda: _json("kept"),
    "dotenv": lambda: _text_of(DOTENV),
    "certificate": lambda: _text_of(PEM),
    "challenge": lambda: _text_of(HEADER),
    "report": lambda: _json("report"),
}

"""Poisonous files: OpenAPI and metadata documents for `init`, and cassettes that somebody else has made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from .marks import poison

OPERATION: Final = {"responses": {"200": {"description": ""}}, "security": [{"o": []}]}
OAUTH: Final = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://id.example/t", "scopes": {}}}}
EXCHANGE: Final[dict[str, Any]] = {
    "request": {"method": "POST", "uri": "https://id.example/token", "body": "x=1", "headers": {}},
    "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
}
Made = Callable[[str], str]


def _openapi(**more: Any) -> str:
    usual = {
        "openapi": "3.1.0", "info": {"title": "Shop"}, "servers": [{"url": "https://api.example"}],
        "paths": {"/me": {"get": OPERATION}}, "components": {"securitySchemes": {"o": OAUTH}},
    }  # fmt: skip
    return json.dumps({**usual, **more})


def _flow(**more: Any) -> str:
    flows = {"clientCredentials": {"tokenUrl": "https://id.example/t", "scopes": {}, **more}}
    return _openapi(components={"securitySchemes": {"o": {"type": "oauth2", "flows": flows}}})


def _metadata(**more: Any) -> str:
    usual = {
        "issuer": "https://id.example", "token_endpoint": "https://id.example/token",
        "grant_types_supported": ["client_credentials"],
    }  # fmt: skip
    return json.dumps({**usual, **more})


def _cassette(part: str, **more: Any) -> str:
    return json.dumps({"interactions": [{**EXCHANGE, part: {**EXCHANGE[part], **more}}], "version": 1})


def _tapeable(way: str) -> str:
    """Return poison without what YAML has no escape for."""
    return poison(way).replace("\ud800", "")


DOCUMENTS: Final[Mapping[str, Made]] = {
    "title": lambda way: _openapi(info={"title": poison(way)}),
    "server": lambda way: _openapi(servers=[{"url": "https://api.example"}, {"url": f"https://{poison(way)}"}]),
    "path": lambda way: _openapi(paths={"/me": {"get": OPERATION}, f"/{poison(way)}": {"get": OPERATION}}),
    "kind": lambda way: _openapi(
        components={"securitySchemes": {"o": OAUTH, "x": {"type": poison(way)}}},
        paths={"/me": {"get": OPERATION}, "/you": {"get": {**OPERATION, "security": [{"x": []}]}}},
    ),
    "named": lambda way: _openapi(
        components={"securitySchemes": {poison(way): OAUTH}},
        paths={"/me": {"get": {**OPERATION, "security": [{poison(way): []}]}}},
    ),
    "needs": lambda way: _openapi(paths={"/me": {"get": {**OPERATION, "security": [{poison(way): []}]}}}),
    "keyname": lambda way: _openapi(
        components={"securitySchemes": {"o": {"type": "apiKey", "in": "header", "name": poison(way)}}}
    ),
    "tokenurl": lambda way: _flow(tokenUrl=f"https://{poison(way)}"),
    "scopes": lambda way: _flow(scopes={poison(way): ""}),
    "version": lambda way: _openapi(openapi=poison(way)),
    "malformed": lambda way: poison(way),
}
METADATA: Final[Mapping[str, Made]] = {
    "issuer": lambda way: _metadata(issuer=f"https://{poison(way)}"),
    "endpoint": lambda way: _metadata(token_endpoint=f"https://id.example/{poison(way)}"),
    "granttype": lambda way: _metadata(grant_types_supported=["client_credentials", poison(way)]),
    "scopelist": lambda way: _metadata(scopes_supported=[poison(way)]),
    "methods": lambda way: _metadata(token_endpoint_auth_methods_supported=[poison(way)]),
}
CASSETTES: Final[Mapping[str, Made]] = {
    "tapedmethod": lambda way: _cassette("request", method=_tapeable(way)),
    "tapeduri": lambda way: _cassette("request", uri=f"https://x.example/{_tapeable(way)}?access_token=made-up"),
    "tapedheader": lambda way: _cassette("response", headers={_tapeable(way): ["Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2"]}),
    "tapedmember": lambda way: _cassette(
        "response", body={"string": json.dumps({_tapeable(way): {"password": "Zx9Yw8Vu7Ts6"}})}
    ),
    "tapedby": lambda way: json.dumps({
        "apiauth": {"provenance": _tapeable(way), "answered_by": _tapeable(way)},
        "interactions": [EXCHANGE], "version": 1,
    }),
}  # fmt: skip

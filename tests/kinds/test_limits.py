"""What a profile cannot say: the page's table of it, and that each line of it is what a user is told."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth import discover
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.profile import loading

PAGE = Path(__file__).resolve().parents[2] / "pytest_apiauth" / "docs" / "profiles.md"
KEY = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
TOKENS = {"tokenUrl": "/token", "scopes": {}}
PROFILES = {
    "schemes.own.in: expected 'header', 'query' or 'cookie'": '[schemes.own]\nin = "body"\nname = "key"',
    "basic and bearer at once, but both travel in the header Authorization": (
        'token_url = "/token"\n[grants.password]\n[zones.all]\npath = "/"\nneeds = ["basic", "bearer"]'
    ),
    "token.bound: expected 'dpop' or 'mtls'": '[token]\nbound = "ip_address"',
    "bearer.in: expected 'header', 'query' or 'cookie'": '[bearer]\nin = ["header", "cookie"]\nname = "access"',
}
"""What a user writes, by what the user is told."""
SCHEMES: dict[str, dict[str, Any]] = {
    "a profile cannot hold a client certificate (mutual TLS) as all that a route needs": {"type": "mutualTLS"},
    "a profile cannot hold HTTP authentication of the scheme 'digest'": {"type": "http", "scheme": "digest"},
    "a profile cannot hold HTTP authentication of the scheme 'hawk' without a function of yours": {
        "type": "http", "scheme": "hawk",
    },
    "the flow 'implicit' is documented too; a profile cannot hold it": {
        "type": "oauth2", "flows": {"implicit": {"authorizationUrl": "/authorize"}, "clientCredentials": TOKENS},
    },
    "password has another token endpoint: /second": {
        "type": "oauth2", "flows": {"clientCredentials": TOKENS, "password": {"tokenUrl": "/second"}},
    },
    "refreshUrl of password is another one: /renew": {
        "type": "oauth2", "flows": {
            "clientCredentials": TOKENS | {"refreshUrl": "/again"}, "password": TOKENS | {"refreshUrl": "/renew"},
        },
    },
    "POST /me needs api_key; this is what GET needs": {"type": "http", "scheme": "bearer"},
}  # fmt: skip
"""What a document says, by what `init` says of it."""


def test_the_page_has_every_limit() -> None:
    """Each line of its table is one that is tried here, and each of these is there."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("And what you are told") :].partition("\n\n")[2].partition("\n\n")[0]

    told = [re.findall(r"`([^`]+)`", row.split(" | ")[-1])[0] for row in table.splitlines()[2:]]

    assert sorted(told) == sorted((*PROFILES, *SCHEMES))


@pytest.mark.parametrize("told", PROFILES)
def test_who_writes_it_into_a_profile_is_told(told: str, tmp_path: Path) -> None:
    """A profile that tries is refused in one line."""
    path = tmp_path / "shop.apiauth.toml"
    path.write_text(f"schema = 1\n{PROFILES[told]}\n", encoding="utf-8")

    with pytest.raises(ApiAuthError) as caught:
        loading.load(path)

    (line,) = str(caught.value).splitlines()
    assert told in line


@pytest.mark.parametrize("told", SCHEMES)
def test_whose_document_says_it_is_told(told: str, tmp_path: Path) -> None:
    """`init` writes the rest of the profile, with a remark to look at."""
    source, output = tmp_path / "shop.json", tmp_path / "shop.apiauth.toml"
    routes = {
        "/me": {"get": {"security": [{"own": []}], "responses": {}}, "post": {"security": [{"key": []}]}},
        "/items": {"get": {"security": [{"key": []}], "responses": {}}},
    }
    document = {
        "openapi": "3.1.0", "info": {"title": "Shop"}, "servers": [{"url": "https://api.shop.example"}],
        "paths": routes, "components": {"securitySchemes": {"own": SCHEMES[told], "key": KEY}},
    }  # fmt: skip
    source.write_text(json.dumps(document), encoding="utf-8")

    list(discover.init(str(source), str(output)))

    text = output.read_text(encoding="utf-8")
    assert loading.load(output).zones
    remarks = re.sub(r"\n# (?!To check)", " ", text)
    assert any(told in line for line in remarks.splitlines() if line.startswith("# To check: "))

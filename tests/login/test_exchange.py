"""``python -m pytest_apiauth token --grant token_exchange``: a token as clients get it, and another one for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.login import interactive
from pytest_apiauth.profile import loading

PROFILE = """
schema = 1
api_url = "https://shop.example"
token_url = "/token"
[credentials]
client_id = "shop-service"
client_secret = { env = "SHOP_SECRET" }
[token]
answer = { token_type = "Bearer", expires_in = 600 }
[grants.client_credentials]
[grants.token_exchange]
"""


def test_a_token_is_exchanged(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests to the token endpoint, the second with the token of the first; neither token is printed."""
    path = project / "shop.apiauth.toml"
    path.write_text(PROFILE, encoding="utf-8")
    server = Server(loading.load(path))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        path.write_text(PROFILE.replace("https://shop.example", url), encoding="utf-8")
        lines = list(interactive.obtain(str(path), grant="token_exchange"))

    assert lines[0].startswith("shop: token_exchange: an access token, good for 600 s")
    first, second = [request.body.decode() for request in server.requests]
    assert first == "grant_type=client_credentials"
    tokens = list(server._state.access)
    assert f"subject_token={tokens[0]}&" in f"{second}&"
    assert not any(token in line for token in tokens for line in lines)

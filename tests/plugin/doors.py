"""Small tests that ask for an API in every way, and profiles of APIs that are asked."""

from __future__ import annotations

from pathlib import Path

CLIENT = "def test_it(apiauth_client):\n    apiauth_client.get('/user/me')\n"
CLIENTS = f"""
import asyncio
{CLIENT}
def test_it_async(apiauth_async_client):
    asyncio.run(apiauth_async_client.get('/user/me'))
"""
EVERY_DOOR = f"{CLIENTS}def test_it_by_token(apiauth_token):\n    pass\n"
"""Three tests, each of which asks for a token in its own way."""
TOKEN_API = """
schema = 1
api_url = "URL"
token_url = "/token"
[credentials]
client_id = "shop"
client_secret = { env = "SHOP_SECRET" }
[grants.client_credentials]
[zones.user]
path = "/user/"
needs = ["bearer"]
probe = ["/user/me"]
"""
NOBODY = "http://127.0.0.1:9"
"""Nothing listens on the discard port of loopback."""


def write(text: str, name: str = "shop") -> None:
    """Write a profile into the project."""
    Path(f"{name}.apiauth.toml").write_text(text, encoding="utf-8")

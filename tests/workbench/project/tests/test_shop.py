"""The client's own tests of the shop: a key beside the token, and refresh tokens that rotate."""

from __future__ import annotations

import pytest
from acme import LoginFailed, Shop

pytestmark = pytest.mark.apiauth("shop")


@pytest.fixture
def shop(made):
    return made(Shop)


def grants(server):
    return [request.json()["grant_type"] for request in server.requests_to("token")]


def test_cards(shop):
    assert [card["label"] for card in shop.cards()] == ["Green", "Red"]


def test_token_is_renewed(shop, apiauth_server):
    for _ in range(3):
        list(shop.cards())
        apiauth_server.clock.advance(300)
    assert grants(apiauth_server) == ["password", "refresh_token", "refresh_token"]


def test_login_anew_when_the_refresh_token_is_spent(shop, apiauth_server):
    list(shop.cards())
    apiauth_server.clock.advance(300)
    apiauth_server.respond("POST", "token", json={"error": "invalid_grant"}, once=True)
    assert len(list(shop.cards())) == 2
    assert grants(apiauth_server) == ["password", "refresh_token", "password"]


def test_wrong_key(shop, monkeypatch):
    monkeypatch.setenv("SHOP_KEY", "nobody's")
    with pytest.raises(LoginFailed):
        list(shop.cards())

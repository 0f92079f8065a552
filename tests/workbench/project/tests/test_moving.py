"""From one API to the other: two servers, each with its own credentials, behind one mock."""

from __future__ import annotations

import pytest
from acme import Crm, Invalid, Shop, move_cards

pytestmark = pytest.mark.apiauth("crm", "shop")


def test_what_is_new_is_moved(made, apiauth_servers):
    added = apiauth_servers["crm"].respond("POST", "/workspaces", status=201, json={"id": 3})
    assert move_cards(made(Shop), made(Crm)) == [3]
    assert [request.json() for request in added.requests] == [{"label": "Green"}]
    assert len(apiauth_servers["shop"].requests_to("/user/cards")) == 1


def test_what_is_refused_stops_it(made, apiauth_servers):
    apiauth_servers["crm"].respond("POST", "/workspaces", status=422, json={"errors": {"label": "is too long"}})
    with pytest.raises(Invalid, match="too long"):
        move_cards(made(Shop), made(Crm))

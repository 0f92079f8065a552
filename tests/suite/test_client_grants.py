"""One client may have grants that another has not: which are used, which are refused, and what a profile says of it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, fetch_token
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Verdict
from tests.here import USUAL
from tests.suite.test_good_servers import judged

APP = {"client_id": "app", "client_secret": {"env": "APP"}}
SHOP: dict[str, Any] = {
    "schema": 1,
    "name": "shop",
    "api_url": "https://shop.example",
    "token_url": "/token",
    "standards": ["RFC 6749"],
    "credentials": {
        "client_id": "shop", "client_secret": {"env": "SECRET"}, "username": "alice", "password": {"env": "WORD"},
        "grants": ["password", "refresh_token"],
    },
    "token": {"answer": {"refresh_token": True}},
    "clients": {
        "machine": {"client_id": "machine", "client_secret": {"env": "MACHINE"}, "grants": ["client_credentials"]},
        "second": APP | {"grants": ["client_credentials"]},
        "third": APP | {"client_id": "third", "grants": ["password", "refresh_token"]},
    },
    "grants": {
        "password": {}, "client_credentials": {"client": "machine", "answer": {"refresh_token": False}},
        "refresh_token": {},
    },
    "zones": {"mine": {"path": "/mine", "needs": ["bearer"], "probe": ["/mine"]}},
}  # fmt: skip
PROFILE = Profile.model_validate(SHOP)


@pytest.mark.parametrize("part", ["default.client_credentials", "machine.password", "second.password"])
def test_a_client_gets_no_token_by_a_grant_of_others(part: str) -> None:
    """A server that binds grants to clients passes; one that does not fails."""
    assert judged("tok-client-grants", PROFILE, part).verdict is Verdict.PASS
    assert judged("tok-client-grants", PROFILE, part, faults=["grants-of-any-client"]).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("rule_id", "part"),
    [("ref-client-bound", "refresh_token"), ("tok-client-mixed", "password"), ("life-cycle", "mine")],
)
def test_rules_about_another_client_take_one_that_may(rule_id: str, part: str) -> None:
    """The second client may not refresh, so its own request is no control; the third one takes its place."""
    assert judged(rule_id, PROFILE, part).verdict is Verdict.PASS
    if rule_id == "ref-client-bound":
        assert judged(rule_id, PROFILE, part, faults=["refresh-any-client"]).verdict is Verdict.FAIL


@pytest.mark.parametrize(("client", "user"), [(None, "default"), ("default", "default"), ("machine", None)])
def test_a_client_of_the_fixtures_uses_a_grant_that_it_has(client: str | None, user: str | None) -> None:
    """Who acts as another client gets a token by the first grant which that one may use."""
    server = Server(PROFILE)
    store = TokenStore(server.clock, 30)
    someone = Authenticator(PROFILE, server.identities, store, server.redactor, client=client)

    token = fetch_token(someone, InProcess(USUAL, server.handle), server.redactor)

    issued = server._state.access[token.access_token.reveal()]
    assert (issued.client, issued.user) == (client or "default", user)


def test_a_grants_own_client_may_use_it() -> None:
    """A grant whose client does not list it is a mistake in a profile."""
    tables = {"grants": {"password": {"client": "machine"}}}

    with pytest.raises(ValueError, match=r"grants\.password: used by the client machine, whose grants do not list it"):
        Profile.model_validate(SHOP | tables)

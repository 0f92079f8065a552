"""Two names of one client, user or key are one: a rule about somebody else needs somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Verdict
from tests.faults.examining import PROFILES
from tests.suite.test_good_servers import judged

OWN = {"client_id": "shop", "client_secret": {"env": "SECRET"}, "redirect_uri": "https://app.example/callback"}
OTHER = {"client_id": "other", "client_secret": {"env": "OTHER"}, "redirect_uri": "https://other.example/callback"}
FORMER = {"username": "carol", "password": {"env": "CAROL"}}
USER = {"username": "alice", "password": {"env": "WORD"}}
OF_CLIENTS = {
    "tok-client-mixed": "password",
    "code-bound": "authorization_code",
    "ref-client-bound": "refresh_token",
    "rev-client-bound": "second",
    "device-bound": "device_code",
}
"""The rules about another client, each with the part that is judged."""
FAULTS = {
    "tok-client-mixed": "secret-of-any-client",
    "code-bound": "code-any-client",
    "ref-client-bound": "refresh-any-client",
    "rev-client-bound": "revocation-any-client",
    "device-bound": "device-any-client",
}
CAUGHT = (Verdict.FAIL, Verdict.WARNING)


def reference(**changes: Any) -> Profile:
    """Return the reference profile with credentials that are written out, and with changes."""
    own = PROFILES["reference"].credentials.model_dump(exclude_unset=True) | OWN | USER
    return PROFILES["reference"].replaced(**{"credentials": own, **changes})


@pytest.mark.parametrize("rule_id", OF_CLIENTS)
def test_the_first_client_under_another_name_is_no_other(rule_id: str) -> None:
    """A server that takes for the second client what is the first one's is right if the two are one."""
    outcome = judged(rule_id, reference(clients={"second": OWN, "special": OWN}), OF_CLIENTS[rule_id])

    assert outcome.verdict is Verdict.SKIP
    assert "every one of [clients] has the client_id of default, so none is another" in outcome.reason


@pytest.mark.parametrize("rule_id", OF_CLIENTS)
def test_another_client_is_found_by_whatever_name(rule_id: str) -> None:
    """Of several clients the first that is another one takes part, and what is wrong with it is found."""
    profile = reference(clients={"second": OWN, "special": OWN, "mobile": OTHER})

    assert judged(rule_id, profile, OF_CLIENTS[rule_id]).verdict is Verdict.PASS
    assert judged(rule_id, profile, OF_CLIENTS[rule_id], faults=[FAULTS[rule_id]]).verdict in CAUGHT


def test_a_secret_that_two_clients_share_is_no_others() -> None:
    """Two clients with one secret: with the other's secret the first one proves itself."""
    clients = {"second": OTHER | {"client_secret": OWN["client_secret"]}}

    outcome = judged("tok-client-mixed", reference(clients=clients), "password")

    assert outcome.verdict is Verdict.SKIP
    assert outcome.reason == "the client second has the secret of default, so neither is another's"


@pytest.mark.parametrize("rule_id", ["ref-client-bound", "code-bound", "device-bound"])
def test_a_grants_own_client_is_no_other(rule_id: str) -> None:
    """Where the second client is the one that uses the grant, nobody else is left."""
    grants = {
        name: row.model_dump(exclude_unset=True) | {"client": "second"}
        for name, row in PROFILES["reference"].grants.items()
    }
    profile = reference(clients={"second": OTHER, "special": OTHER}, grants=grants)

    assert judged(rule_id, profile, OF_CLIENTS[rule_id]).verdict is Verdict.SKIP


@pytest.mark.parametrize("rule_id", ["ref-success", "ref-client-auth", "rev-effective", "ref-rotation"])
def test_what_renews_a_token_is_the_client_that_got_it(rule_id: str) -> None:
    """A refresh table without a client of its own means the client of the grant that gave the refresh token."""
    grants = {name: row.model_dump(exclude_unset=True) for name, row in PROFILES["reference"].grants.items()}
    grants["password"]["client"] = "mobile"
    profile = reference(clients={"second": OWN, "special": OWN, "mobile": OTHER}, grants=grants)

    assert judged(rule_id, profile, "refresh_token").verdict is Verdict.PASS


@pytest.mark.parametrize("zone", ["user", "basic"])
def test_the_first_user_under_another_name_is_no_other(zone: str) -> None:
    """Who asks twice is the same user twice, whatever the profile calls them."""
    assert judged("zone-identity", reference(users={"second": USER, "former": FORMER}), zone).verdict is Verdict.SKIP
    other = {"username": "bob", "password": {"env": "BOB"}}
    profile = reference(users={"second": USER, "third": other, "former": FORMER})
    assert judged("zone-identity", profile, zone).verdict is Verdict.PASS
    if zone == "user":
        assert judged("zone-identity", profile, zone, faults=["identity-mixed"]).verdict in CAUGHT


def test_the_first_key_under_another_name_is_bound_to_nothing() -> None:
    """A key that is documented as bound, and is the default one by its value, opens what the default one opens."""
    keys = {"second": {"api_key": {"env": "REFERENCE_API_KEY"}, "denied": ["/keyed/items/1"]}}

    outcome = judged("key-bound", reference(keys=keys), "second")

    assert outcome.verdict is Verdict.SKIP
    assert outcome.reason == "the key second is the default one, by its value"


def test_a_client_is_bound_where_its_tokens_open_something() -> None:
    """A refusal says nothing of a client whose tokens open no zone, or that is the default one by its value."""
    machine = {**OTHER, "grants": ["client_credentials"], "denied": ["/user/me/orders"]}

    assert judged("client-bound", reference(clients={"machine": machine}), "machine").verdict is Verdict.PASS
    elsewhere = judged(
        "client-bound", reference(clients={"machine": {**machine, "denied": ["/user", "/both"]}}), "machine"
    )
    assert (elsewhere.verdict, "opens anything here" in elsewhere.reason) == (Verdict.SKIP, True)
    same = judged("client-bound", reference(clients={"machine": {**OWN, "denied": ["/user/me/orders"]}}), "machine")
    assert (same.verdict, same.reason) == (Verdict.SKIP, "the client machine is the default one, by its value")

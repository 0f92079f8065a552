"""What a user of the API tests: the clients have got their tokens by codes."""

import conftest


def test_alice(apiauth_client):
    assert apiauth_client.get("/user/me").json()["user"] == "alice"


def test_bob(apiauth_client_factory):
    assert apiauth_client_factory(user="second").get("/user/me").json()["user"] == "bob"


def test_each_has_logged_in_once():
    assert sorted(conftest.LOGINS) == ["alice", "bob"]

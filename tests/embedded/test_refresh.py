"""Refreshing (RFC 6749 6): what is given, to whom, and what becomes of the old token."""

from __future__ import annotations

import pytest

from tests.embedded.caller import Caller, swapped
from tests.embedded.test_token_endpoint import error_of

CLIENT = {"dastra": "authorization_code", "jindexe": "password", "harbour": "password"}


def refresh_token(caller: Caller, client: str = "default") -> str:
    """Get a refresh token in the way the profile has for it."""
    token = caller.token(CLIENT[caller.profile.name], client)["refresh_token"]
    assert isinstance(token, str)
    return token


def works(caller: Caller, access_token: str) -> bool:
    """Whether an access token opens the zone that needs one."""
    zone = next(zone for zone in reversed(caller.profile.zones.values()) if "bearer" in zone.kinds)
    key = caller.key() if caller.profile.api_key else None
    return caller.get(zone.probe[0], token=access_token, key=key).status == 200


@pytest.mark.parametrize("name", CLIENT)
def test_refresh(name: str) -> None:
    """A refresh gives a new access token that works; the old one lives on."""
    caller = Caller(name)
    first = caller.token(CLIENT[name])

    second = caller.token("refresh_token", refresh_token=first["refresh_token"])

    assert first["access_token"] != second["access_token"]
    assert works(caller, second["access_token"])
    assert works(caller, first["access_token"])


def test_new_token_keeps_the_old_one() -> None:
    """With rotation new-token a new refresh token comes, and the old one stays usable (JI-15)."""
    caller = Caller("jindexe")
    old = refresh_token(caller)

    new = caller.token("refresh_token", refresh_token=old)["refresh_token"]

    assert old != new
    assert caller.ask("refresh_token", refresh_token=old).status == 200
    assert caller.ask("refresh_token", refresh_token=new).status == 200


def test_old_dies_and_takes_its_family_along() -> None:
    """With rotation old-dies the reuse of an old token ends everything that stems from it, and nothing else."""
    caller = Caller("harbour")
    bystander = caller.token("password")
    first = caller.token("password")
    second = caller.token("refresh_token", refresh_token=first["refresh_token"])

    reused = caller.ask("refresh_token", refresh_token=first["refresh_token"])

    assert error_of(reused) == (400, "invalid_grant")
    assert error_of(caller.ask("refresh_token", refresh_token=second["refresh_token"])) == (400, "invalid_grant")
    assert not works(caller, first["access_token"])
    assert not works(caller, second["access_token"])
    assert works(caller, bystander["access_token"])


def test_no_rotation() -> None:
    """Where nothing is promised, the token stays and is not answered again."""
    caller = Caller("dastra")
    token = refresh_token(caller)

    assert "refresh_token" not in caller.token("refresh_token", refresh_token=token)
    assert caller.ask("refresh_token", refresh_token=token).status == 200


@pytest.mark.parametrize("name", CLIENT)
def test_near_misses(name: str) -> None:
    """A near miss of a refresh token is none, nor is an access token; a refused try leaves the good one good."""
    caller = Caller(name)
    answer = caller.token(CLIENT[name])
    good = answer["refresh_token"]
    bad = (swapped(good), good[:-1], good + "A", good.lower(), answer["access_token"], "garbage", "x" * 7000)

    assert {(400, "invalid_grant")} == {error_of(caller.ask("refresh_token", refresh_token=value)) for value in bad}
    assert error_of(caller.ask("refresh_token")) == (400, "invalid_request")
    assert caller.ask("refresh_token", refresh_token=good).status == 200


@pytest.mark.parametrize("name", ["dastra", "harbour"])
def test_bound_to_the_client(name: str) -> None:
    """A refresh token works for the client it was given to, which must prove itself."""
    caller = Caller(name)
    token = refresh_token(caller)

    foreign = caller.ask("refresh_token", "second", refresh_token=token)
    nobody = caller.send(caller.parameters("refresh_token", client=None, refresh_token=token), {})

    assert error_of(foreign) == (400, "invalid_grant")
    assert error_of(nobody) == (401, "invalid_client")
    assert caller.ask("refresh_token", refresh_token=token).status == 200


def test_scope_may_shrink_and_never_widen() -> None:
    """A refresh may ask for less than was granted, not for more; asking for less once is not for ever."""
    caller = Caller("harbour")
    wide = caller.token("password", scope="read write")["refresh_token"]
    narrow = caller.token("password", scope="read")["refresh_token"]

    answer = caller.token("refresh_token", refresh_token=wide, scope="read")

    assert answer["scope"] == "read"
    assert caller.token("refresh_token", refresh_token=answer["refresh_token"], scope=None)["scope"] == "read write"
    assert error_of(caller.ask("refresh_token", refresh_token=narrow, scope="read write")) == (400, "invalid_scope")


def test_lifetime() -> None:
    """A refresh token outlives the access token and ends in its own time (JI-13: 200 days)."""
    caller = Caller("jindexe")
    answer = caller.token()
    caller.server.expire()
    after_expiry = caller.ask("refresh_token", refresh_token=answer["refresh_token"]).status
    caller.server.clock.advance(200 * 86400)

    assert after_expiry == 200
    assert not works(caller, answer["access_token"])
    assert error_of(caller.ask("refresh_token", refresh_token=answer["refresh_token"])) == (400, "invalid_grant")


def test_seeded_refresh_token() -> None:
    """A refresh token that the profile references works, and only for the client of the interactive grant."""
    caller = Caller("dastra")
    token = caller.server.environment["DASTRA_REFRESH_TOKEN"]

    assert works(caller, caller.token("refresh_token", refresh_token=token)["access_token"])
    assert caller.ask("refresh_token", "second", refresh_token=token).status == 400


def test_revoked() -> None:
    """A revoked refresh token is refused."""
    caller = Caller("jindexe")
    token = refresh_token(caller)
    caller.server.revoke(token)

    assert error_of(caller.ask("refresh_token", refresh_token=token)) == (400, "invalid_grant")


def test_user_survives() -> None:
    """A refreshed token acts as the same user."""
    caller = Caller("jindexe")
    username, password = caller.user("second")
    token = caller.token(username=username, password=password)["refresh_token"]
    access = caller.token("refresh_token", refresh_token=token)["access_token"]

    body = caller.get("/user/me", token=access, key=caller.key()).json()

    assert isinstance(body, dict)
    assert username == body["user"]

"""What becomes of a token request on the wire of a login that is not OAuth's, and what is read of its answer."""

from __future__ import annotations

import pytest

from pytest_apiauth.auth import shell
from pytest_apiauth.auth.layouts import Layout
from pytest_apiauth.auth.requests import logout_request, token_request
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.messages import Response
from pytest_apiauth.profile.login_requests import LoginRequest
from pytest_apiauth.profile.model import Profile
from tests.faults.examining import PROFILES

VALUES = {
    Ref(Role.USERNAME): "alice",
    Ref(Role.PASSWORD): 'pass"word',
    Ref(Role.REFRESH_TOKEN): "r1",
    Ref(Role.ACCESS_TOKEN): "a1",
}


def test_members_go_to_their_places() -> None:
    """A login, a renewal and a log-out are written as the tables say; the curl line sends the same."""
    login = token_request(PROFILES["login"], "password")
    renewal = token_request(PROFILES["login"], "refresh_token")
    logout = logout_request(PROFILES["login"], {"access_token": Ref(Role.ACCESS_TOKEN)})

    assert login.request(VALUES).json() == {"user": {"email": "alice", "password": 'pass"word'}, "remember": True}
    assert renewal.request(VALUES).header("cookie") == "refresh=r1"
    assert renewal.request(VALUES).body == b""
    sent = logout.request(VALUES)
    assert (sent.method, sent.header("authorization")) == ("DELETE", "Token a1")
    assert '"user": {"email": ${USERNAME json}, "password": ${PASSWORD json}}' in shell.curl(login, VALUES)


def test_what_is_altered_is_altered_there() -> None:
    """A member that is set, or taken away, is so under the name that it has on the wire, and nothing else changes."""
    login = token_request(PROFILES["login"], "password")

    assert login.omitting("password").request(VALUES).json() == {"user": {"email": "alice"}, "remember": True}
    changed = login.setting("password", [1]).setting("more", "x").request(VALUES).json()
    assert changed == {"user": {"email": "alice", "password": [1]}, "remember": True, "more": "x"}
    assert login.spelt("username") == "email"


def test_basic_carries_the_user() -> None:
    """With ``basic`` a login has the user's name and password where HTTP Basic has them."""
    profile = Profile.model_validate({"schema": 1, "login_request": {"url": "/login", "basic": True}})

    request = token_request(profile, "password").request(VALUES)

    assert request.header("authorization") == "Basic YWxpY2U6cGFzcyJ3b3Jk"
    assert token_request(profile, "password").omitting("username", "password").request(VALUES).headers == (
        ("Accept", "application/json"),
    )


@pytest.mark.parametrize(
    ("place", "response", "token"),
    [
        ("token", Response(200, (), b'{"token": "t1"}'), "t1"),
        ("data.token", Response(200, (), b'{"data": {"token": "t1"}}'), "t1"),
        ("data.token", Response(200, (), b'{"data": "none"}'), None),
        ("token", Response(401, (), b"<html>"), None),
        ("key", Response(200, (), b'{"access_token": "another"}'), None),
        ({"header": "Authorization"}, Response(200, (("Authorization", "Bearer t1"),), b""), "t1"),
        (
            {"cookie": "sid"},
            Response(204, (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "sid=t1; Secure")), b""),
            "t1",
        ),
        ({"cookie": "sid"}, Response(204, (("Set-Cookie", 'sid=""; Max-Age=0'),), b""), None),
    ],
)
def test_the_token_is_read_where_it_is(place: object, response: Response, token: str | None) -> None:
    """A token is found in a member, in a header or in a cookie, and nowhere else."""
    table = {"json": {"p": "{password}"}, "access_token": place}

    assert Layout(LoginRequest.model_validate(table)).read(response).get("access_token") == token

"""What is wrong with ``[login]``, each in one line that names the key."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile.loading import explained
from pytest_apiauth.profile.model import Profile

CODES = {"authorize_url": "/authorize", "grants": {"authorization_code": {}}}


def profile_of(login: object, **keys: Any) -> Profile:
    """Read a profile with a login."""
    table = {"schema": 1, "name": "shop", "api_url": "https://shop.example", "token_url": "/token", **CODES, **keys}
    with explained("shop"):
        return Profile.model_validate({**table, "login": login})


@pytest.mark.parametrize(
    ("login", "line"),
    [
        ({"cookie": "a", "header": "b"}, "shop: login: cookie and header are two ways; name one"),
        ({"callable": "log_in"}, "shop: login: callable: expected \"module:function\", got 'log_in'"),
        (
            {"callable": "tests.login:log_in", "buttons": ["Go"]},
            "shop: login: buttons does not go with callable, which fills in the pages by itself",
        ),
        ({"cookie": "a b"}, "shop: login: cookie: expected the name of a cookie"),
        ({"origins": ["login.example"]}, "shop: login: origins: expected origins such as https://login.example.org"),
        ({"origins": ["https://a.example/x"]}, "shop: login: origins: expected origins such as https://login.example.org"),
        ({"button": "Go"}, "shop: login.button: unknown key (did you mean 'buttons'?)"),
        ({"fields": {"a": 1}}, "shop: login.fields.a: expected text"),
        (
            {"origins": ["http://a.example"]},
            "shop: login.origins: http://a.example would be sent passwords in clear; use https, or list the host in"
            " insecure_hosts",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(login: dict[str, Any], line: str) -> None:
    """A mistake names the key, what was expected and what to do."""
    with pytest.raises(ProfileError) as error:
        profile_of(login)

    assert str(error.value) == line


def test_a_login_is_for_codes() -> None:
    """A profile without authorization_code and device_code has nobody to log in."""
    with pytest.raises(ProfileError, match="login: a script for the grants authorization_code and device_code, and"):
        profile_of({}, grants={"client_credentials": {}})
    device = profile_of({"user_code": "otc"}, grants={"device_code": {}}, device_authorization_url="/device")
    assert device.login is not None


def test_its_origins_are_the_profiles() -> None:
    """The pages of the login are places that credentials may go to."""
    profile = profile_of({"origins": ["https://id.example:8443"]})

    assert sorted(map(str, profile.origins)) == ["https://id.example:8443", "https://shop.example"]


def test_a_session_is_a_reference() -> None:
    """A session is a secret, and so never written out."""
    with pytest.raises(ProfileError, match=r"credentials\.session: write where the secret is, never the secret"):
        profile_of({"cookie": "sid"}, credentials={"session": "0123456789"})

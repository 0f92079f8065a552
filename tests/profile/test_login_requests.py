"""The tables for logins that are not OAuth's, and what a profile is by them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_apiauth.profile.model import Profile

LOGIN = {"url": "/login", "json": {"name": "{username}", "word": "{password}"}, "access_token": "token"}
RENEWAL = {"url": "/renew", "headers": {"Authorization": "Bearer {refresh_token}"}, "access_token": "token"}


def profile(**tables: Any) -> Profile:
    """Read a profile with a login."""
    return Profile.model_validate({"schema": 1, "name": "shop", "login_request": LOGIN, **tables})


def test_a_login_stands_for_the_password_grant() -> None:
    """What the tables say is where the endpoints, the grants and the promises of an answer are looked for too."""
    found = profile(
        refresh_request={**RENEWAL, "refresh_token": {"cookie": "next"}},
        logout_request={"url": "/logout", "json": {"word": "{access_token}"}},
    )

    assert list(found.grants) == ["password", "refresh_token"]
    assert (found.token_url, found.refresh_url, found.revocation_url) == ("/login", "/renew", "/logout")
    assert (found.answer_of("password").refresh_token, found.answer_of("refresh_token").refresh_token) == (False, True)
    assert (found.token.client_auth, found.is_oauth, found.usual_grant) == ("none", False, "password")
    assert {"word", "token", "next"} <= set(found.login_secrets)
    assert found.replaced(name="other").replaced(token_url="/there").token_url == "/there"


def test_an_oauth_profile_stays_one() -> None:
    """Without a login of its own, tokens are renewed where they are asked for."""
    found = Profile(schema=1, token_url="/token")

    assert found.is_oauth
    assert found.refresh_endpoint == found.token_endpoint
    assert Profile(schema=1, token_url="/token", refresh_url="/renew").refresh_endpoint == "https://api.example/renew"


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"login_request": {"url": "/login", "json": {"name": "{username}"}}}, "a login says {password}"),
        ({"login_request": {**LOGIN, "basic": True}}, "a login says {password}"),
        ({"login_request": {**LOGIN, "form": {"word": "{password}"}}}, "json and form are two bodies"),
        ({"login_request": {**LOGIN, "json": {"word": "{passwort}"}}}, "{passwort} stands for nothing here"),
        ({"login_request": {**LOGIN, "headers": {"X Y": "{password}"}}}, "expected names of headers and cookies"),
        ({"login_request": {**LOGIN, "access_token": {"cookie": "a", "header": "b"}}}, "name one place"),
        ({"login_request": {**LOGIN, "access_token": "data..token"}}, "expected a member such as access"),
        ({"login_request": {key: LOGIN[key] for key in ("json",)}}, "login_request.url: needed"),
        ({"refresh_request": {**RENEWAL, "headers": {}}}, "say where {refresh_token} travels"),
        ({"refresh_request": {**RENEWAL, "url": "/login"}}, "another one than login_request.url"),
        ({"logout_request": {"url": "/logout"}}, "say where {access_token} or {refresh_token} travels"),
        ({"logout_request": {"json": {"word": "{access_token}"}}}, "logout_request.url: needed"),
        ({"login_request": None, "refresh_request": RENEWAL}, "refresh_request: belongs to a [login_request]"),
        ({"token_url": "/other"}, "login_request.url: another one than token_url"),
        ({"login_request": {**LOGIN, "url": "login"}}, "login_request.url: expected an absolute URL, or a path"),
        ({"grants": {"client_credentials": {}}}, "grants.client_credentials: a grant of OAuth"),
        ({"grants": {"refresh_token": {}}}, "grants.refresh_token: needs a [refresh_request]"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tables: dict[str, Any], words: str) -> None:
    """What is wrong with a table is said in one line."""
    with pytest.raises(ValueError, match=re.escape(words)):
        profile(**tables)

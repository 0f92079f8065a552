"""The fixtures that are there to be overridden or parametrized: who acts, who logs in, how the embedded server is.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_apiauth.plugin.wanted import Names

if TYPE_CHECKING:
    from pytest_apiauth.auth.ways import LogIn


@pytest.fixture(scope="session")
def apiauth_credentials() -> Mapping[str, Any]:
    """Client, user and key of the app in this process, by profile key; override it in the project's conftest.

    ``{"api_key": …, "users.second.password": …}``, flat or nested. What is not given comes from where the profile
    says. Nothing asks for it but a run of a profile that names an ``app``.

    Example::

        @pytest.fixture(scope="session")
        def apiauth_credentials(shop_database):
            return {"client_id": "tests", "client_secret": shop_database.secret_of("tests")}
    """
    return {}


@pytest.fixture(scope="session")
def apiauth_login() -> LogIn | None:
    """Who logs in where a code or a device takes a person, in live runs and for an app in this process; override it.

    A function that is given the URL of an authorization request and the user, a ``UserIdentity``, and returns the URL
    that the browser ended at, with the code in it; None leaves it to ``[login]`` in the profile. For a device the URL
    is that of its page, and a function with an argument ``user_code`` is given the code to enter there. A browser that
    the fixture holds serves the whole run; each user needs a context of their own in it.

    Example::

        @pytest.fixture(scope="session")
        def apiauth_login(browser):  # of pytest-playwright
            def log_in(url, user):
                with browser.new_context() as context:
                    page = context.new_page()
                    page.goto(url)
                    page.get_by_label("Name").fill(user.username)
                    page.get_by_label("Password").fill(user.password.reveal())
                    with page.expect_request("https://app.shop.example/callback*") as ended:
                        page.get_by_role("button", name="Log in").click()
                    return ended.value.url

            return log_in
    """
    return None


@pytest.fixture(scope="session")
def apiauth_variant() -> Names:
    """The variant of a test's embedded server, or a list of them; None leaves it to the mark. Yours to parametrize.

    ::

        @pytest.mark.parametrize("apiauth_variant", ["jwt-tokens", "token-type-lower-case"])
        def test_survives(apiauth_mock):
            assert shop.Client().workspaces()
    """
    return None


@pytest.fixture(scope="session")
def apiauth_fault() -> Names:
    """The fault of a test's embedded server, or a list of them; None leaves it to the mark. Yours to parametrize.

    ::

        @pytest.mark.parametrize("apiauth_fault", ["expires-in-text", "token-type-missing"])
        def test_says_what_is_wrong(apiauth_mock):
            with pytest.raises(shop.TokenError):
                shop.Client().workspaces()
    """
    return None

"""Pages: what good servers ask people before they give a code, and when."""

from __future__ import annotations

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import variant


@variant(
    "login-pages", "people log in and consent on pages before there is a code, with forms that belong to a session"
)
class PagesToLogInAt(Policy):
    consents = False


@variant(
    "login-before-errors", "who has no session is asked to log in before anything else of the request is looked at"
)
class LoginBeforeErrors(Policy):
    consents = False
    asks_first = True

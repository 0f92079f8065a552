"""Clients of live tests that log in by a script: its forms leave, and nothing else that changes anything."""

from __future__ import annotations

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL
from tests.http.trap import call
from tests.login.test_device_script import SCRIPTED as DEVICE
from tests.login.test_script import SCRIPTED as CODES

PUSHED = CODES.replaced(token={"grant": "authorization_code", "scope": "read"}, pushed_authorization_request_url="/par")
BY_CODES = CODES.replaced(token={"grant": "authorization_code", "scope": "read"})


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("profile", [BY_CODES, PUSHED, DEVICE], ids=["codes", "pushed", "device"])
def test_the_forms_of_a_login_are_sent(profile: Profile, is_async: bool) -> None:
    """A login's forms and a device's request are POST, and leave where a test may only read; its own POST does not."""
    target = EmbeddedTarget.build(profile, redactor=Redactor(), library=USUAL, faults=(), variants=["login-pages"])
    user = Authenticator(
        target.profile, target.identities, target.store(("", "", "")), target.redactor, person=target.person
    )

    def called(method: str) -> Exception | None:
        return call(
            is_async, target.profile, target.connector, target.redactor, lambda client: client.request(method, "/me"),
            authenticator=user, allow_unsafe=False,
        )  # fmt: skip

    assert called("GET") is None
    assert isinstance(called("POST"), GuardError)
    asked = [request.path.rpartition("/")[2] for request in target.server.requests if request.method == "POST"]
    assert {"login", "consent"} <= set(asked)
    assert target.server._state.access

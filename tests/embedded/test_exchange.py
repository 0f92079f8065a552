"""Token exchange at the embedded server: whose token it is, what is taken for one, and what is said of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "reference.apiauth.toml")
TYPE = "urn:ietf:params:oauth:token-type:access_token"


class Service:
    """A service that has got a token of a user, and wants one of its own for that user."""

    def __init__(self) -> None:
        self.server = Server(PROFILE)
        known = self.server.environment
        pair = f"{known['REFERENCE_CLIENT_ID']}:{known['REFERENCE_CLIENT_SECRET']}"
        self.basic = "Basic " + base64.b64encode(pair.encode()).decode()
        self.subject = self.server.issue(grant="password").reveal()

    def exchange(self, **parameters: str) -> tuple[int, dict[str, Any]]:
        """Exchange the user's token; gives the status and the members of the answer."""
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": self.subject,
            "subject_token_type": TYPE,
        }
        body = urlencode({name: value for name, value in {**asked, **parameters}.items() if value}).encode()
        lines = (("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", self.basic))
        answer = self.server.handle(Request("POST", PROFILE.token_endpoint, lines, body))
        return answer.status, json.loads(answer.body)

    def who(self, token: str) -> str:
        """Return whom a token stands for at a resource."""
        lines = (("Authorization", f"Bearer {token}"),)
        return str(self.server.handle(Request("GET", PROFILE.url("/user/me"), lines)).json()["user"])  # type: ignore[index]


def test_the_new_token_stands_for_the_same_user() -> None:
    """The answer has another token of the same person, and says of which type it is (RFC 8693 2.2.1)."""
    service = Service()
    status, members = service.exchange()

    assert (status, members["issued_token_type"]) == (200, TYPE)
    assert members["access_token"] != service.subject
    assert service.who(members["access_token"]) == service.who(service.subject)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject_token": ""},
        {"subject_token": "apiauth-no-such-token"},
        {"subject_token_type": ""},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
def test_what_is_no_token_is_an_invalid_request(wrong: dict[str, str]) -> None:
    """Whatever is wrong with the subject token, the error is the same (RFC 8693 2.2.2)."""
    status, members = Service().exchange(**wrong)

    assert (status, members["error"]) == (400, "invalid_request")


def test_a_token_that_has_ended_is_exchanged_no_more() -> None:
    """Neither after its lifetime nor after its revocation."""
    expired, revoked = Service(), Service()
    expired.server.clock.advance(4000)
    revoked.server.revoke(Secret(revoked.subject, "subject_token"))

    assert [service.exchange()[1]["error"] for service in (expired, revoked)] == ["invalid_request"] * 2

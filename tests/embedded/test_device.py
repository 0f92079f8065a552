"""The device authorization grant at the embedded server: codes, the page, and what a device that asks is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "device.apiauth.toml")
BEGINNING = PROFILE.beginning_of("device_code")
URN = "urn:ietf:params:oauth:grant-type:device_code"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


class Device:
    """A device and the person who owns it."""

    def __init__(self) -> None:
        self.server = Server(PROFILE)
        self.client_id = self.server.environment["DEVICE_CLIENT_ID"]

    def post(self, url: str, **parameters: str) -> Response:
        """Send a form."""
        return self.server.handle(Request("POST", url, FORM, urlencode(parameters).encode()))

    def ask(self, **parameters: str) -> Response:
        """Ask for a pair of codes."""
        return self.post(BEGINNING, **{"client_id": self.client_id, **parameters})

    def poll(self, code: str, **parameters: str) -> tuple[int, Any]:
        """Ask for the token; gives the status, and the error or the token."""
        asked = {"grant_type": URN, "device_code": code, "client_id": self.client_id, **parameters}
        answer = self.post(PROFILE.token_endpoint, **asked)
        members = json.loads(answer.body)
        return answer.status, members.get("error", members.get("access_token"))

    def enter(self, told: dict[str, Any]) -> int:
        """Open the page with the code in it."""
        return self.server.handle(Request("GET", told["verification_uri_complete"])).status


@pytest.fixture
def device() -> Device:
    """Have a device."""
    return Device()


def test_a_device_is_told_what_it_needs(device: Device) -> None:
    """Members and header fields are those of RFC 8628 3.2."""
    answer = device.ask()
    told = json.loads(answer.body)

    assert (answer.status, answer.media_type, answer.header("cache-control")) == (200, "application/json", "no-store")
    assert told["verification_uri_complete"] == f"{told['verification_uri']}?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"], len(told["user_code"])) == (1800, 5, 9)
    assert len(told["device_code"]) == 44
    assert json.loads(device.ask().body)["user_code"] != told["user_code"]


def test_the_token_comes_with_consent_and_once(device: Device) -> None:
    """A device waits until somebody has entered the code; after the token its code is dead."""
    told = json.loads(device.ask(scope="read").body)
    code = told["device_code"]

    assert device.poll(code) == (400, "authorization_pending")
    assert device.poll(code) == (400, "slow_down")
    device.server.clock.advance(5)
    assert device.poll(code) == (400, "authorization_pending")
    assert device.enter(told) == 200
    status, token = device.poll(code)
    assert status == 200
    bearer = (("Authorization", f"Bearer {token}"),)
    assert device.server.handle(Request("GET", f"{PROFILE.base_url}/me", bearer)).status == 200
    assert device.poll(code) == (400, "invalid_grant")


def test_a_device_code_ends(device: Device) -> None:
    """After its lifetime a code gives no token, whoever has consented."""
    told = json.loads(device.ask().body)
    device.enter(told)
    device.server.clock.advance(1800)

    assert device.poll(told["device_code"]) == (400, "expired_token")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"device_code": "unknown"}, (400, "invalid_grant")),
        ({"device_code": ""}, (400, "invalid_request")),
        ({"grant_type": "device_code"}, (400, "unsupported_grant_type")),
        ({"client_id": "nobody"}, (401, "invalid_client")),
        ({"client_id": "SECOND"}, (400, "invalid_grant")),
    ],
)
def test_what_is_wrong_is_refused(device: Device, changes: dict[str, str], error: tuple[int, str]) -> None:
    """Another code, another client, and the grant by its short name get no token."""
    told = json.loads(device.ask().body)
    device.enter(told)
    if changes.get("client_id") == "SECOND":
        second = device.server.identities.client("second").client_id
        assert second is not None
        changes = {"client_id": second}

    assert device.poll(**{"code": told["device_code"], **changes}) == error


def test_nobody_gets_no_code(device: Device) -> None:
    """A client that says not who it is, or is not known, gets no codes; nor does another method."""
    assert device.ask(client_id="").status == 400
    assert device.ask(client_id="nobody").status == 401
    assert device.server.handle(Request("GET", BEGINNING)).status == 405
    assert device.enter({"verification_uri_complete": f"{PROFILE.beginning_of('device_code')}/verify"}) == 404


def test_metadata_name_the_endpoint_and_the_grant(device: Device) -> None:
    """What is published has the names of RFC 8628 4 and 3.4."""
    found = json.loads(device.server.handle(Request("GET", str(PROFILE.metadata_url))).body)

    assert found["device_authorization_endpoint"] == BEGINNING
    assert found["grant_types_supported"] == [URN, "refresh_token"]

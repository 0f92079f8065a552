"""What is polled for: what can be read of an answer, how long to wait, and a client whose person has consented."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth import polling
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.polling import read_begun, wait_after
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import TokenError
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from tests.here import USUAL

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "device.apiauth.toml")
BEGINNING = PROFILE.beginning_of("device_code")
TOLD = {
    "device_code": "the-device-code-itself",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://id.example/device",
    "expires_in": 900,
}


def answered(members: object, status: int = 200) -> Response:
    """Return an answer in JSON."""
    return Response(status, (("Content-Type", "application/json"),), json.dumps(members).encode())


def test_an_answer_is_read_with_what_it_leaves_open() -> None:
    """Without an interval five seconds are meant (RFC 8628 3.2); what cannot be used is passed over."""
    redactor = Redactor()
    answer = answered({**TOLD, "verification_uri_complete": "no URL", "interval": True})
    told = read_begun(PROFILE, "device_code", answer, redactor)

    assert (told.user_code, told.expires_in, told.interval, told.verification_uri_complete) == (
        "WDJB-MJHT", 900, 5, None,
    )  # fmt: skip
    assert "the-device-code-itself" not in redactor.redact("the-device-code-itself")
    assert "the-device-code-itself" not in repr(told)


def test_half_a_letter_is_none() -> None:
    """A lone surrogate, which no request can carry, is read as the letter for what is no letter; a pair is a letter."""
    body = json.dumps({**TOLD, "user_code": "a\U0001f600", "device_code": "CODE"})
    told = [
        read_begun(PROFILE, "device_code", Response(200, (), body.replace("CODE", code).encode()), Redactor())
        for code in (r"a\ud800b", r"a\udc00\uD83D", r"a\\\\ud800")
    ]

    assert [each.code.reveal() for each in told] == ["a\ufffdb", "a\ufffd\ufffd", r"a\\ud800"]
    assert told[0].user_code == "a\U0001f600"


@pytest.mark.parametrize(
    ("said", "interval", "life"),
    [
        ("1e-10", 1, 1e-10),
        ("0", 5, 86400),
        ("-1", 5, 86400),
        ("NaN", 5, 86400),
        ("1e999", 5, 86400),
        ("9" * 4000, 300, 86400),
        ("1e308", 300, 86400),
    ],
)
def test_no_number_makes_a_device_ask_without_a_pause(said: str, interval: float, life: float) -> None:
    """Whatever number a server names, a device waits for a second at least, and for five minutes at most."""
    body = json.dumps({**TOLD, "interval": 7, "expires_in": 8}).replace(" 7", said).replace(" 8", said)
    told = read_begun(PROFILE, "device_code", Response(200, (), body.encode()), Redactor())

    assert (told.interval, told.expires_in) == (interval, life)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answered({"error": "invalid_client"}, 401), "expected a device code, got status 401, invalid_client"),
        (answered([]), "expected a device code, got status 200"),
        (answered({**TOLD, "user_code": None}), "expected user_code to be a text that is not empty, got NoneType"),
        (answered({**TOLD, "device_code": ""}), "expected device_code to be a text that is not empty"),
        (answered({**TOLD, "verification_uri": "/device"}), "expected verification_uri to be a URL"),
    ],
)
def test_what_cannot_be_used_is_one_line(answer: Response, words: str) -> None:
    """An error names the profile, the endpoint and what is wrong, and never the code."""
    with pytest.raises(TokenError) as caught:
        read_begun(PROFILE, "device_code", answer, Redactor())

    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"device: {PROFILE.beginning_of('device_code')}: {words}")
    assert "itself" not in line


@pytest.mark.parametrize(
    ("answer", "interval"),
    [
        (answered({"error": "authorization_pending"}, 400), 7),
        (answered({"error": "slow_down"}, 400), 12),
        (answered({"error": "access_denied"}, 400), None),
        (answered({"access_token": "t", "error": "slow_down"}), None),
        (Response(500), None),
    ],
)
def test_how_long_a_device_waits(answer: Response, interval: float | None) -> None:
    """Five seconds more for each slow_down; any other answer is the last (RFC 8628 3.5)."""
    assert wait_after(answer, 7) == interval


def test_examples_are_true() -> None:
    """What the example shows is what comes."""
    assert doctest.testmod(polling).failed == 0


def client_of(server: Server, handle: Any) -> Any:
    """Return a client of the profile."""
    redactor = Redactor()
    identities = Identities(server.profile, server.lookup, redactor)
    user = Authenticator(server.profile, identities, TokenStore(server.clock, 30), redactor)
    return build_client(server.profile, InProcess(USUAL, handle), redactor, authenticator=user)


def test_a_client_gets_its_token_where_the_page_consents() -> None:
    """On the embedded server a test with this grant runs as any other, and renews by the refresh token."""
    server = Server(PROFILE)
    with client_of(server, server.handle) as client:
        assert client.get("/me").status_code == 200
        server.expire()
        assert client.get("/me").status_code == 200

    asked = [request.url for request in server.requests]
    assert sum(url == BEGINNING for url in asked) == 1


@pytest.mark.parametrize("place", ["", "https://elsewhere.example/device?user_code=WDJB-MJHT"])
def test_a_client_without_a_person_is_told_to_log_in(place: str) -> None:
    """Nobody enters the code: one question, no page elsewhere, and a line that names the command."""
    server, asked = Server(PROFILE), []

    def handle(request: Request) -> Response:
        asked.append(request.url)
        if request.url == BEGINNING:
            return answered({**TOLD, **({"verification_uri_complete": place} if place else {})})
        return answered({"error": "authorization_pending"}, 400)

    with client_of(server, handle) as client, pytest.raises(TokenError, match="needs a person") as caught:
        client.get("/me")

    assert asked == [BEGINNING, PROFILE.token_endpoint]
    assert "python -m pytest_apiauth token device" in str(caught.value)

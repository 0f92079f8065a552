"""The embedded server's signed tokens: what is believed is the signature."""

from __future__ import annotations

import string

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.jws import encoded, hs256, taken_apart
from pytest_apiauth.messages import Request
from tests.faults.examining import PROFILES

LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.fixture
def server() -> Server:
    """A server that issues JWTs."""
    return Server(PROFILES["reference"], variants=["jwt-verified"])


def visited(server: Server, token: str) -> int:
    """Present a token and give the status."""
    lines = (("Authorization", f"Bearer {token}"),)
    return server.handle(Request("GET", server.profile.url("/user/me"), lines)).status


def test_a_signed_token_opens_the_zone(server: Server) -> None:
    """A token as it was issued is good, and so is one whose last letter differs in unused bits only."""
    token = server.issue().reveal()
    read = taken_apart(token)
    assert read is not None
    assert read.header["alg"] == "HS256"
    assert visited(server, token) == 200
    assert visited(server, token[:-1] + LETTERS[LETTERS.index(token[-1]) ^ 1]) == 200


@pytest.mark.parametrize("change", ["signature", "claims", "none", "key", "letters", "parts"])
def test_a_forged_token_does_not(server: Server, change: str) -> None:
    """Another signature, other claims, no algorithm, another key, a foreign letter or a part more is refused."""
    token = server.issue().reveal()
    header, claims, signature = token.split(".")
    unsigned = encoded(b'{"alg": "none"}')
    forged = {
        "signature": f"{header}.{claims}.{signature[::-1]}",
        "claims": f"{header}.{encoded(b'{}')}.{signature}",
        "none": f"{unsigned}.{claims}.",
        "key": f"{header}.{claims}.{encoded(hs256(b'', f'{header}.{claims}'.encode()))}",
        "letters": f"{header}.{claims}.{signature}~",
        "parts": f"{token}.{signature}",
    }
    assert visited(server, forged[change]) == 401


def test_a_revoked_token_is_dead_whatever_its_signature_says(server: Server) -> None:
    """A good signature does not outlive the token."""
    token = server.issue()
    server.revoke(token)
    assert visited(server, token.reveal()) == 401


@pytest.mark.parametrize("reason", ["audience", "issuer", "type"])
def test_a_token_for_others_is_signed_and_refused(reason: str) -> None:
    """What the profile names as unfit has a good signature here, and opens nothing."""
    server = Server(PROFILES["jwt"])
    names = {"audience": "JWT_OTHER_AUDIENCE", "issuer": "JWT_OTHER_ISSUER", "type": "JWT_ID_TOKEN"}
    token = server.environment[names[reason]]
    headers = (("Authorization", f"Bearer {token}"),)

    assert taken_apart(token) is not None
    assert server.handle(Request("GET", server.profile.url("/items"), headers)).status == 401

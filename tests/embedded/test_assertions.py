"""Clients that sign, at the embedded server: what other libraries make is taken, by their clock, and nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.keys import public_half
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

FILE = Path(__file__).parent.parent / "profiles" / "assertion.apiauth.toml"
PROFILE = loading.load(FILE)
BY_SECRET = loading.load(
    FILE,
    changes=[
        {
            "token": {"client_auth": "client_secret_jwt", "assertion": {"alg": "HS256"}},
            "credentials": {"private_key": False, "client_secret": {"env": "ASSERTION_SECRET"}},
        }
    ],
)
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Client:
    """Code under test that signs with PyJWT."""

    def __init__(self, profile: Profile = PROFILE, variable: str = "ASSERTION_PRIVATE_KEY") -> None:
        self.server = Server(profile)
        self.profile = profile
        self.key = self.server.environment[variable]
        self.name = self.server.environment["ASSERTION_CLIENT_ID"]

    def claims(self, **more: object) -> dict[str, object]:
        """Return the claims of an assertion; None leaves one out."""
        now = int(time.time())
        own = {"iss": self.name, "sub": self.name, "aud": self.profile.token_endpoint, "jti": str(time.monotonic_ns())}
        found: dict[str, Any] = {**own, "exp": now + 60, **more}
        return {name: value for name, value in found.items() if value is not None}

    def signed(self, **more: object) -> str:
        """Sign an assertion as the profile documents it."""
        return jwt.encode(self.claims(**more), self.key, algorithm=str(self.profile.token.signs_with))

    def ask(self, assertion: str, **more: str) -> tuple[int, dict[str, Any]]:
        """Ask for a token; gives the status and the members of the answer."""
        form = {"grant_type": "client_credentials", "scope": "read", "client_assertion_type": TYPE, **more}
        body = urlencode({**form, "client_assertion": assertion}).encode()
        lines = (("Content-Type", "application/x-www-form-urlencoded"),)
        answer = self.server.handle(Request("POST", self.profile.token_endpoint, lines, body))
        return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(("profile", "variable"), [(PROFILE, "ASSERTION_PRIVATE_KEY"), (BY_SECRET, "ASSERTION_SECRET")])
def test_what_another_library_signs_is_taken_once(profile: Profile, variable: str) -> None:
    """An assertion of PyJWT's gives a token, for any name of this server and however its clock was moved."""
    client = Client(profile, variable)
    client.server.clock.advance(90_000)
    assertion = client.signed()

    assert client.ask(assertion)[0] == 200
    assert client.ask(assertion)[1]["error"] == "invalid_client"
    for audience in ("https://id.assertion.example", ["https://other.example", profile.token_endpoint]):
        assert client.ask(client.signed(aud=audience))[0] == 200
    assert client.ask(client.signed(aud="http://127.0.0.1:8000/token"))[0] == 200


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "nobody"}, {"sub": "nobody"}, {"sub": None}, {"iss": None}, {"aud": None}, {"jti": None}, {"exp": None},
        {"aud": "http://127.0.0.1:8000/other"}, {"exp": 1}, {"exp": "tomorrow"}, {"exp": True}, {"nbf": 4102444800},
        {"iat": 4102444800},
    ],
)  # fmt: skip
def test_other_claims_give_nothing(more: dict[str, object]) -> None:
    """Whatever is wrong with an assertion, the error is the same (RFC 7521 4.2.1)."""
    client = Client()
    # PyJWT itself refuses some of these.
    content = jwt.PyJWS().encode(json.dumps(client.claims(**more)).encode(), client.key, "ES256")

    assert client.ask(content) == (401, {"error": "invalid_client", **_description(client.ask(content)[1])})


def _description(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name == "error_description"}


def test_another_client_or_proof_beside_it_gives_nothing() -> None:
    """What a request says of its client beside the assertion is the same client, and no secret."""
    client = Client()

    assert client.ask(client.signed(), client_id=client.name)[0] == 200
    assert client.ask(client.signed(), client_id="nobody")[1]["error"] == "invalid_client"
    assert client.ask(client.signed(), client_secret="x")[1]["error"] == "invalid_request"
    assert client.ask("no.jwt.at-all")[1]["error"] == "invalid_client"
    assert client.ask(client.signed(), client_assertion_type="")[1]["error"] == "invalid_client"
    assert client.ask("", client_id=client.name)[1]["error"] == "invalid_client"


@pytest.mark.parametrize("alg", ["ES512", "EdDSA"])
def test_invented_keys_are_always_the_same(alg: str) -> None:
    """The key of a profile is of the kind that it documents, and two servers have the same one."""
    profile = loading.load(FILE, changes=[{"token": {"assertion": {"alg": alg}}}])
    one, other = (Client(profile) for _ in range(2))

    assert one.key == other.key
    assert one.ask(one.signed())[0] == 200


def test_a_key_that_is_set_is_the_clients() -> None:
    """A key that the environment holds is good here too; one that is none is nobody's."""
    key = Client(loading.load(FILE, changes=[{"name": "other"}])).key
    for given, status in ((key, 200), ("no key at all", 401)):
        client = Client()
        known = {"ASSERTION_PRIVATE_KEY": given}
        client.server = Server(PROFILE, given=lambda label, reference, known=known: known.get(reference.env or ""))  # type: ignore[misc]
        assert client.server.environment["ASSERTION_PRIVATE_KEY"] == given
        client.key, client.name = key, client.server.environment["ASSERTION_CLIENT_ID"]
        assert client.ask(client.signed())[0] == status


def test_the_public_half_is_none_of_what_is_no_key() -> None:
    """Of a key in PEM and as a JWK the public half is the same; of anything else there is none."""
    key = Client().key
    jwk = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).prepare_key(key)

    assert public_half(jwt.algorithms.ECAlgorithm.to_jwk(jwk)) == public_half(key)
    assert [public_half(text) for text in ("", "{}", "-----BEGIN PRIVATE KEY-----")] == [None] * 3

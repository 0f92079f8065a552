"""Tokens that are bound to a key, at the embedded server: proofs that PyJWT makes are taken, and no wrong ones."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "dpop.apiauth.toml")
ITEMS = "https://api.dpop.example/items"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Client:
    """Code under test that makes its proofs with PyJWT."""

    def __init__(self, server: Server | None = None, key: Any = None, alg: str = "ES256") -> None:
        self.server = server or Server(PROFILE)
        self.key, self.alg = key or ec.generate_private_key(ec.SECP256R1()), alg

    def proof(self, method: str, url: str, token: str = "", **more: Any) -> str:
        """Make a proof; None leaves a claim out."""
        found: dict[str, Any] = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            digest = hashlib.sha256(token.encode()).digest()
            found["ath"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        found["iat"] += more.pop("seconds", 0)
        claims = {name: value for name, value in {**found, **more}.items() if value is not None}
        public = jwt.get_algorithm_by_name(self.alg).to_jwk(self.key.public_key(), as_dict=True)
        header = {"typ": "dpop+jwt", "jwk": {name: value for name, value in public.items() if name != "key_ops"}}
        return jwt.encode(claims, self.key, algorithm=self.alg, headers=header)

    def asked(self, proof: str | None = None, **form: str) -> tuple[int, dict[str, Any]]:
        """Ask for a token; gives the status and the members of the answer."""
        named = {"client_id": self.server.environment["DPOP_CLIENT_ID"], "scope": "read"}
        proof = self.proof("POST", PROFILE.token_endpoint) if proof is None else proof
        lines = (FORM, *([("DPoP", proof)] if proof else []))
        body = urlencode({"grant_type": "client_credentials", **named, **form}).encode()
        answer = self.server.handle(Request("POST", PROFILE.token_endpoint, lines, body))
        return answer.status, json.loads(answer.body)

    def get(self, token: str, *proofs: str, word: str = "DPoP", url: str = ITEMS) -> Response:
        """Ask for a resource."""
        lines = (("Authorization", f"{word} {token}"), *(("DPoP", proof) for proof in proofs))
        return self.server.handle(Request("GET", url, lines))


@pytest.mark.parametrize(
    ("make", "alg"), [(None, "ES256"), (lambda: rsa.generate_private_key(65537, 2048), "PS256")], ids=["EC", "RSA"]
)
def test_a_bound_token_takes_its_key(make: Any, alg: str) -> None:
    """A token that was asked for with a proof opens its zone with one, and not to another key, nor as a bearer."""
    client = Client(key=make() if make else None, alg=alg)
    status, members = client.asked()
    token = members["access_token"]
    other = Client(client.server)

    assert (status, members["token_type"]) == (200, "DPoP")
    assert client.get(token, client.proof("GET", ITEMS, token), url=f"{ITEMS}?page=2").status == 200
    refused = [
        client.get(token),
        client.get(token, word="Bearer"),
        client.get(token, client.proof("GET", ITEMS, token), word="Bearer"),
        other.get(token, other.proof("GET", ITEMS, token)),
    ]
    assert [answer.status for answer in refused] == [401] * 4
    challenge = refused[0].header("WWW-Authenticate") or ""
    assert challenge.startswith("DPoP ")
    assert 'algs="' in challenge


@pytest.mark.parametrize(
    "wrong",
    [
        {"htm": "POST"}, {"htu": "https://api.dpop.example/other"}, {"htu": "nowhere"}, {"htu": None}, {"ath": "no"},
        {"ath": None}, {"seconds": -90}, {"seconds": 90}, {"iat": "now"}, {"jti": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_proof_of_something_else(wrong: dict[str, Any]) -> None:
    """A proof that is not about the request, its token and this moment is none (RFC 9449 4.3)."""
    client = Client()
    token = client.asked()[1]["access_token"]

    assert client.get(token, client.proof("GET", ITEMS, token, **wrong)).status == 401
    assert client.get(token, client.proof("GET", ITEMS, token)).status == 200


def test_a_proof_is_good_once() -> None:
    """One that was taken is taken no more, at the token endpoint as at a resource, and no request has two."""
    client = Client()
    first = client.proof("POST", PROFILE.token_endpoint)
    token = client.asked(first)[1]["access_token"]
    once = client.proof("GET", ITEMS, token)

    assert client.asked(first)[1]["error"] == "invalid_dpop_proof"
    assert [client.get(token, once).status for _ in range(2)] == [200, 401]
    assert client.get(token, *(client.proof("GET", ITEMS, token) for _ in range(2))).status == 401


def test_a_refresh_token_takes_the_key_of_its_client() -> None:
    """What a public client has got is renewed by its own key, time and again, and by no other (RFC 9449 5)."""
    client = Client()
    user = {
        "username": client.server.environment["DPOP_USERNAME"],
        "password": client.server.environment["DPOP_PASSWORD"],
    }
    first = client.asked(grant_type="password", **user)[1]["refresh_token"]

    assert Client(client.server).asked(grant_type="refresh_token", refresh_token=first)[1]["error"] == "invalid_grant"
    second = client.asked(grant_type="refresh_token", refresh_token=first)[1]["refresh_token"]
    assert Client(client.server).asked(grant_type="refresh_token", refresh_token=second)[1]["error"] == "invalid_grant"


def test_no_token_without_a_good_proof() -> None:
    """A token request without a proof, or with one of another place, is refused as RFC 9449 5 has it."""
    client = Client()

    assert client.asked("")[1]["error"] == "invalid_dpop_proof"
    assert client.asked(client.proof("POST", ITEMS))[1]["error"] == "invalid_dpop_proof"
    assert client.asked("no proof")[0] == 400


def test_a_key_of_another_spelling_is_the_same() -> None:
    """A key is known by its own members, whatever else stands beside them (RFC 7638 3.2)."""
    from pytest_apiauth.embedded.possession_policy import thumbprint

    example = {
        "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
        "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7"
        "d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44"
        "-csFCur-kEgU8awapJzKnqDKgw",
    }  # fmt: skip

    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

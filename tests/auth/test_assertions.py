"""What a client signs to prove itself: made for each request, with the profile's key, and shown nowhere."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from pytest_apiauth.auth import requests, shell
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.texts import Ref, Role, Signing
from pytest_apiauth.credentials.identities import Identities, Surroundings
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.credentials.signing import public_half, public_jwk
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.keys import invented_key
from pytest_apiauth.errors import CredentialError, ProfileError, UnsetError
from pytest_apiauth.profile import loading

FILE = Path(__file__).parent.parent / "profiles" / "assertion.apiauth.toml"
PROFILE = loading.load(FILE)


def sent(identities: Identities) -> str:
    """Return the assertion of a token request."""
    body = Requester(identities).token_request("client_credentials").body.decode()
    return parse_qs(body)["client_assertion"][0]


def test_each_request_has_an_assertion_of_its_own() -> None:
    """It is the client's, for the token endpoint, good for a minute, and known again by nobody; output never has it."""
    server, redactor = Server(PROFILE), Redactor()
    identities = Identities(server.profile, server.lookup, redactor)
    one, other = (sent(identities) for _ in range(2))
    key = server.environment["ASSERTION_PRIVATE_KEY"]
    claims = jwt.decode(one, public_half(key, "ES256", ""), algorithms=["ES256"], audience=PROFILE.token_endpoint)

    assert claims["iss"] == claims["sub"] == server.environment["ASSERTION_CLIENT_ID"]
    assert claims["exp"] - claims["iat"] == 60
    assert jwt.get_unverified_header(one) == {"alg": "ES256", "typ": "JWT", "kid": "2026-11"}
    assert claims["jti"] != jwt.decode(other, options={"verify_signature": False})["jti"]
    assert redactor.redact(one) == "[apiauth:assertion.client_assertion]"
    line = key.splitlines()[1]
    assert [redactor.redact(text) for text in (key, line)] == ["[apiauth:assertion.credentials.private_key]"] * 2


def test_a_profile_says_how_assertions_look(tmp_path: Path) -> None:
    """The key may be a JWK in a file beside the profile; audience, lifetime and kid are those of the profile."""
    pem = invented_key("EdDSA", "test")
    (tmp_path / "key.json").write_text(_jwk(pem), encoding="utf-8")
    path = tmp_path / "own.apiauth.toml"
    path.write_text(
        f"""
schema = 1
extends = "{FILE}"
[credentials]
client_id = "own"
private_key = {{ file = "key.json" }}
key_id = {{ env = "OWN_KEY_ID" }}
[token]
assertion = {{ alg = "EdDSA", audience = "https://id.example", lifetime = 300 }}
""",
        encoding="utf-8",
    )
    profile = loading.load(path)
    identities = Identities(profile, lambda label, ref: Surroundings(tmp_path)(label, ref) or "kid-1", Redactor())
    made = sent(identities)

    claims = jwt.decode(made, public_half(pem, "EdDSA", ""), algorithms=["EdDSA"], audience="https://id.example")
    assert (claims["exp"] - claims["iat"], jwt.get_unverified_header(made)["kid"]) == (300, "kid-1")


def _jwk(pem: str) -> str:
    algorithm: Any = jwt.algorithms.get_default_algorithms()["EdDSA"]
    return str(algorithm.to_jwk(algorithm.prepare_key(pem)))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("no key", "assertion: private_key: expected a private key for ES256, in PEM without a passphrase or as a JWK"),
        (invented_key("EdDSA", "test"), "assertion: private_key: expected a private key for ES256"),
    ],
)
def test_a_key_that_does_not_fit_is_one_line(key: str, words: str) -> None:
    """What signs nothing is named, and not shown."""
    identities = Identities(PROFILE, lambda label, ref: key if label.endswith("private_key") else "lab", Redactor())

    with pytest.raises(CredentialError) as caught:
        sent(identities)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_a_library_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no PyJWT is told what to install."""
    usual = builtins.__import__

    def imported(name: str, *more: Any) -> Any:
        if name.startswith("jwt"):
            raise ImportError(name)
        return usual(name, *more)

    identities = Identities(PROFILE, lambda label, ref: "value", Redactor())
    monkeypatch.setattr(builtins, "__import__", imported)
    with pytest.raises(CredentialError, match=re.escape("ES256 takes PyJWT: pip install 'pytest-apiauth[jwt]'")):
        sent(identities)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path is told as people write it."""
    monkeypatch.chdir(tmp_path)
    change = {"credentials": {"client_id": "lab", "private_key": {"file": str(tmp_path / "none.pem")}}}
    profile = loading.load(FILE, changes=[change])
    with pytest.raises(UnsetError, match=r"credentials\.private_key: file none\.pem is not there, or is empty"):
        sent(Identities(profile, Surroundings(tmp_path), Redactor()))


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ({"client_auth": "client_secret_basic"}, "assertion: for client_auth ="),
        (
            {"assertion": {"alg": "HS256"}},
            "assertion.alg: expected that of a private key for private_key_jwt, got HS256",
        ),
        ({"client_auth": "client_secret_jwt"}, "assertion.alg: expected HS256, HS384 or HS512 for client_secret_jwt"),
        ({"assertion": {"lifetime": 0}}, "token.assertion.lifetime"),
        ({"assertion": {"algorithm": "ES256"}}, "token.assertion.algorithm: unknown key"),
    ],
)
def test_what_does_not_go_together_is_one_line(token: dict[str, object], words: str) -> None:
    """A table of assertions is for clients that sign, and names a way to sign that goes with what they have."""
    with pytest.raises(ProfileError, match=re.escape(words)):
        loading.load(FILE, changes=[{"token": token}])


def test_a_rule_makes_it_otherwise() -> None:
    """Claims, age and signature are altered; a curl line says how, with names for key and client."""
    valid = requests.token_request(PROFILE, "client_credentials")
    key, client = Ref(Role.PRIVATE_KEY), Ref(Role.CLIENT_ID)
    values = {key: invented_key("ES256", "test"), client: "lab"}
    now = 1_800_000_000.0
    altered = valid.asserting(age=100, claims=(("aud", None), ("own", 1)), edit=Forgery(signature="empty"))
    body = altered.request(values, Signing(lambda: now)).body.decode()
    claims = jwt.decode(parse_qs(body)["client_assertion"][0], options={"verify_signature": False})

    assert altered.is_altered
    assert claims == {"iss": "lab", "sub": "lab", "jti": claims["jti"], "iat": now - 100, "exp": now - 40, "own": 1}
    assert valid.without("client").parameters == (("grant_type", "client_credentials"), ("scope", "read"))
    line = shell.curl(altered, values)
    assert "$(python -m pytest_apiauth edit CLIENT_ID assertion by=PRIVATE_KEY kid=2026-11 alg=ES256 aud=" in line
    assert values[key].splitlines()[1] not in line
    with pytest.raises(LookupError, match="carries no assertion"):
        valid.without("client").asserting(age=1)


def test_the_public_half_as_a_jwk_has_nothing_private() -> None:
    """What a server may see of a key is its public members."""
    assert public_jwk(invented_key("ES256", "test"), "ES256", "").keys() == {"kty", "crv", "x", "y"}

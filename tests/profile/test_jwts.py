"""What a profile says of JWTs: where the key is, and what it must not hold."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.jws import taken_apart
from pytest_apiauth.embedded.keys import verifies
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Profile
from tests.faults.examining import PROFILES


def profile(**jwt: object) -> Profile:
    """Return a profile whose tokens are JWTs."""
    return PROFILES["jwt"].replaced(jwt=jwt)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA", "HS512"])
def test_the_embedded_server_signs_as_the_profile_says(alg: str) -> None:
    """Its tokens are good by the key that it serves, or by the secret that the profile refers to."""
    server = Server(profile(alg=alg, jwks_url="/jwks", signing_key={"env": "KEY"}))
    token = taken_apart(server.issue().reveal())
    keys = server.handle(Request("GET", server.profile.url("/jwks"))).json()

    assert token is not None
    assert isinstance(keys, dict)
    assert [(key["alg"], key["kid"]) for key in keys["keys"]] == [(alg, token.header["kid"])] * (alg != "HS512")
    if alg == "HS512":
        assert verifies(alg, server.environment["KEY"], token.content, token.signature)


def test_a_key_that_is_written_out_is_the_servers_on_the_embedded_one() -> None:
    """The private half of a public key in the profile is nobody's here, so the server has a pair of its own."""
    server = Server(profile(alg="ES256", public_key="-----BEGIN PUBLIC KEY-----"))
    token = taken_apart(server.issue().reveal())

    assert token is not None
    assert server.profile.jwt is not None
    assert verifies("ES256", str(server.profile.jwt.public_key), token.content, token.signature)


def test_a_private_key_is_not_written_out() -> None:
    """Whoever writes the private key in the place of the public one is told, and it is not repeated."""
    with pytest.raises(ValidationError, match="a private key; name the public one") as caught:
        profile(public_key="-----BEGIN " + "PRIVATE KEY-----\nabc")
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"), [("http://id.jwt.example/jwks", "in clear"), ("jwks", "jwt.jwks_url: expected")]
)
def test_a_place_of_keys_is_a_url(url: str, told: str) -> None:
    """The key set is where a path or a URL with TLS leads; credentials may travel to its origin."""
    with pytest.raises(ValidationError, match=told):
        profile(jwks_url=url)
    assert "https://keys.example" in map(str, profile(jwks_url="https://keys.example/set").origins)

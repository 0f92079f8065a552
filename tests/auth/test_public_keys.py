"""Every spelling of a public key, whatever it is published as."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from pytest_apiauth.auth import own_keys
from pytest_apiauth.auth.public_keys import Published, fitting, spellings

KEYS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 1024 * 2),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@pytest.mark.parametrize("alg", KEYS)
def test_each_spelling_is_made_of_each_other(alg: str) -> None:
    """From PEM, from a line of SSH and from a JWK come PEM, DER, SSH and the JWK; for RSA what PKCS #1 has too."""
    key = KEYS[alg]().public_key()
    formats = [(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.OpenSSH, PublicFormat.OpenSSH)]
    formats += [(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)]
    formats += [(each, PublicFormat.PKCS1) for each in (Encoding.PEM, Encoding.DER) if alg == "RS256"]
    pem, ssh, *others = (key.public_bytes(*each) for each in formats)
    method: Any = get_default_algorithms()[alg]
    jwk = {name: value for name, value in json.loads(method.to_jwk(key)).items() if name != "key_ops"}

    published: list[Published] = [pem.decode(), ssh.decode(), jwk, json.dumps(jwk)]
    for each in published:
        found = [*spellings(each).values()]
        assert {pem, pem.strip(), ssh, *others} <= set(found)
        assert {frozenset(json.loads(text).items()) for text in found if text[:1] == b"{"} == {frozenset(jwk.items())}
        assert len(found) == len(set(found))


def test_a_certificate_has_a_key() -> None:
    """A certificate is one as it is published, in a JWK or by itself, and is made into its key."""
    own = own_keys.certificate("RS256")
    in_jwk = spellings({**own_keys.jwk("RS256"), "x5c": [own]})
    alone = spellings(in_jwk["certificate"].decode())

    assert alone["as published"] == in_jwk["certificate"]
    assert alone["PEM"] == in_jwk["PEM"]


UNKNOWN: list[Published] = [
    "", "x", "ssh-rsa", "ssh-rsa AAA", "{", "[]", '{"kty": 1}', {}, {"kty": "oct"}, {"kty": "RSA"},
    {"kty": "EC", "crv": "P-1", "x": 1, "y": []},
    *(f"-----BEGIN {name}-----\nMAA=\n-----END {name}-----" for name in ("PUBLIC KEY", "CERTIFICATE", "X")),
]  # fmt: skip


@pytest.mark.parametrize("published", UNKNOWN)
def test_what_is_no_known_key_is_tried_as_it_is(published: Published) -> None:
    """A key of another kind has the spelling that it came in, and no trouble."""
    assert {name.split(",")[0].split()[0] for name in spellings(published)} <= {"as", "JWK"}


def test_the_key_that_a_token_names() -> None:
    """Of several keys the one counts that the token names; if none has the name, or it names none, all do."""
    keys: list[Published] = [{"kid": "1"}, {"kid": "2"}]

    assert [fitting(keys, kid) for kid in ("2", "3", None)] == [keys[1:], keys, keys]

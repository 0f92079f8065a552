"""The keys that forgeries are signed by: whoever verifies by what a token brings along finds the signature good."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_der_x509_certificate
from jwt import PyJWK
from jwt.algorithms import get_default_algorithms

from pytest_apiauth.auth import own_keys

CONTENT = b"header.payload"


@pytest.mark.parametrize("alg", own_keys.OWN)
def test_a_signature_is_good_by_every_form_of_the_key(alg: str) -> None:
    """As DER, as a JWK, in a certificate and behind a URL it is one key, and what it signs is good by it."""
    method: Any = get_default_algorithms()[alg]
    key: Any = load_der_public_key(own_keys.public_key(alg))
    certificate = load_der_x509_certificate(base64.b64decode(own_keys.certificate(alg)))
    certificate.verify_directly_issued_by(certificate)
    behind = json.loads(base64.b64decode(own_keys.key_set_url(alg, "1").partition(",")[2]))["keys"][0]

    assert method.verify(CONTENT, key, own_keys.signature(alg, CONTENT))
    jwks = [PyJWK({**each, "alg": alg}).key for each in (own_keys.jwk(alg), behind)]
    others: list[Any] = [certificate.public_key(), *jwks]
    for other in others:
        assert other.public_numbers() == key.public_numbers()

"""Certificates of clients as a profile has them."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from pytest_apiauth.auth.certified import Certified
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.credentials import certificates
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import CredentialError, ProfileError
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.playing import Credentials

TABLES: dict[str, Any] = {
    "schema": 1,
    "name": "shop",
    "token_url": "https://id.shop.example/token",
    "credentials": {
        "client_id": "lab", "certificate": {"env": "SHOP_CERTIFICATE"}, "certificate_key": {"env": "SHOP_KEY"},
    },
    "token": {"client_auth": "tls_client_auth"},
    "grants": {"client_credentials": {}},
}  # fmt: skip
ONE = {**TABLES, "credentials": {"client_id": "lab", "certificate": {"env": "SHOP_CERTIFICATE"}}}
NONE = {**TABLES, "credentials": {"client_id": "lab"}}
GOOD = Server(Profile.model_validate(TABLES)).environment
PUBLIC = {"SHOP_CERTIFICATE": GOOD["SHOP_CERTIFICATE"]}
WHERE = "shop: credentials.certificate"
BLOCK = "-----BEGIN {0}-----\nMAA=\n-----END {0}-----"


@pytest.mark.parametrize(
    ("tables", "values", "told"),
    [
        (NONE, {}, f"{WHERE}: the profile names none, and tls_client_auth needs one"),
        (TABLES, {}, f"{WHERE}: environment variable SHOP_CERTIFICATE is not set"),
        (TABLES, PUBLIC, f"{WHERE}_key: environment variable"),
        (TABLES, {**GOOD, "SHOP_CERTIFICATE": "no-certificate"}, f"{WHERE}: expected a certificate in"),
        (TABLES, {**GOOD, "SHOP_KEY": "made-up-key"}, f"{WHERE}_key: expected a private key in PEM"),
        (
            TABLES, {**GOOD, "SHOP_KEY": BLOCK.format("ENCRYPTED " + "PRIVATE KEY")},
            f"{WHERE}_key: the private key is encrypted; give one without a passphrase",
        ),
        (
            ONE, PUBLIC,
            f"{WHERE}_key: needed: no private key is behind the certificate",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_is_a_line(tables: dict[str, Any], values: dict[str, str], told: str) -> None:
    """Profile and key are named, and nothing of the value is."""
    profile = Profile.model_validate(tables)
    identities = Identities(profile, lambda label, reference: values.get(reference.env or ""), Redactor())

    with pytest.raises(CredentialError) as caught:
        Requester(identities).token_request("client_credentials")

    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_a_key_may_stand_behind_its_certificate() -> None:
    """One text may have both, with its line breaks escaped too: the certificate is to be seen, and the key learnt."""
    both = GOOD["SHOP_CERTIFICATE"] + GOOD["SHOP_KEY"]
    for text in (both, both.replace("\n", "\\n")):
        redactor, values = Redactor(), {"SHOP_CERTIFICATE": text}
        lookup = partial(lambda known, label, reference: known[reference.env], values)
        found = Identities(Profile.model_validate(ONE), lookup, redactor).certificate()

        assert found.chain == GOOD["SHOP_CERTIFICATE"]
        assert found.load is not None
        assert "PRIVATE" not in repr(found)
        assert GOOD["SHOP_KEY"].splitlines()[1] not in redactor.redact(f"failed: {GOOD['SHOP_KEY']}")


def test_a_key_without_a_certificate_is_a_mistake() -> None:
    """A profile that names the key alone is told which key is lacking."""
    told = r"credentials\.certificate: needed: credentials\.certificate_key is the key of it"
    with pytest.raises(ProfileError, match=told), loading.explained("shop"):
        Profile.model_validate({**TABLES, "credentials": {"certificate_key": {"env": "SHOP_KEY"}}})


def test_a_cassette_needs_no_certificate() -> None:
    """What is replayed has a placeholder for it, and no key."""
    request = Requester(Identities(Profile.model_validate(TABLES), Credentials(None), Redactor())).token_request(
        "client_credentials"
    )

    assert request.client_certificate is not None
    assert request.client_certificate.load is None


def test_a_namesake_differs_in_its_key_alone() -> None:
    """What is made in the place of a certificate has its names and its number, and another thumbprint."""
    own = GOOD["SHOP_CERTIFICATE"]
    other = certificates.self_made(own).chain

    assert certificates.subject_of(other) == certificates.subject_of(own)
    assert certificates.thumbprint(other) != certificates.thumbprint(own)
    assert re.fullmatch(r"[\w-]{43}", certificates.thumbprint(own))


def test_a_curl_line_names_files() -> None:
    """A reader's shell has certificate and key in files, each by the name of whose they are."""
    from pytest_apiauth.auth import requests, shell

    valid = requests.token_request(Profile.model_validate(TABLES), "client_credentials")
    lines = [shell.curl(each, {}) for each in (valid, valid.certified(made="stranger"))]

    assert valid.certificate == Certified(proves_client=True)
    assert '--cert "${CERTIFICATE_FILE}" --key "${CERTIFICATE_KEY_FILE}"' in lines[0]
    assert '--cert "${STRANGER_CERTIFICATE_FILE}"' in lines[1]

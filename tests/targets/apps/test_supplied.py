"""What a project's fixture apiauth_credentials gives, by profile key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.profile import loading
from pytest_apiauth.targets.apps.supplied import supplied_identities

BEGINNING = 'schema = 1\napp = "shop:app"\n[credentials]\nusername = "ada"\n'
SIGNED = f'{BEGINNING}[jwt]\nsigning_key = {{ env = "SHOP_SIGNING_KEY" }}\n'
KEY = "not-a-key-but-a-word-of-a-test"


def test_the_signing_key_of_an_app_is_given_beside_its_credentials(tmp_path: Path) -> None:
    """What signs the tokens stands in the app as its credentials do: the fixture gives it, not the environment."""
    file = tmp_path / "shop.apiauth.toml"
    file.write_text(SIGNED, encoding="utf-8")

    identities = supplied_identities(loading.load(file), {"jwt.signing_key": KEY}, Redactor(), tmp_path)

    found = identities.signing_key()
    assert found is not None
    assert found.reveal() == KEY


def test_a_profile_that_knows_of_no_jwt_has_no_signing_key(tmp_path: Path) -> None:
    """A key that no rule would look at is refused in one line."""
    file = tmp_path / "shop.apiauth.toml"
    file.write_text(BEGINNING, encoding="utf-8")

    with pytest.raises(CredentialError, match=r"shop: apiauth_credentials: the profile has no 'jwt.signing_key'"):
        supplied_identities(loading.load(file), {"jwt": {"signing_key": KEY}}, Redactor(), tmp_path)

"""A profile as one test has it: checked like a file, and told apart from the file's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.changing import changed
from pytest_apiauth.profile.model import Profile

FILE = """
schema = 1
extends = "dastra"
payloads = "openapi.json"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Profile:
    """A profile of a file, upon a built-in one."""
    file = tmp_path / "shop.apiauth.toml"
    file.write_text(FILE, encoding="utf-8")
    return loading.load(file)


def test_keys_are_changed_as_a_file_would_change_them(shop: Profile, tmp_path: Path) -> None:
    """Dotted and nested keys meet, later changes win, ``False`` removes, and a path starts at the test's folder."""
    changes: list[Mapping[str, object]] = [
        {"token.leeway": 5, "payloads": "other.json", "token": {"body": "json"}},
        {"token.leeway": 0, "grants.authorization_code": False, "zones.api.probe": ("/v1/me",)},
    ]

    found = changed(shop, changes, None, folder=tmp_path / "tests")

    assert (found.token.leeway, found.token.body, found.token.scope) == (0, "json", "api1")
    assert found.payloads == str(tmp_path / "tests" / "other.json")
    assert list(found.grants) == ["client_credentials", "refresh_token"]
    assert found.zones["api"].probe == ("/v1/me",)
    assert (found.name, found.place, found.unchanged) == ("shop", shop.place, shop)
    assert len({shop.key, found.key, found.replaced(title="x").key}) == 2


def test_scope_is_asked_for_and_got(shop: Profile, tmp_path: Path) -> None:
    """Every grant asks for it, and its documented answer has it; a refresh goes on asking for none."""
    found = changed(shop, (), "reports", folder=tmp_path)

    asked = {name: found.scope_of(name) for name in found.grants}
    assert asked == {"client_credentials": "reports", "authorization_code": "reports", "refresh_token": ""}
    assert found.answer_of("client_credentials").scope == "reports"
    assert found.answer_of("authorization_code").scope is None


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"zones.api.pat": "/"}, "shop: changes: zones.api.pat: unknown key (did you mean 'path'?)"),
        ({"api_key.prefix": "Key"}, "shop: changes: api_key.prefix: unknown key (did you mean 'scheme'?)"),
        ({"token_endpoint": "/"}, "shop: changes: token_endpoint: unknown key (did you mean 'token_url'?)"),
        ({"redirect_uri": "/"}, "shop: changes: redirect_uri: unknown key (it stands in [credentials])"),
        (
            {"credentials.denied": ["/a"]},
            "shop: changes: credentials.denied: unknown key (it stands in [clients.NAME], [keys.NAME])",
        ),
        ({"token.leeway": "1"}, "shop: changes: token.leeway: expected a whole number"),
        ({"api_url": "http://api.example"}, "shop: changes: api_url: http://api.example would send credentials"),
        ({"token": {"scope": "a"}, "token.scope": "b"}, "shop: changes: token.scope: clashes with another"),
        ({"name": "x"}, "shop: changes: name: cannot be changed for one test"),
        ({"extends": "jindexe"}, "shop: changes: extends: cannot be changed for one test"),
        ({"credentials.client_secret": "hunter22"}, "shop: changes: credentials.client_secret: write where the secret"),
    ],
)
def test_mistakes_are_told_as_those_of_a_file(
    shop: Profile, tmp_path: Path, changes: dict[str, object], line: str
) -> None:
    """One line names the key, and never the value that was refused."""
    with pytest.raises(ProfileError) as error:
        changed(shop, [changes], None, folder=tmp_path)

    assert str(error.value).startswith(line)
    assert "hunter22" not in str(error.value)


def test_another_api_gets_nothing_of_the_files_token_endpoint(shop: Profile, tmp_path: Path) -> None:
    """As for a file: who changes ``api_url`` says the absolute URLs beside it anew, or a live run refuses."""
    elsewhere = changed(shop, [{"api_url": "https://staging.example"}], None, folder=tmp_path)

    with pytest.raises(ProfileError, match=r"token_url: https://account\.dastra\.eu\S+ is inherited"):
        elsewhere.refuse_inherited()

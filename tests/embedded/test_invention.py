"""Whose credentials are good: invented ones, and those that variables hold, if the server is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_apiauth.credentials.identities import Lookup, SetVariables
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server, invention
from pytest_apiauth.http import Guard, guard
from pytest_apiauth.http.library import library
from pytest_apiauth.profile.model import Profile, Reference
from tests.embedded.caller import profile_named
from tests.here import USUAL

JINDEXE = profile_named("jindexe")


def given(values: Mapping[str, str]) -> Lookup:
    """Return a look-up of variables."""
    return lambda label, reference: values.get(reference.env or "")


def test_what_is_set_is_good_and_the_rest_is_invented() -> None:
    """The value of a variable takes the place of the invented one, is learnt as a secret, and changes no other."""
    redactor = Redactor()
    usual, chosen = Server(JINDEXE), Server(JINDEXE, redactor=redactor, given=given({"JINDEXE_PASSWORD": "hunter-22"}))

    changed = {name for name, value in usual.environment.items() if chosen.environment[name] != value}
    assert changed == {"JINDEXE_PASSWORD"}
    password = chosen.identities.user().password
    assert password is not None
    assert password.reveal() == "hunter-22"
    assert redactor.redact("hunter-22") == "[apiauth:jindexe.credentials.password]"


def test_a_profile_with_credentials_that_were_good_once_is_named_in_what_is_hidden() -> None:
    """What stands for a secret names the profile that it belongs to, whatever else that profile names."""
    shop = JINDEXE.replaced(credentials={**JINDEXE.model_dump()["credentials"], "revoked": {"api_key": {"env": "OLD"}}})
    server = Server(shop)

    assert server.redactor.redact(server.environment["OLD"]) == "[apiauth:jindexe.credentials.revoked.api_key]"
    assert server.redactor.redact(server.issue().reveal()) == "[apiauth:jindexe.access_token]"


def test_nobody_becomes_somebody_else() -> None:
    """A name or a key that two would have belongs to the first; a password may be the same."""
    second = "APIAUTH_JINDEXE_SECOND_"
    theirs = Server(JINDEXE).environment[f"{second}USERNAME"]
    same = {"JINDEXE_API_KEY": "the-key", f"{second}API_KEY": "the-key", "JINDEXE_USERNAME": theirs}
    same |= {"JINDEXE_PASSWORD": "secret", f"{second}PASSWORD": "secret"}
    found = Server(JINDEXE, given=given(same)).environment

    assert found["JINDEXE_API_KEY"] == "the-key" != found[f"{second}API_KEY"]
    assert found["JINDEXE_USERNAME"] != found[f"{second}USERNAME"] == theirs
    assert found["JINDEXE_PASSWORD"] == found[f"{second}PASSWORD"] == "secret"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://staging.shop.example/v1", "https://staging.shop.example/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://staging.shop.example", "https://shop.example"),
        ("staging", "https://shop.example"),
        ("", "https://shop.example"),
    ],
)
def test_url_that_is_set(url: str, base: str) -> None:
    """The server answers where the variable says, if a client may send credentials there, else where it always did."""
    profile = Profile(schema=1, name="shop", api_url=Reference(env="SHOP_URL"))
    server = Server(profile, given=given({"SHOP_URL": url}))

    assert (server.profile.base_url, server.environment) == (base, {"SHOP_URL": base})
    assert Server(profile).profile.base_url == "https://shop.example"


def test_a_url_that_may_hold_a_secret_is_in_no_cache() -> None:
    """Servers and clients at one URL share what follows from it, unless it has a user or a query."""
    profile = Profile(schema=1, name="shop", api_url=Reference(env="SHOP_URL"))
    plain = given({"SHOP_URL": "https://staging.shop.example"})
    assert Server(profile, given=plain).profile is Server(profile, given=plain).profile

    Server(profile)
    Guard(library(USUAL), profile, Redactor())
    caches = (invention._moved, invention._known, guard._own)
    before = [cache.cache_info().misses for cache in caches]
    for url in ("https://mia:hunter-22@staging.shop.example", "https://staging.shop.example?key=hunter-22"):
        server = Server(profile, given=given({"SHOP_URL": url}))
        Guard(library(USUAL), server.profile if "?" in url else profile, Redactor())
    assert server.profile.base_url == url
    assert [cache.cache_info().misses for cache in caches] == before


def test_only_variables_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one is not set, text that is none is nobody's value, and no keyring is asked."""
    monkeypatch.setenv("EMPTY", "")
    look = SetVariables(tmp_path)

    assert look("x", Reference(env="EMPTY")) is None
    assert look("x", Reference(keyring="shop", username="tests")) is None
    usual = Server(JINDEXE).environment
    assert Server(JINDEXE, given=given({"JINDEXE_API_KEY": "\udcff" * 20})).environment == usual


@pytest.mark.parametrize(("content", "value"), [(b"SHOP_KEY=from-file\n", "from-file"), (b"\xff\xfe", None)])
def test_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, value: str | None) -> None:
    """A variable in ``.env`` counts as set; a file that cannot be read stops nobody who can do without."""
    monkeypatch.delenv("SHOP_KEY", raising=False)
    (tmp_path / ".env").write_bytes(content)

    assert SetVariables(tmp_path)("credentials.api_key", Reference(env="SHOP_KEY")) == value


def test_a_profile_is_completed_once() -> None:
    """Servers of one profile have the same completed one; another that says the same, or asks people, has its own."""
    dastra = profile_named("dastra")
    own = Server(dastra).profile

    assert own is Server(dastra).profile
    assert Server(dastra.replaced()).profile is not own
    assert Server(dastra.replaced()).profile == own
    assert own.credentials.username is None
    assert Server(dastra, variants=["login-pages"]).profile.credentials.username is not None

"""Clients whose server names itself in each authorization answer (RFC 9207): another one's answer is not taken."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import ProfileError, TokenError
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.profile import authorizing, loading
from tests.here import USUAL

FILE = Path(__file__).parent.parent / "profiles" / "target.apiauth.toml"
ISSUER = "https://id.target.example"


def client_of(iss: bool | str, *faults: str) -> Any:
    """Return a client of the grant authorization_code, whose profile says that of iss, and whose server has faults."""
    server = Server(loading.load(FILE), faults=faults)
    profile, redactor = loading.load(FILE, changes=[{"authorization": {"iss": iss}}]), Redactor()
    identities = Identities(profile, server.lookup, redactor)
    store = TokenStore(server.clock, 30)
    user = Authenticator(profile, identities, store, redactor, grant="authorization_code")
    return build_client(profile, InProcess(USUAL, server.handle), redactor, authenticator=user)


@pytest.mark.parametrize(
    ("iss", "faults"), [(ISSUER, ()), (True, ()), (True, ("issuer-not-its-own",)), (False, ("issuer-dropped",))]
)
def test_the_answer_of_the_server_itself_is_taken(iss: bool | str, faults: tuple[str, ...]) -> None:
    """It names the issuer that the profile has, or any if the profile does not say which."""
    with client_of(iss, *faults) as client:
        assert client.get("/items").status_code == 200


@pytest.mark.parametrize(
    ("iss", "fault", "words"),
    [
        (ISSUER, "issuer-not-its-own", f"expected iss {ISSUER}, got {ISSUER}/other; this answer is not ours"),
        (ISSUER, "issuer-dropped", f"expected iss {ISSUER}, got none"),
        (True, "issuer-dropped", "expected iss of the server, got none"),
    ],
)
def test_the_answer_of_another_is_refused(iss: bool | str, fault: str, words: str) -> None:
    """A code of a server that does not name itself as promised goes to no token endpoint (RFC 9207 2.4)."""
    with client_of(iss, fault) as client, pytest.raises(TokenError, match=words):
        client.get("/items")


@pytest.mark.parametrize(
    "iss", ["id.target.example", "https://id.example/?a=b", "https://id.example/#a", "", "ftp://a"]
)
def test_what_is_no_issuer_is_one_line(iss: str) -> None:
    """An issuer is a URL without query and fragment (RFC 9207 2)."""
    with pytest.raises(ProfileError, match=r"authorization.*iss: expected true or the issuer") as caught:
        loading.load(FILE, changes=[{"authorization": {"iss": iss}}])

    assert len(str(caught.value).splitlines()) == 1


def test_the_example_is_true() -> None:
    """What the docstring shows is what comes."""
    assert doctest.testmod(authorizing).failed == 0

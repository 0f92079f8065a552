"""Tokens that are JWTs: what stands for them can be read as they could, and opens nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.credentials.names import PLACEHOLDER
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.jwts import FAR, PAST, claims_of
from pytest_apiauth.recording.scan import unclean
from pytest_apiauth.recording.vault import Vault
from tests.here import httpx
from tests.recording.planting import key
from tests.recording.taping import Loopback, Reply, taping

CLAIMS: dict[str, Any] = {
    "iss": "https://login.shop.example/t1", "aud": ["https://api.shop.example"], "tid": "t1", "scp": "read write",
    "sub": "9f86d081-person", "email": "person@shop.example", "name": "A Person", "exp": 1_700_003_600,
    "iat": 1_700_000_000, "level": 7, "share": 0.5, "admin": True, "none": None, "department": "sales",
    "realm_access": {"roles": ["reader"], "since": "2001"},
}  # fmt: skip


def part(members: object) -> str:
    """Encode a part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


def jwt(seed: str = "one", **claims: Any) -> str:
    """Make a JWT with a signature of its own."""
    header = {"alg": "RS256", "typ": "at+jwt", "kid": f"key-{seed}-of-the-server"}
    return f"{part(header)}.{part({**CLAIMS, **claims})}.{key(seed, length=86)}"


def opened(token: str) -> list[dict[str, Any]]:
    """Read header and claims, as clients do."""
    return [json.loads(base64.urlsafe_b64decode(each + "=" * (-len(each) % 4))) for each in token.split(".")[:2]]


@pytest.fixture
def server() -> Iterator[Loopback]:
    """Answer on loopback."""
    loopback = Loopback()
    yield loopback
    loopback.close()


def client(server: Loopback) -> tuple[float, int]:
    """Ask for a token, look into it as a client of Entra does, and go where it leads."""
    at = f"http://127.0.0.1:{server.port}"
    with httpx.Client() as http:
        found = http.post(f"{at}/token", data={"grant_type": "client_credentials", "client_secret": "s3cr-t-value"})
        token = found.json()["access_token"]
        _, claims = opened(token)
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{at}/{claims['tid']}/users/{claims['sub']}"
        answer = http.get(url, params={"mail": claims["email"]}, headers=headers)
    return claims["exp"] - claims["iat"], answer.status_code


def test_client_that_looks_into_its_token_is_replayed(server: Loopback, tmp_path: Path) -> None:
    """What a client reads in its token and asks for is found on the tape, and the lifetime is not over."""
    token = jwt()
    server.next = Reply(json.dumps({"access_token": token, "id_token": jwt("id", nonce="n-0S6_WzA2Mj")}).encode())
    with taping(tmp_path, is_live=True) as (test, _):
        assert client(server) == (3600, 200)
    assert test.refusal is None
    server.next = Reply(status=500)
    with taping(tmp_path, is_live=False):
        lifetime, status = client(server)

    assert (status, server.asked) == (200, 2)
    assert lifetime > 10**9
    text = (tmp_path / "tape.yaml").read_text(encoding="utf-8")
    assert not [each for each in (*token.split("."), key("id", length=86)) if each in text]
    assert list(unclean(tmp_path / "tape.yaml")) == []


def test_structure_stays_and_values_are_chosen() -> None:
    """Header and claims have the members they had; what names a person is gone, what names a tenant is there."""
    header, claims = opened(Vault().placeholder("access-token", jwt()))

    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": "apiauth-kid-1"}
    assert claims == {
        **CLAIMS, "sub": "apiauth-sub-1", "email": "apiauth-email-1@user.example", "name": "apiauth-name-1",
        "exp": FAR, "iat": PAST, "level": 0, "share": 0.0, "department": "apiauth-department-1",
        "realm_access": {"roles": ["reader"], "since": "apiauth-since-1"},
    }  # fmt: skip


def test_one_token_is_one_placeholder() -> None:
    """The same token has the same placeholder, two tokens have two; the signature says what stands there."""
    vault = Vault()
    first, second = vault.placeholder("access-token", jwt()), vault.placeholder("access-token", jwt("two"))

    assert vault.placeholder("bearer", jwt()) == first != second
    assert (first.rpartition(".")[2], second.rpartition(".")[2]) == ("apiauth-access-token-1", "apiauth-access-token-2")
    assert opened(first)[1] == opened(second)[1]
    assert PLACEHOLDER.fullmatch(first)


@pytest.mark.parametrize("kind", ["a", "ab", "abc", "abcd"])
def test_signature_is_base64_of_some_kind(kind: str) -> None:
    """Libraries decode the signature before they are told not to look at it."""
    end = Vault().placeholder(kind, jwt()).rpartition(".")[2]

    assert base64.urlsafe_b64decode(end + "=" * (-len(end) % 4))


def test_placeholder_of_an_older_tape_stays() -> None:
    """What was recorded before keeps its placeholder, and another token gets another."""
    vault = Vault()
    old = Vault().placeholder("ab", jwt())
    vault.reserve(f"Bearer {old}")
    new = vault.placeholder("ab", jwt("two"))

    assert vault.placeholder("ab", old) == old
    assert vault.clean(f"{old} {new}") == f"{old} {new}"
    assert new != old


def test_profile_names_claims_that_stay() -> None:
    """``[recording] claims`` adds to the list."""
    profile = Profile.model_validate({"schema": 1, "recording": {"claims": ["Department", "level"]}})
    _, claims = opened(Vault(claims_of([profile])).placeholder("access-token", jwt()))

    assert (claims["department"], claims["level"], claims["name"]) == ("sales", 7, "apiauth-name-1")


def test_claim_with_a_known_secret_does_not_stay() -> None:
    """A value that the run knows is in no placeholder, whatever its claim is called."""
    vault = Vault()
    vault.note("api-key", "Kn0wn-Secret-77")
    _, claims = opened(vault.placeholder("access-token", jwt(tid="of Kn0wn-Secret-77")))

    assert claims["tid"] == "apiauth-tid-1"


def test_client_finds_its_own_id() -> None:
    """What has a placeholder in the environment of a replay has the same in a token."""
    _, claims = opened(Vault(standing={"client-77": "apiauth-client-id"}).placeholder("x", jwt(aud="client-77")))

    assert claims["aud"] == "apiauth-client-id"


@pytest.mark.parametrize(
    "value",
    ["eyJ.x.y", f"{part({'alg': 'A'})}.{part({})}", f"{part({'typ': 'A'})}.{part({})}.x", f"{part({'alg': 'A'})}.x.y"],
)
def test_what_is_no_jwt_has_a_placeholder_as_ever(value: str) -> None:
    """Encrypted tokens, and what only begins like a JWT, are not looked into."""
    assert Vault().placeholder("access-token", value) == "apiauth-access-token-1"


def test_claims_too_deep_to_be_looked_into() -> None:
    """A token that nests without end has a placeholder as ever."""
    nested: Any = {}
    for _ in range(900):
        nested = {"a": nested}
    token = f"{part({'alg': 'A'})}.{part(nested)}.sign"

    assert Vault().placeholder("access-token", token).endswith("apiauth-access-token-1")

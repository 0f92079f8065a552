"""What is read out of authorization server metadata and OpenID discovery documents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth import discover
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

ISSUER = "https://id.shop.example"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token", "urn:x"],
}


def profile_of(folder: Path, **more: Any) -> Profile:
    """Give the profile that is written from the document with some members changed; None removes one."""
    table = {name: value for name, value in {**DOCUMENT, **more}.items() if value is not None}
    (folder / "id.json").write_text(json.dumps(table), encoding="utf-8")
    list(discover.init(str(folder / "id.json"), str(folder / "id.apiauth.toml"), force=True))
    return loading.load(folder / "id.apiauth.toml")


def test_endpoints(tmp_path: Path) -> None:
    """Each endpoint is written relative to the issuer's host, or whole where it is elsewhere."""
    profile = profile_of(
        tmp_path, revocation_endpoint="https://other.example/revoke", introspection_endpoint=f"{ISSUER}/i"
    )

    assert (profile.api_url, profile.token_url, profile.authorize_url) == (ISSUER, "/token", "/authorize")
    assert (profile.revocation_url, profile.introspection_url) == ("https://other.example/revoke", "/i")
    assert set(profile.standards) == {"RFC 6749", "RFC 6750", "RFC 7009", "RFC 7662", "RFC 8414"}


def test_grants_that_work_without_a_person_come_first(tmp_path: Path) -> None:
    """Clients use the first grant; where the only known route is the user's own, that is authorization_code."""
    assert list(profile_of(tmp_path).grants) == ["client_credentials", "authorization_code", "refresh_token"]
    profile = profile_of(tmp_path, userinfo_endpoint=f"{ISSUER}/me", scopes_supported=["openid", "offline_access", "x"])
    assert list(profile.grants) == ["authorization_code", "client_credentials", "refresh_token"]
    assert profile.scope_of("authorization_code") == "openid offline_access"
    assert profile.zones["userinfo"].probe == ("/me",)


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (None, "client_secret_basic"),
        (["client_secret_post", "private_key_jwt"], "client_secret_post"),
        (["none"], "none"),
        (["none", "client_secret_basic"], "client_secret_basic"),
        (["none", "private_key_jwt"], "private_key_jwt"),
        (["client_secret_jwt", "tls_client_auth"], "client_secret_jwt"),
    ],
)
def test_client_authentication(tmp_path: Path, methods: list[str] | None, expected: str) -> None:
    """The first that a profile can hold; Basic where the document says nothing (RFC 8414 2)."""
    assert profile_of(tmp_path, token_endpoint_auth_methods_supported=methods).token.client_auth == expected


def test_clients_that_sign(tmp_path: Path) -> None:
    """A server that wants assertions gets them with a key of its own reference, signed in a way that it knows."""
    methods = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    usual = profile_of(tmp_path, **methods, token_endpoint_auth_signing_alg_values_supported=["ES256", "RS256"])
    other = profile_of(
        tmp_path, **methods, token_endpoint_auth_signing_alg_values_supported=["HS256", "PS256", "EdDSA"]
    )

    assert [profile.token.signs_with for profile in (usual, other)] == ["RS256", "PS256"]
    assert "RFC 7523" in usual.standards
    assert usual.credentials.private_key is not None
    assert usual.credentials.client_secret is None


def test_clients_that_present_a_certificate(tmp_path: Path) -> None:
    """They go to the endpoints that are for them, and have tokens bound to it if the server binds them (RFC 8705 5)."""
    aliases = {
        "token_endpoint": "https://mtls.id.example/token",
        "authorization_endpoint": "https://mtls.id.example/no",
    }
    more = {"tls_client_certificate_bound_access_tokens": True, "mtls_endpoint_aliases": aliases}
    own = profile_of(tmp_path, **more, token_endpoint_auth_methods_supported=["none", "self_signed_tls_client_auth"])
    other = profile_of(tmp_path, **more)

    assert (own.token.client_auth, own.token.bound) == ("self_signed_tls_client_auth", "mtls")
    assert own.token_endpoint == "https://mtls.id.example/token"
    assert "mtls" not in own.authorization_endpoint
    assert own.credentials.certificate is not None
    assert (own.credentials.client_secret, other.credentials.certificate) == (None, None)
    assert other.token.bound is None
    written = next(tmp_path.glob("*.apiauth.toml")).read_text(encoding="utf-8")
    remarks = " ".join(re.sub(r"\n# (?!To check)", " ", written).splitlines())
    assert 'if yours are, write bound = "mtls" and the endpoints that it has for them, at mtls.id.example' in remarks


def test_left_out_grants_mean_authorization_code(tmp_path: Path) -> None:
    """Without grant_types_supported it is authorization_code and implicit (RFC 8414 2)."""
    assert list(profile_of(tmp_path, grant_types_supported=None).grants) == ["authorization_code"]


@pytest.mark.parametrize(
    "more", [{"grant_types_supported": ["implicit"]}, {"issuer": "id"}, {"token_endpoint": "/token"}]
)
def test_unusable(tmp_path: Path, more: dict[str, Any]) -> None:
    """A document that leaves nothing to work with is one line."""
    with pytest.raises(discover.DocumentError) as caught:
        profile_of(tmp_path, **more)

    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(str(tmp_path / "id.json"))


def test_the_device_grant_is_known_by_its_long_name(tmp_path: Path) -> None:
    """A server with an endpoint for devices (RFC 8628 4) gives a profile with that grant."""
    urn = "urn:ietf:params:oauth:grant-type:device_code"
    device = f"{ISSUER}/device"
    profile = profile_of(tmp_path, grant_types_supported=[urn], device_authorization_endpoint=device)

    assert (list(profile.grants), profile.device_authorization_url) == (["device_code"], "/device")
    assert "RFC 8628" in profile.standards


def test_token_exchange_is_told_and_not_presumed(tmp_path: Path) -> None:
    """Whom a server lets exchange tokens is its own policy: a profile has that grant if its author writes it."""
    urn = "urn:ietf:params:oauth:grant-type:token-exchange"

    assert list(profile_of(tmp_path, grant_types_supported=["client_credentials", urn]).grants) == [
        "client_credentials"
    ]


def test_a_server_that_names_itself_in_its_answers(tmp_path: Path) -> None:
    """Its issuer goes into the profile, if a code can be asked for (RFC 9207 3)."""
    announced = {"authorization_response_iss_parameter_supported": True}
    profile = profile_of(tmp_path, **announced)

    assert (profile.authorization.iss, "RFC 9207" in profile.standards) == (ISSUER, True)
    assert profile_of(tmp_path).authorization.iss is False
    assert profile_of(tmp_path, **announced, grant_types_supported=["client_credentials"]).authorization.iss is False


def test_a_server_that_requests_are_pushed_to(tmp_path: Path) -> None:
    """Its endpoint goes into the profile, and that it takes no other requests (RFC 9126 5)."""
    place = {"pushed_authorization_request_endpoint": f"{ISSUER}/par"}
    profile = profile_of(tmp_path, **place, require_pushed_authorization_requests=True)

    assert (profile.pushed_authorization_request_url, "RFC 9126" in profile.standards) == ("/par", True)
    assert profile.authorization.require_pushed_authorization_requests
    optional = profile_of(tmp_path, **place)
    assert not optional.authorization.require_pushed_authorization_requests
    assert optional.pushed_authorization_request_url == "/par"
    assert not profile_of(tmp_path, require_pushed_authorization_requests=True).pushed_authorization_request_url

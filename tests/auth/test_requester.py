"""Valid requests with the values of a profile's identities in them, and what is said if one is not there."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.auth import requests
from pytest_apiauth.auth.requester import AuthorizationRequest, Requester, Value, header_value
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import GrantType, Profile
from tests.shop import found, parameters, shop


def identities(profile: Profile) -> Identities:
    """Resolve the shop's credentials."""
    return Identities(profile, found, Redactor())


def request(profile: Profile, grant: GrantType, issued: dict[Role, Value | None] | None = None) -> Request:
    """Build a token request."""
    return Requester(identities(profile)).token_request(grant, issued or {})


def builtin(name: str) -> Profile:
    """Load a profile of the suite."""
    return loading.load(loading.builtin_profiles()[name])


def basic_of(built: Request) -> str:
    """Decode the Basic credentials of a request, leaving what is inside as it is."""
    return base64.b64decode((built.header("authorization") or "").removeprefix("Basic ")).decode()


def pair_of(client_id: str, client_secret: str, *, encoding: str) -> str:
    """Return what a client's Basic credentials hold, decoded from Base64."""
    draft = requests.token_request(shop(token={"basic_encoding": encoding}), "client_credentials")
    return basic_of(draft.request({Ref(Role.CLIENT_ID): client_id, Ref(Role.CLIENT_SECRET): client_secret}))


def test_dastra_asks_as_documented() -> None:
    """DA-11, DA-12: a form with grant_type and scope, the client in HTTP Basic."""
    built = request(builtin("dastra"), "client_credentials")

    assert built.method == "POST"
    assert built.url == "https://account.dastra.eu/connect/token"
    assert built.header("content-type") == "application/x-www-form-urlencoded"
    assert parameters(built) == {"grant_type": "client_credentials", "scope": "api1"}
    assert basic_of(built) == "value-of-credentials.client_id:value-of-credentials.client_secret"


def test_jindexe_asks_as_documented() -> None:
    """JI-09, JI-18: JSON with the user's details, the API key in its header, no client."""
    built = request(builtin("jindexe"), "password")

    assert built.header("content-type") == "application/json"
    assert built.header("x-api-key") == "value-of-credentials.api_key"
    assert built.header("authorization") is None
    assert json.loads(built.body) == {
        "grant_type": "password",
        "username": "value-of-credentials.username",
        "password": "value-of-credentials.password",
    }


def test_digishare_asks_as_documented() -> None:
    """DI-06: JSON with the client's id and secret in it, and no scope."""
    built = request(builtin("digishare"), "client_credentials")

    assert built.url == "https://api.digishare.ma/v1/oauth/token"
    assert json.loads(built.body) == {
        "grant_type": "client_credentials",
        "client_id": "value-of-credentials.client_id",
        "client_secret": "value-of-credentials.client_secret",
    }


def test_an_empty_scope_is_not_sent() -> None:
    """A grant whose scope is empty sends none, not an empty one."""
    built = request(builtin("dastra"), "refresh_token", {Role.REFRESH_TOKEN: "spare"})

    assert parameters(built) == {"grant_type": "refresh_token", "refresh_token": "spare"}


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"client_auth": "client_secret_post"}, {"client_id": "shop-client", "client_secret": "S"}),
        ({"client_auth": "client_secret_json", "body": "json"}, {"client_id": "shop-client", "client_secret": "S"}),
        ({"client_auth": "none"}, {"client_id": "shop-client"}),
        ({"client_auth": "client_secret_basic"}, {}),
    ],
)
def test_the_client_authenticates_as_documented(settings: dict[str, Any], sent: dict[str, str]) -> None:
    """Each way of client authentication puts id and secret where its name says."""
    profile = shop(token=settings, grants={"client_credentials": {}})
    secrets = Identities(profile, lambda label, reference: "S", Redactor())
    built = Requester(secrets).token_request("client_credentials")

    assert parameters(built) == {"grant_type": "client_credentials", **sent}
    assert (built.header("authorization") is not None) == (settings["client_auth"] == "client_secret_basic")


@given(st.text(min_size=1), st.text())
def test_form_encoded_basic_credentials_come_apart_again(user_id: str, password: str) -> None:
    """Whatever is in id and secret, splitting at the only colon and decoding gives them back."""
    try:
        (user_id + password).encode()
    except UnicodeEncodeError:
        return
    inner = pair_of(user_id, password, encoding="form")

    assert inner.count(":") == 1
    assert [unquote(part) for part in inner.split(":")] == [user_id, password]


def test_unreserved_characters_are_not_encoded() -> None:
    """The two encodings of Basic agree on letters, digits and -._~, as most ids and secrets are made of."""
    plain = "aZ09-._~"

    assert pair_of(plain, plain, encoding="form") == pair_of(plain, plain, encoding="raw")


def test_a_client_id_with_a_colon_cannot_travel_raw() -> None:
    """A colon would be taken for the end of the id, so this is said before anything is sent."""
    profile = shop(
        token={"basic_encoding": "raw"}, credentials={"client_id": "a:b", "client_secret": {"env": "SHOP_SECRET"}}
    )
    with pytest.raises(CredentialError, match=r"colon cannot travel with basic_encoding"):
        request(profile, "client_credentials")


def test_further_parameters_of_a_grant_are_sent() -> None:
    """``extra`` parameters travel as they stand."""
    profile = shop(grants={"client_credentials": {"extra": {"audience": "https://api.example.org"}}})

    assert parameters(request(profile, "client_credentials"))["audience"] == "https://api.example.org"


def test_a_code_is_exchanged_with_its_verifier() -> None:
    """The exchange repeats the redirection URI and proves who asked; the scope was given already."""
    profile = shop(grants={"authorization_code": {"scope": "read offline_access"}})
    built = request(profile, "authorization_code", {Role.CODE: Secret("the-code", "x"), Role.VERIFIER: "the-verifier"})

    assert parameters(built) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://app.example.org/back",
        "code_verifier": "the-verifier",
    }


@pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token", "authorization_code"])
def test_what_is_missing_is_named(grant: GrantType) -> None:
    """A token request that lacks something says what, in one line."""
    with pytest.raises(CredentialError, match=r"^shop: \w+: the profile names none, and \w+ needs one$"):
        request(shop(credentials={}), grant)


def test_an_unset_variable_is_named() -> None:
    """An unset variable is one line with its name."""
    profile = shop()
    with pytest.raises(
        CredentialError, match=r"^shop: credentials.password: environment variable SHOP_PASSWORD is not set$"
    ):
        Requester(
            Identities(profile, lambda label, reference: None if "password" in label else "set", Redactor())
        ).token_request("password")


def test_a_key_that_no_header_can_carry_is_named_and_not_shown() -> None:
    """A line break at the end of a secret, the classic of CI variables, is one line without the secret."""
    with pytest.raises(CredentialError, match=r"^shop.api_key: .* line break") as caught:
        header_value(Secret("hidden-value\n", "shop.api_key"))

    assert "hidden-value" not in str(caught.value)


def authorization(profile: Profile | None = None) -> AuthorizationRequest:
    """Build an authorization request of the shop."""
    profile = profile or shop(grants={"authorization_code": {"scope": "read offline_access"}})
    return Requester(identities(profile)).authorization_request()


def test_an_authorization_request_has_what_the_standard_wants() -> None:
    """Code flow with state and an S256 challenge that belongs to the verifier (RFC 7636 4.2)."""
    asked = authorization()
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked.url).query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()

    assert asked.url.startswith("https://login.example.org/authorize?")
    assert query == {
        "response_type": "code",
        "client_id": "shop-client",
        "redirect_uri": "https://app.example.org/back",
        "scope": "read offline_access",
        "state": asked.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert 43 <= len(asked.verifier) <= 128


def test_the_query_of_the_endpoint_is_kept() -> None:
    """An endpoint's own query stays in front (RFC 6749 3.1)."""
    profile = shop(grants={"authorization_code": {}}, authorize_url="https://login.example.org/authorize?tenant=7")

    assert authorization(profile).url.startswith("https://login.example.org/authorize?tenant=7&response_type=code&")


def test_state_and_verifier_are_never_the_same_twice() -> None:
    """Both are random."""
    asked = [authorization() for _ in range(20)]

    assert len({each.state for each in asked}) == len({each.verifier for each in asked}) == 20


def test_an_authorization_request_does_not_print_its_secrets() -> None:
    """The repr shows neither state nor verifier."""
    asked = authorization()

    assert asked.state not in repr(asked)
    assert asked.verifier not in repr(asked)

"""Token requests as documented, token answers as they come, and the way over the browser."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.auth.grants import (
    AuthorizationRequest,
    authorization_request,
    basic_credentials,
    code_from_callback,
    header_value,
    read_token,
    token_request,
)
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, TokenError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import GrantType, Profile
from tests.shop import HTML, JSON, answered, found, parameters, shop

GOOD = {"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 3600}


def identities(profile: Profile) -> Identities:
    """Resolve the shop's credentials."""
    return Identities(profile, found, Redactor())


def request(profile: Profile, grant: GrantType, **values: Any) -> Request:
    """Build a token request."""
    return token_request(profile, grant, identities(profile), **values)


def builtin(name: str) -> Profile:
    """Load a profile of the suite."""
    return loading.load(loading.builtin_profiles()[name])


def basic_of(built: Request) -> str:
    """Decode the Basic credentials of a request, leaving what is inside as it is."""
    return base64.b64decode((built.header("authorization") or "").removeprefix("Basic ")).decode()


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
    built = request(builtin("dastra"), "refresh_token", refresh_token="spare")

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
    built = token_request(profile, "client_credentials", secrets)

    assert parameters(built) == {"grant_type": "client_credentials", **sent}
    assert (built.header("authorization") is not None) == (settings["client_auth"] == "client_secret_basic")


@given(st.text(min_size=1), st.text())
def test_form_encoded_basic_credentials_come_apart_again(user_id: str, password: str) -> None:
    """Whatever is in id and secret, splitting at the only colon and decoding gives them back."""
    try:
        (user_id + password).encode()
    except UnicodeEncodeError:
        return
    coded = basic_credentials(user_id, password, encoding="form")
    inner = base64.b64decode(coded.removeprefix("Basic ")).decode()

    assert inner.count(":") == 1
    assert [unquote(part) for part in inner.split(":")] == [user_id, password]


def test_unreserved_characters_are_not_encoded() -> None:
    """The two encodings of Basic agree on letters, digits and -._~, as most ids and secrets are made of."""
    plain = "aZ09-._~"

    assert basic_credentials(plain, plain, encoding="form") == basic_credentials(plain, plain, encoding="raw")


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
    built = request(profile, "authorization_code", code=Secret("the-code", "x"), verifier="the-verifier")

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
        token_request(
            profile,
            "password",
            Identities(profile, lambda label, reference: None if "password" in label else "set", Redactor()),
        )


def test_a_key_that_no_header_can_carry_is_named_and_not_shown() -> None:
    """A line break at the end of a secret, the classic of CI variables, is one line without the secret."""
    with pytest.raises(CredentialError, match=r"^shop.api_key: .* line break") as caught:
        header_value(Secret("hidden-value\n", "shop.api_key"))

    assert "hidden-value" not in str(caught.value)


def read(response: Response, profile: Profile | None = None, redactor: Redactor | None = None) -> Any:
    """Read a token answer at time 1000."""
    return read_token(profile or shop(), "password", response, 1000.0, redactor or Redactor())


def test_a_good_answer_is_a_token() -> None:
    """Every member of the answer lands in the token."""
    token = read(answered({**GOOD, "token_type": "bEARER", "refresh_token": "the-refresh-token", "scope": "read"}))

    assert token.access_token.reveal() == "the-access-token"
    assert token.refresh_token.reveal() == "the-refresh-token"
    assert (token.token_type, token.scope, token.grant) == ("bEARER", "read", "password")
    assert (token.issued_at, token.expires_at) == (1000.0, 4600.0)


def test_an_answer_is_learnt_by_the_redactor_even_if_it_is_refused() -> None:
    """No secret of an answer is printed later, whatever is wrong with the answer."""
    redactor = Redactor()
    with pytest.raises(TokenError):
        read(answered({**GOOD, "expires_in": -1, "refresh_token": "the-refresh-token"}), redactor=redactor)

    assert redactor.finds("the-access-token")
    assert redactor.finds("the-refresh-token")


def test_an_absent_lifetime_gives_way_to_the_documented_one() -> None:
    """Without expires_in, the profile's documented lifetime holds; without either, none."""
    answer = answered({"access_token": "the-access-token"})

    assert read(answer).expires_at is None
    assert read(answer, shop(token={"answer": {"expires_in": 60}})).expires_at == 1060.0


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (Response(200, HTML, b"<html>Log in</html>"), "status 200 with an HTML page"),
        (Response(502, HTML, b"<html>Bad gateway</html>"), "status 502 with an HTML page"),
        (Response(200, (), b"  <!doctype html>"), "status 200 with an HTML page"),
        (Response(500, (), b"oops"), "status 500 with a body that is not JSON (no content type)"),
        (Response(500, JSON, b"{}"), "status 500 with JSON that has no access_token, only: nothing"),
        (Response(200, JSON, b"\xff\xfe"), "status 200 with a body that is not JSON (application/json)"),
        (Response(200, JSON, b'["a"]'), "status 200 with a JSON array, not a JSON object"),
        (Response(302, (("Location", "https://sso.example.org/"),)), "a redirect to https://sso.example.org/"),
        (answered({"error": "invalid_client", "error_description": "Who?"}, 401), "status 401: invalid_client, Who?"),
        (answered({"error": "invalid_scope"}), "status 200: invalid_scope"),
        (answered({"token": "x", "ttl": 1}), "no access_token, only: token, ttl"),
        (answered({**GOOD, "access_token": 5}), "got a JSON number"),
        (answered({**GOOD, "access_token": None}), "got null"),
        (answered({**GOOD, "access_token": ""}), "got an empty text"),
        (answered({**GOOD, "access_token": "line\nbreak"}), "a header can carry"),
        (answered({**GOOD, "access_token": "snow☃man"}), "a header can carry"),
        (answered({**GOOD, "token_type": "mac"}), "token_type 'mac'"),
        (answered({**GOOD, "token_type": 1}), "token_type 1"),
        (answered({**GOOD, "expires_in": "3600"}), "got expires_in '3600'"),
        (answered({**GOOD, "expires_in": -1}), "got expires_in -1"),
        (answered({**GOOD, "expires_in": 0}), "got expires_in 0"),
        (answered({**GOOD, "expires_in": True}), "got expires_in True"),
        (answered({**GOOD, "expires_in": float("nan")}), "got expires_in nan"),
        (answered({**GOOD, "expires_in": float("inf")}), "got expires_in inf"),
        (answered({**GOOD, "expires_in": [1]}), "got expires_in [1]"),
    ],
)
def test_anything_else_is_one_clear_line(response: Response, says: str) -> None:
    """An answer that is no token is one line with profile, endpoint, what was expected and what came."""
    with pytest.raises(TokenError) as caught:
        read(response)
    line = str(caught.value)

    assert line.startswith("shop: https://login.example.org/token (password): expected ")
    assert says in line
    assert "\n" not in line
    assert "the-access-token" not in line


@pytest.mark.parametrize("value", [3600, 3600.5, 10**400])
def test_any_positive_number_is_a_lifetime(value: float) -> None:
    """JSON knows one kind of number, of any size."""
    assert read(answered({**GOOD, "expires_in": value})).expires_at > 4599


@pytest.mark.parametrize("pad", [0, *range(100, 150), 300])
def test_a_secret_that_the_server_repeats_is_not_printed_not_even_in_part(pad: int) -> None:
    """What the server says is redacted before it is cut to length."""
    redactor = Redactor()
    redactor.learn("correct-horse-battery", "shop.password")
    described = "x" * pad + " correct-horse-battery is wrong"
    with pytest.raises(TokenError) as caught:
        read(answered({"error": "invalid_grant", "error_description": described}, 400), redactor=redactor)

    assert "correct" not in str(caught.value)


@given(st.text())
def test_foreign_text_becomes_one_printable_line(text: str) -> None:
    """Nothing that a server says breaks a line or moves the cursor."""
    line = one_line(text)

    assert line.isprintable()
    assert len(line) <= 160


def authorization(profile: Profile | None = None) -> AuthorizationRequest:
    """Build an authorization request of the shop."""
    profile = profile or shop(grants={"authorization_code": {"scope": "read offline_access"}})
    return authorization_request(profile, identities(profile))


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


def test_a_callback_gives_its_code() -> None:
    """The right place and the right state give the code, decoded."""
    asked = authorization()

    assert code_from_callback(asked, f"{asked.redirect_uri}?state={asked.state}&code=a%2Fb&iss=x") == "a/b"


def test_the_query_of_the_redirection_uri_must_come_back() -> None:
    """A redirection URI with a query of its own is one place, with another query it is another."""
    profile = shop(
        grants={"authorization_code": {}},
        credentials={"client_id": "shop-client", "redirect_uri": "https://app.example.org/back?tenant=7"},
    )
    asked = authorization(profile)

    assert code_from_callback(asked, f"{asked.redirect_uri}&state={asked.state}&code=c") == "c"
    with pytest.raises(TokenError, match="somewhere else"):
        code_from_callback(asked, f"https://app.example.org/back?tenant=8&state={asked.state}&code=c")


@pytest.mark.parametrize(
    ("callback", "says"),
    [
        ("https://app.example.org/back?code=c", "state"),
        ("https://app.example.org/back?code=c&state=other", "state"),
        ("https://app.example.org/back?code=c&state={state}&state={state}", "state"),
        ("https://app.example.org/back?code=c&state=%C3%A9", "state"),
        ("https://app.example.org.evil.example/back?code=c&state={state}", "somewhere else"),
        ("https://app.example.org/other?code=c&state={state}", "somewhere else"),
        ("http://app.example.org/back?code=c&state={state}", "somewhere else"),
        ("https://app.example.org:444/back?code=c&state={state}", "somewhere else"),
        ("https://evil@app.example.org/back?code=c&state={state}", "somewhere else"),
        ("https://app.example.org/back?state={state}", "one code"),
        ("https://app.example.org/back?code=c&code=d&state={state}", "one code"),
        ("https://app.example.org/back?error=access_denied&error_description=no+way&state={state}", "denied, no way"),
    ],
)
def test_a_wrong_callback_gives_no_code(callback: str, says: str) -> None:
    """A callback with a wrong place, a wrong state or an error is one line."""
    asked = authorization()
    with pytest.raises(TokenError, match=says) as caught:
        code_from_callback(asked, callback.format(state=asked.state))

    assert str(caught.value).startswith("shop: authorization_code: ")
    assert "\n" not in str(caught.value)

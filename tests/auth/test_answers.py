"""Token answers as they come, and the way back from the browser."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth import messages
from pytest_apiauth.auth import answers
from pytest_apiauth.auth.answers import code_from_callback, read_token
from pytest_apiauth.auth.requester import AuthorizationRequest, Requester
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import TokenError
from pytest_apiauth.messages import Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile
from tests.shop import HTML, JSON, answered, found, shop

GOOD = {"access_token": "the-access-token", "token_type": "Bearer", "expires_in": 3600}


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


def test_a_long_token_and_many_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused beyond a bound is refused for nothing else: it is read where the bound is wider."""
    many = b'{"access_token": "a-token", "pad": "' + b"\xc3\xa9" * 2_000_000 + b'", "x": [' + b"0," * 500_000 + b"0]}"
    monkeypatch.setattr(answers, "LONGEST_TOKEN", 200_000)
    monkeypatch.setattr(messages, "MOST_VALUES", 600_000)

    assert read(answered({**GOOD, "access_token": "x" * 100_001})).access_token.reveal() == "x" * 100_001
    assert read(Response(200, JSON, many)).access_token.reveal() == "a-token"


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
        (answered({**GOOD, "access_token": "caf\xe9"}), "letters that are not ASCII"),
        (answered({**GOOD, "access_token": "x" * 100_001}), "at most 100 kB, got one of 100001 letters"),
        (Response(200, JSON, b'{"access_token": "a", "x": [' + b"0," * 500_000 + b"0]}"), "a body that is not JSON"),
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
    return Requester(Identities(profile, found, Redactor())).authorization_request()


def test_a_callback_gives_its_code() -> None:
    """The right place and the right state give the code, decoded."""
    asked = authorization()

    assert code_from_callback(asked, f"{asked.redirect_uri}?state={asked.state}&code=a%2Fb&iss=x") == "a/b"


def test_an_answer_names_one_issuer() -> None:
    """Two that contradict each other are none (RFC 9207 2.4)."""
    asked = authorization()
    callback = f"{asked.redirect_uri}?state={asked.state}&code=c&iss=x&iss=y"

    with pytest.raises(TokenError, match="got x, y; this answer is not ours"):
        code_from_callback(asked, callback, names_issuer=True)


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

    assert str(caught.value).startswith(f"shop: {asked.url.partition('?')[0]} (authorization_code): ")
    assert "\n" not in str(caught.value)

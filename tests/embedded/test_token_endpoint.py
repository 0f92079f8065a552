"""What the token endpoint takes, refuses and answers (RFC 6749 2.3, 3.2, 4, 5)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pytest_apiauth.messages import Response
from tests.embedded.caller import PROFILES, Caller, swapped


def error_of(answer: Response) -> tuple[int, object]:
    """Give the status and the error code of a refusal, having checked its form (RFC 6749 5.2)."""
    body = answer.json()
    assert isinstance(body, dict)
    assert "access_token" not in body
    assert (answer.media_type, answer.header("cache-control")) == ("application/json", "no-store")
    if answer.status == 401:
        assert answer.header("www-authenticate")
    return answer.status, body["error"]


@pytest.mark.parametrize("name", PROFILES)
def test_documented_grants(name: str) -> None:
    """Every documented grant gives a token, answered as RFC 6749 5.1 and the profile want it."""
    caller = Caller(name)
    for grant in caller.profile.grants:
        if grant == "refresh_token":
            continue
        values = caller.code() if grant == "authorization_code" else {}
        answer = caller.ask(grant, **values)
        body = answer.json()
        assert isinstance(body, dict)
        documented = caller.profile.answer_of(grant)

        assert (answer.status, answer.media_type) == (200, "application/json")
        assert (answer.header("cache-control"), answer.header("pragma")) == ("no-store", "no-cache")
        assert (documented.token_type or "Bearer") == body["token_type"]
        assert (documented.expires_in or caller.profile.token.answer.expires_in or 3600) == body["expires_in"]
        assert documented.scope is None or documented.scope == body["scope"]
        assert documented.refresh_token is None or documented.refresh_token == ("refresh_token" in body)


def test_exact_members() -> None:
    """An answer has the documented members and no others (DA-13, JI-10, DI-07)."""
    base = {"access_token", "token_type", "expires_in"}

    assert base | {"scope"} == Caller("dastra").token().keys()
    assert base | {"scope", "refresh_token"} == Caller("jindexe").token().keys()
    assert base == Caller("digishare").token().keys()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("name", PROFILES)
def test_post_only(name: str, method: str) -> None:
    """No other method gives a token, and 405 says which does (RFC 6749 3.2)."""
    caller = Caller(name)

    answer = caller.send(caller.parameters(caller.profile.usual_grant or ""), method=method)

    assert (answer.status, answer.header("allow"), answer.body) == (405, "POST", b"")


@pytest.mark.parametrize(
    ("name", "content_type", "status"),
    [
        ("dastra", "application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("dastra", "APPLICATION/X-WWW-FORM-URLENCODED", 200),
        ("dastra", "application/json", 400),
        ("dastra", "text/plain", 400),
        ("dastra", "multipart/form-data; boundary=x", 400),
        ("jindexe", "application/json; charset=utf-8", 200),
        ("jindexe", "application/x-www-form-urlencoded", 400),
        ("digishare", "text/json", 400),
    ],
)
def test_content_types(name: str, content_type: str, status: int) -> None:
    """The documented body type is taken, with any parameter, and no other."""
    caller = Caller(name)
    parameters = caller.parameters(caller.profile.usual_grant or "")

    assert status == caller.send(parameters, content_type=content_type).status


@pytest.mark.parametrize("name", PROFILES)
def test_body_only(name: str) -> None:
    """Parameters in the query count for nothing, good or bad; unknown ones are ignored."""
    caller = Caller(name)
    grant = caller.profile.usual_grant or ""
    everything = caller.parameters(grant)

    def query(**values: str) -> str:
        return "&".join(f"{key}={value}" for key, value in values.items())

    assert 400 <= caller.send("", query=query(**everything)).status < 500
    assert caller.send(everything, query=query(grant_type="bad", client_id="bad")).status == 200
    assert caller.ask(grant, nonsense="1", x="2").status == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "grant_type",
        "grant_type=client_credentials",
        "=&=",
        "%zz=1",
        "a=%ff",
        "grant_type=client_credentials&a=\xe9",
    ],
)
def test_malformed_forms(body: str) -> None:
    """What is no form, or lacks something, gives an error in JSON."""
    assert error_of(Caller("dastra").send(body))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '"text"',
        "{",
        "[" * 100_000,
        "{'grant_type': 'password'}",
        '{"grant_type": NaN}',
        '{"grant_type": "password", "username": "\\ud800", "password": "x"}',
        '{"grant_type": "password", "grant_type": "password"}',
        '\ufeff{"grant_type": "password"}',
        '{"grant_type": ' + "9" * 5000 + "}",
    ],
)
def test_malformed_json(body: str) -> None:
    """What is no JSON object of strings gives invalid_request."""
    assert error_of(Caller("jindexe").send(body)) == (400, "invalid_request")


@pytest.mark.parametrize("value", [None, True, 0, 1.5, [], ["x"], {}, {"$ne": ""}])
@pytest.mark.parametrize("member", ["grant_type", "username", "password", "scope", "refresh_token"])
def test_json_values_of_other_types(member: str, value: object) -> None:
    """A documented member is a string; any other JSON value is malformed."""
    caller = Caller("jindexe")
    parameters = {**caller.parameters("password"), member: value}

    assert error_of(caller.send(parameters)) == (400, "invalid_request")


def test_unknown_json_members() -> None:
    """An unknown member may be of any type, since nobody reads it."""
    caller = Caller("jindexe")

    assert caller.ask("password", client_id="x", device={"name": "x"}, tries=[1, None]).status == 200


def test_repeated_and_empty_parameters() -> None:
    """A repeated parameter is refused, whatever its values; an empty one counts as absent (RFC 6749 3.2)."""
    caller = Caller("dastra")
    good = "grant_type=client_credentials&scope=api1"

    assert error_of(caller.send(f"{good}&scope=api1")) == (400, "invalid_request")
    assert error_of(caller.send(f"{good}&x=1&x=")) == (400, "invalid_request")
    assert caller.send(f"{good}&client_id=&refresh_token=").status == 200
    assert error_of(caller.send("grant_type=&scope=api1")) == (400, "invalid_request")
    assert error_of(caller.send("grant_type=client_credentials&scope=")) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "Client_Credentials"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "api2"}, "invalid_scope"),
        ({"scope": "api1 api2"}, "invalid_scope"),
        ({"scope": "api1  api1"}, "invalid_scope"),
        ({"scope": 'api1 "'}, "invalid_scope"),
        ({"client_id": "another"}, "invalid_request"),
        ({"client_secret": "anything"}, "invalid_request"),
    ],
)
def test_errors_of_a_good_client(values: dict[str, Any], error: str) -> None:
    """A client that is known gets the error code that fits (RFC 6749 5.2)."""
    assert (400, error) == error_of(Caller("dastra").ask("client_credentials", **values))


@pytest.mark.parametrize(
    "edit",
    [
        lambda client_id, secret: (client_id, swapped(secret)),
        lambda client_id, secret: (client_id, secret[:-1]),
        lambda client_id, secret: (client_id, secret + "A"),
        lambda client_id, secret: (client_id, secret.lower()),
        lambda client_id, secret: (client_id, ""),
        lambda client_id, secret: (client_id.upper(), secret),
        lambda client_id, secret: ("unknown", secret),
        lambda client_id, secret: ("", secret),
        lambda client_id, secret: (secret, client_id),
        lambda client_id, secret: ("", ""),
    ],
)
@pytest.mark.parametrize("name", ["dastra", "digishare", "harbour", "mill"])
def test_bad_clients(name: str, edit: Any) -> None:
    """A client that cannot prove itself is refused with 401 and a Basic challenge."""
    caller = Caller(name)
    client_id, secret = edit(*caller.client())
    parameters = caller.parameters("client_credentials", client=None)
    headers = {}
    if caller.profile.token.client_auth == "client_secret_basic":
        headers["Authorization"] = "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    else:
        parameters |= {"client_id": client_id, "client_secret": secret}

    answer = caller.send(parameters, headers)

    assert error_of(answer) == (401, "invalid_client")
    assert f'Basic realm="{name}", charset="UTF-8"' == answer.header("www-authenticate")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Basic YWJj", 401),
        ("Basic \xff\xfe", 401),
        ("Basic gA==", 401),
        ("Basic JXp6Ong=", 401),
        ("Bearer abc", 401),
        ("", 401),
    ],
)
def test_malformed_basic(authorization: str, status: int) -> None:
    """Basic that is not base64 of UTF-8 with a colon is a bad client, never a crash."""
    caller = Caller("dastra")

    answer = caller.send(caller.parameters("client_credentials"), {"Authorization": authorization})

    assert (status, "invalid_client") == error_of(answer)


@pytest.mark.parametrize("name", ["dastra", "digishare", "harbour", "mill"])
@pytest.mark.parametrize("client", ["second", "special"])
def test_further_clients(name: str, client: str) -> None:
    """The second client works, and so does the one whose secret has awkward characters."""
    assert Caller(name).token("client_credentials", client)["access_token"]


def test_scheme_and_first_colon() -> None:
    """Basic is known in any case; id and secret part at the first colon (RFC 7617 2)."""
    caller = Caller("mill")
    _, secret = caller.client("special")
    parameters = caller.parameters("client_credentials")
    good = caller.basic("special")

    assert ":" in (secret or "")
    assert caller.send(parameters, {"authorization": "bASIC" + good[5:]}).status == 200
    assert caller.server.handle(_twice(caller, good)).status == 400


def _twice(caller: Caller, authorization: str) -> Any:
    from pytest_apiauth.messages import Request

    lines = (("Authorization", authorization),) * 2 + (("Content-Type", "application/x-www-form-urlencoded"),)
    return Request("POST", caller.profile.token_endpoint, lines, b"grant_type=client_credentials")


@pytest.mark.parametrize("name", ["dastra", "digishare", "harbour"])
def test_documented_client_authentication_only(name: str) -> None:
    """A secret sent in an undocumented way proves nothing; two ways at once are refused (RFC 6749 2.3)."""
    caller = Caller(name)
    client_id, secret = caller.client()
    both = caller.parameters("client_credentials", client_id=client_id, client_secret=secret)
    bare = caller.parameters("client_credentials", client=None)
    in_body = name != "dastra"

    assert error_of(caller.send(bare, {})) == (401, "invalid_client")
    assert error_of(caller.send(both, {"Authorization": caller.basic()})) == (400, "invalid_request")
    wrong_way = caller.send(bare, {"Authorization": caller.basic()}) if in_body else caller.send(both, {})
    assert error_of(wrong_way) == (401, "invalid_client")


def test_token_route_needs_the_key() -> None:
    """Jindexe's token route lies in a zone that needs the key (JI-18); a surplus token does no harm (JI-05)."""
    caller = Caller("jindexe")
    parameters = caller.parameters("password")
    without = caller.send(parameters, {})

    assert error_of(without) == (401, "invalid_client")
    assert without.header("www-authenticate") == 'ApiKey realm="jindexe"'
    assert caller.send(parameters, {"X-API-KEY": swapped(caller.key())}).status == 401
    assert caller.send(parameters, {**caller.headers(), "Authorization": "Bearer surplus"}).status == 200


@pytest.mark.parametrize(
    "edit",
    [
        lambda username, password: (username, swapped(password)),
        lambda username, password: (username, password.lower()),
        lambda username, password: (username, password[:-1]),
        lambda username, password: (username.upper(), password),
        lambda username, password: ("nobody@example.org", password),
    ],
)
def test_wrong_passwords(edit: Any) -> None:
    """A token is given only where the user's details are right (JI-11)."""
    caller = Caller("jindexe")
    username, password = edit(*caller.user())

    assert error_of(caller.ask("password", username=username, password=password)) == (400, "invalid_grant")


@pytest.mark.parametrize("member", ["username", "password"])
def test_password_grant_lacks_something(member: str) -> None:
    """A missing or empty user name or password is invalid_request."""
    caller = Caller("jindexe")

    assert error_of(caller.ask("password", **{member: None})) == (400, "invalid_request")
    assert error_of(caller.ask("password", **{member: ""})) == (400, "invalid_request")


def test_public_client() -> None:
    """A client without a secret may not act on its own (RFC 6749 4.4), and cannot pretend to have one."""
    caller = Caller("harbour")

    assert error_of(caller.ask("client_credentials", "app")) == (400, "unauthorized_client")
    assert error_of(caller.ask("client_credentials", "app", client_secret="x")) == (401, "invalid_client")
    assert caller.ask("password", "app").status == 200


def test_scopes_of_a_user_grant() -> None:
    """Known scopes are granted as asked for, unknown ones are refused, and none at all gives the usual one."""
    caller = Caller("harbour")

    assert caller.token("password", scope="write")["scope"] == "write"
    assert caller.token("password", scope=None)["scope"] == "read write"
    assert error_of(caller.ask("password", scope="read admin")) == (400, "invalid_scope")


def test_no_secret_comes_back() -> None:
    """An error echoes nothing of the request."""
    caller = Caller("digishare")
    answer = caller.ask("client_credentials", client_secret="a-wrong-secret", scope="a-strange-scope")

    assert b"a-wrong-secret" not in answer.body
    assert b"a-strange-scope" not in answer.body
    assert "client_secret" not in json.dumps(answer.headers)


def test_documented_refusals() -> None:
    """Where a profile documents other statuses of a refusal, those are used."""
    from pytest_apiauth.embedded import Server
    from tests.embedded.caller import profile_named

    caller = Caller("jindexe")
    caller.server = Server(profile_named("jindexe").replaced(refusal=(403,)))

    assert caller.get("/public/cards").status == 403
    assert caller.send(caller.parameters("password"), {}).status == 403

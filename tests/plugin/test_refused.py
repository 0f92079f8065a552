"""Beside a failing test stands why the embedded server has refused its requests: one line each, and no secret."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.plugin.projects import Run, output

PROFILE: Final = """
schema = 1
api_url = "https://api.shop.example/v1"
token_url = "https://id.shop.example/token"
[token]
scope = "read"
[token.answer]
expires_in = 60
[grants.client_credentials]
[grants.password]
[credentials]
client_id = "shop"
client_secret = { env = "SHOP_SECRET" }
username = "ada"
password = { env = "SHOP_PASSWORD" }
api_key = { env = "SHOP_KEY" }
[api_key]
header = "X-Shop-Key"
[zones.items]
path = "/items/"
needs = ["bearer"]
probe = ["/items/1"]
[zones.wide]
path = "/wide/"
needs = ["bearer"]
scope = "write"
probe = ["/wide/1"]
[zones.keyed]
path = "/keyed/"
needs = ["api_key"]
probe = ["/keyed/1"]
[zones.person]
path = "/person/"
needs = ["basic"]
probe = ["/person/1"]
"""
HELPERS: Final = '''
import base64
import os
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

API = "https://api.shop.example/v1"
TOKEN = "https://id.shop.example/token"


def ask(url, method="GET", body=None, **headers):
    """Ask by a library that meets the server over a socket."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    url = url if "://" in url else API + url
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, lines, method=method)).status
    except urllib.error.HTTPError as error:
        return error.code


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def token(who=None, **form):
    who = who or basic("shop", os.environ["SHOP_SECRET"])
    return ask(TOKEN, "POST", urlencode(form).encode(), Authorization=who)
'''
ENVIRONMENT: Final = 'apiauth_server.environment["{0}"], and in that variable while apiauth_mock is at work'
CASES: Final = {
    # What a test does, and the line that stands beside its failure.
    "path": (
        'ask("/other/1?key=hidden-0")',
        "GET /v1/other/1 was answered 404: no zone has that path: the profile's zones are /v1/items/ (items), /v1/wide/"
        " (wide), /v1/keyed/ (keyed), /v1/person/ (person); name it in [zones], or answer it by"
        ' apiauth_server.respond("GET", "/other/1", …)',
    ),
    "above": (
        'ask("https://api.shop.example/items/1", "PUT")',
        "PUT /items/1 was answered 404: it is not below api_url, https://api.shop.example/v1: the profile's zones are"
        " /v1/items/ (items), /v1/wide/ (wide), /v1/keyed/ (keyed), /v1/person/ (person); name it in [zones], or answer"
        ' it by apiauth_server.respond("PUT", "https://api.shop.example/items/1", …)',
    ),
    "endpoint": (
        'ask("https://id.shop.example/tokn", "POST")',
        "POST /tokn was answered 404: at https://id.shop.example the profile has only token_url at /token",
    ),
    "method": (
        'ask("/items/1", "POST", Authorization=apiauth_token.authorization)',
        'POST /v1/items/1 was answered 405: zone items has GET and HEAD; write methods = ["POST"] in [zones.items], or'
        ' answer it by apiauth_server.respond("POST", "/items/1", …)',
    ),
    "method of an endpoint": ("ask(TOKEN)", "GET /token was answered 405: this endpoint takes POST"),
    "scheme": (
        'ask("http://api.shop.example/v1/items/1?key=hidden-0")',
        "GET http://api.shop.example/v1/items/1 was answered 421: the profile has that host, and not by http: it names"
        " https://api.shop.example, https://id.shop.example; api_url and the other URLs of the profile say where it"
        " answers",
    ),
    "port": (
        'ask("https://api.shop.example:8443/v1/items/1")',
        "GET https://api.shop.example:8443/v1/items/1 was answered 421: the profile has that host, and not by that"
        " scheme and port: it names https://api.shop.example, https://id.shop.example; api_url and the other URLs of"
        " the profile say where it answers",
    ),
    "host": (
        'ask(apiauth_url + "/items/1", Host="other.example")',
        "GET http://other.example/v1/items/1 was answered 421: its host is none of the profile's: it names"
        " https://api.shop.example, https://id.shop.example; api_url and the other URLs of the profile say where it"
        " answers",
    ),
    "expired": (
        'apiauth_server.clock.advance(61) or ask("/items/1", Authorization=apiauth_token.authorization)',
        "GET /v1/items/1 was answered 401: Authorization: Bearer has a token whose time was over by the server's clock,"
        " 1 s before; ask for another one",
    ),
    "revoked": (
        "apiauth_server.revoke(apiauth_token.access_token) or"
        ' ask("/items/1", Authorization=apiauth_token.authorization)',
        "GET /v1/items/1 was answered 401: Authorization: Bearer has a token that was revoked, or that a refresh or a"
        " log-out has ended; ask for another one",
    ),
    "unknown": (
        'ask("/items/1", Authorization="Bearer hidden-0")',
        "GET /v1/items/1 was answered 401: Authorization: Bearer has a token that this server has not issued; each test"
        " has a server of its own, which knows its own tokens only",
    ),
    "no token": (
        'ask("/items/1", Authorization="Bearer {hidden-0}")',
        "GET /v1/items/1 was answered 401: Authorization: Bearer has what can be no token by its letters (RFC 6750"
        " 2.1); send the token as it was answered",
    ),
    "another key": (
        'ask("/keyed/1", X_Shop_Key="hidden-0")',
        "GET /v1/keyed/1 was answered 401: X-Shop-Key has a key that this server does not know; the good one is "
        + ENVIRONMENT.format("SHOP_KEY"),
    ),
    "a user": (
        'ask("/person/1", Authorization=basic("bob", "hidden-0"))',
        "GET /v1/person/1 was answered 401: Authorization: Basic has a user that this server does not know; the"
        " profile's username is 'ada'",
    ),
    "a password": (
        'ask("/person/1", Authorization=basic("ada", "hidden-0"))',
        "GET /v1/person/1 was answered 401: Authorization: Basic has a user whose password is another one; the good one"
        " is " + ENVIRONMENT.format("SHOP_PASSWORD"),
    ),
    "no name": (
        'ask("/person/1", Authorization="Basic hidden-0")',
        "GET /v1/person/1 was answered 401: Authorization: Basic has what is no Base64 of name:password in UTF-8;"
        " RFC 7617 has the form; of requests, UTF-8 is had by bytes",
    ),
    "scope of a token": (
        'ask("/wide/1", Authorization=apiauth_token.authorization)',
        "GET /v1/wide/1 was answered 403: its token has the scope 'read', and zone wide asks for 'write';"
        " @pytest.mark.apiauth(scope=…), or scope in the profile's [token] or the grant, is what to ask for",
    ),
    "no word": (
        'ask("/items/1", Authorization="hidden-0")',
        "GET /v1/items/1 came without Authorization: Bearer, which the profile asks for there; its Authorization has no"
        " Bearer in front",
    ),
    "another word": (
        'ask("/items/1", Authorization="Basic hidden-0")',
        "GET /v1/items/1 came without Authorization: Bearer, which the profile asks for there; its Authorization has no"
        " Bearer in front",
    ),
    "another header": (
        'ask("/keyed/1", X_Api_Key="hidden-0")',
        "GET /v1/keyed/1 came without X-Shop-Key, which the profile asks for there; it has the header X-Api-Key",
    ),
    "a parameter": (
        'ask("/keyed/1?x-shop-key=hidden-0")',
        "GET /v1/keyed/1 came without X-Shop-Key, which the profile asks for there; it has the parameter x-shop-key",
    ),
    "a name of its own": (
        'ask("/keyed/1", Own_Name=os.environ["SHOP_KEY"])',
        "GET /v1/keyed/1 came without X-Shop-Key, which the profile asks for there; it has the header Own-Name",
    ),
    "an unknown scope": (
        'token(grant_type="client_credentials", scope="read report")',
        "POST /token was answered 400: invalid_scope: A scope is not known: it asks for 'read report', and the profile"
        " has 'read'; which is known is said by scope in its [token] or in [grants.client_credentials], for one test by"
        " @pytest.mark.apiauth(scope=…)",
    ),
    "another grant": (
        'token(grant_type="urn:x")',
        "POST /token was answered 400: unsupported_grant_type: 'urn:x' is asked for, and the profile's [grants] are"
        " client_credentials, password",
    ),
    "another client": (
        'token(basic("shp", "hidden-0"), grant_type="client_credentials")',
        "POST /token was answered 401: invalid_client: The client is not known or its secret is wrong: client_id has a"
        " client that this server does not know; the profile's client_id is 'shop'",
    ),
    "another secret": (
        'token(basic("shop", "hidden-0"), grant_type="client_credentials")',
        "POST /token was answered 401: invalid_client: The client is not known or its secret is wrong: client_secret"
        " has a client whose secret is another one; the good one is " + ENVIRONMENT.format("SHOP_SECRET"),
    ),
    "another way": (
        'ask(TOKEN, "POST", urlencode({"grant_type": "client_credentials", "client_secret": "hidden-0"}).encode())',
        "POST /token was answered 401: invalid_client: Clients authenticate with HTTP Basic here; the profile's"
        " token.client_auth is client_secret_basic: client_id and client_secret go in Authorization: Basic",
    ),
    "another body": (
        'ask(TOKEN, "POST", b"{}", Content_Type="application/json")',
        "POST /token was answered 400: invalid_request: The body must be application/x-www-form-urlencoded, and its"
        ' Content-Type is application/json; the profile says token.body = "form"',
    ),
    "another user": (
        'token(grant_type="password", username="bob", password="hidden-0")',
        "POST /token was answered 400: invalid_grant: The user is not known or the password is wrong: username has a"
        " user that this server does not know; the profile's username is 'ada'",
    ),
}


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a profile."""
    (pytester.path / "shop.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    return pytester


def said(result: pytest.RunResult) -> dict[str, list[str]]:
    """Give the lines of each failing test that begin with the profile's name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in result.outlines:
        head = re.fullmatch(r"_+ (?:ERROR at setup of )?(\w+) _+", line)
        name = head[1] if head else name
        if line.startswith("shop: "):
            found.setdefault(name, []).append(line.removeprefix("shop: "))
    return found


def test_each_refusal_is_told_with_what_to_do(project: pytest.Pytester, run: Run) -> None:
    """One line each: what was expected, what came by its name alone, and what to do."""
    functions = [
        f"def test_{number}(apiauth_mock, apiauth_server, apiauth_token, apiauth_url):\n    assert {what} == 200\n"
        for number, (what, _) in enumerate(CASES.values())
    ]
    project.makepyfile(test_it="\n\n".join([HELPERS, *functions]))

    result = run("test_it.py", "-p", "no:randomly")

    result.assert_outcomes(failed=len(CASES))
    assert said(result) == {f"test_{number}": [line] for number, (_, line) in enumerate(CASES.values())}


TOLD: Final = """

def test_passes(apiauth_mock):
    assert [ask("/other/1"), ask("/keyed/1"), token(grant_type="x")] == [404, 401, 400]


def test_asked_for(apiauth_mock, apiauth_server, apiauth_token):
    apiauth_server.refuse_next(401)
    apiauth_server.respond("GET", "/keyed/2", status=404)
    apiauth_server.respond("GET", "/elsewhere", status=405)
    apiauth_server.respond("POST", "token", json={"error": "invalid_grant"})
    key = os.environ["SHOP_KEY"]
    found = [ask("/keyed/1"), ask("/keyed/2", X_Shop_Key=key), ask("/elsewhere"), token(grant_type="x")]
    assert found == [200, 200, 200, 200], found


@pytest.mark.apiauth(fault="token-expires-early")
def test_fault(apiauth_mock, apiauth_server, apiauth_token):
    apiauth_server.clock.advance(58)
    assert ask("/items/1", Authorization=apiauth_token.authorization) == 200


@pytest.mark.apiauth(fault="token-expires-early")
def test_beside_a_fault(apiauth_mock):
    assert ask("/keyed/1", X_Shop_Key="hidden-0") == 200


def test_many(apiauth_mock):
    paths = [f"/keyed/{number}" for number in (1, 2, 3, 4, 5, 6, 6, 6, 2)]
    assert [ask(path) for path in paths] == []


@pytest.fixture
def early(apiauth_mock):
    assert ask("/keyed/1") == 200


def test_set_up(early): ...


def test_after_others(apiauth_mock):
    assert ask("/keyed/1", X_Shop_Key=os.environ["SHOP_KEY"]) == 201
"""


def test_only_what_the_server_itself_refused_is_told(project: pytest.Pytester, run: Run) -> None:
    """Not what a test has asked for or a fault has done, nothing beside a test that passes, and a handful at most."""
    project.makepyfile(test_it=HELPERS + TOLD)

    result = run("test_it.py", "-p", "no:randomly", "-rA")

    result.assert_outcomes(passed=1, failed=5, errors=1)
    lacking = "came without X-Shop-Key, which the profile asks for there"
    assert {name: len(lines) for name, lines in said(result).items()} == {
        "test_set_up": 1, "test_beside_a_fault": 1, "test_many": 5
    }, output(result)  # fmt: skip
    assert said(result)["test_many"] == [f"GET /v1/keyed/{number} {lacking}" for number in (3, 4, 5, 6, 2)]


SERVING: Final = """
import unittest

import pytest_apiauth


@pytest.fixture(scope="module")
def wide():
    with pytest_apiauth.serving("shop", mock=True):
        ask("/of/the/fixture")
        yield


def test_wide(wide):
    assert ask("/of/this/test") == 200


def test_wide_and_silent(wide):
    assert ask("/keyed/1", X_Shop_Key=os.environ["SHOP_KEY"]) == 201


def test_block():
    with pytest_apiauth.serving("shop", mock=True):
        assert ask("/of/a/block") == 200


class TestUnit(unittest.TestCase):
    def test_unit(self):
        self.enterContext(pytest_apiauth.serving("shop", mock=True))
        self.assertEqual(ask("/of/unittest"), 200)


def test_without(): raise AssertionError
"""


def test_a_block_tells_too(project: pytest.Pytester, run: Run) -> None:
    """A server of ``serving`` is asked as one of the fixtures is, each test for what was refused in it."""
    project.makepyfile(test_it=HELPERS + SERVING)

    result = run("test_it.py", "-p", "no:randomly")

    result.assert_outcomes(failed=5)
    paths = [line.split()[2] for line in result.outlines if line.startswith("shop: ")]
    assert paths == ["/v1/of/this/test", "/v1/of/a/block", "/v1/of/unittest"], output(result)


SIGNED: Final = """
schema = 1
api_url = "https://api.shop.example/v1"
[schemes.hmac]
in = "header"
name = "X-Signature"
value = { env = "SHOP_KEY" }
sign = "signing:sign"
once = true
[zones.items]
path = "/items/"
needs = ["hmac"]
probe = ["/items/1"]
"""
SIGNING: Final = """
def sign(request, key):
    return {"X-Signature": request.method + key}

def fails(request, key):
    raise KeyError(f"no time beside {key}")

def gives_text(request, key):
    return key

def gives_number(request, key):
    return {"X-Signature": 7}

def gives_other(request, key):
    return {"X-Time": "now"}
"""
SIGN_CASES: Final = {
    "fails": "signing:fails failed: KeyError: 'no time beside [its key]' (signing.py, line 5)",
    "gives_text": "signing:gives_text returned a str; expected a mapping of texts by name, among them X-Signature",
    "gives_number": "signing:gives_number returned an int for 'X-Signature'; expected a mapping of texts by name, among"
    " them X-Signature",
    "gives_other": "signing:gives_other returned only 'X-Time'; expected a mapping of texts by name, among them"
    " X-Signature",
    "is_missing": "signing has no attribute 'is_missing'",
}


def test_a_function_that_cannot_sign_is_told(project: pytest.Pytester, run: Run) -> None:
    """What ``sign`` names is asked by the server too: what is wrong with it is told as a client of ours tells it."""
    (project.path / "shop.apiauth.toml").write_text(SIGNED, encoding="utf-8")
    functions = [
        f'@pytest.mark.apiauth(changes={{"schemes.hmac.sign": "signing:{name}"}})\n'
        f'def test_{name}(apiauth_mock):\n    assert ask("/items/1", X_Signature="hidden-0") == 200\n'
        for name in SIGN_CASES
    ]
    working = """
def test_wrong(apiauth_mock):
    assert ask("/items/1", X_Signature="hidden-0") == 200

def test_twice(apiauth_mock):
    good = "GET" + os.environ["SHOP_KEY"]
    assert [ask("/items/1", X_Signature=good) for _ in range(2)] == [200, 200]
"""
    project.makepyfile(test_it="\n\n".join([HELPERS, working, *functions]), signing=SIGNING)

    result = run("test_it.py", "-p", "no:randomly")

    result.assert_outcomes(failed=len(SIGN_CASES) + 2)
    came = "GET /v1/items/1 was answered 401: X-Signature has a signature that "
    broken = f"{came}nothing can be told of: schemes.hmac.sign: "
    assert said(result) == {
        "test_wrong": [f"{came}no key makes of this request; the function that the profile names has another one"],
        "test_twice": [f"{came}came before; the profile says once = true"],
        **{f"test_{name}": [f"{broken}{line}; mend the function"] for name, line in SIGN_CASES.items()},
    }

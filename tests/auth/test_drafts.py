"""Drafts: the request on the wire, and the curl line that reproduces it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.shell import curl
from pytest_apiauth.auth.texts import FormEncoded, Ref, Role, Unchanged
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.kinds import Place

TOKEN, CLIENT, SECRET = Ref(Role.ACCESS_TOKEN), Ref(Role.CLIENT_ID), Ref(Role.CLIENT_SECRET)
VALUES = {TOKEN: "abcDEF0123-xyz", CLIENT: "client", SECRET: "s+c%41r:t/=& x"}
URL = "https://api.example.org/v1/things"
FORM = (("grant_type", "password"), ("password", SECRET), ("empty", ""))
JSON = (("grant_type", "password"), ("password", SECRET), ("n", 1), ("deep", {"$ne": None}), ("n", "100 %"))
BEARER = Credential("bearer", TOKEN, Place("header", "Authorization", "Bearer "))
BASIC = Credential("client", (CLIENT, ":", SECRET), Place("header", "Authorization", "Basic "), is_pair=True)
KEY = Credential("api_key", SECRET, Place("header", "X-API-KEY"))
IN_QUERY = Credential("api_key", SECRET, Place("query", "api key"))
IN_COOKIE = Credential("api_key", SECRET, Place("cookie", "key"))


def carrying(*credentials: Credential) -> Draft:
    """Return a GET with credentials."""
    return Draft("GET", URL, credentials=credentials)


DRAFTS = {
    "plain": Draft("GET", URL),
    "bearer": carrying(BEARER),
    "edited": carrying(BEARER.editing(Edit("toggle", 300))),
    "head": replace(carrying(KEY), method="HEAD"),
    "empty header": carrying(KEY.dressed("")),
    "bytes": carrying(BEARER.dressed("Bearer \xff\t\xe9")),
    "twice": carrying(BEARER.dressed("Bearer a"), BEARER.dressed("Bearer b")),
    "old version": Draft("GET", URL, flags=("--http1.0",)),
    "query": Draft("GET", URL, query=(("access_token", SECRET), ("a b", "c&d"))),
    "key in the query": replace(carrying(BEARER, IN_QUERY), query=(("page", "2"),)),
    "key in a cookie": carrying(IN_COOKIE),
    "key in a cookie beside another": carrying(IN_COOKIE).with_headers(("Cookie", "theme=dark"), ("Accept", "a/b")),
    "target": Draft("GET", URL, target="/ext/../user/%6de"),
    "form": Draft("POST", URL, parameters=FORM, encoding="form"),
    "tail": Draft("POST", URL, parameters=FORM, encoding="form", tail="a=%zz&\xff=1"),
    "tail alone": Draft("POST", URL, encoding="form", tail="&&&a=%00"),
    "labelled": Draft(
        "POST", URL, parameters=FORM, encoding="form", content_type="application/x-www-form-urlencoded; a=b"
    ),
    "json": Draft("POST", URL, parameters=JSON, encoding="json"),
    "json with wrapped secrets": Draft(
        "POST", URL, parameters=(("a", [SECRET]), ("b", {"value": SECRET}), ("c", [])), encoding="json"
    ),
    "json with blanks": Draft("POST", URL, parameters=JSON, encoding="json").written("spaced"),
    "json with escapes": Draft("POST", URL, parameters=JSON, encoding="json").written("escaped"),
    "json in UTF-8": Draft("POST", URL, parameters=(*JSON, ("a", "\u20ac %")), encoding="json").written("raw"),
    "json in UTF-8 without secrets": Draft("POST", URL, parameters=(("a", "\u20ac"),), encoding="json").written("raw"),
    "json without secrets": Draft("POST", URL, parameters=(("a", "it's"),), encoding="json"),
    "raw": Draft("POST", URL, raw_body='{"broken', content_type="application/json"),
    "put": Draft("PUT", URL, parameters=FORM, encoding="form"),
    "get with a body": Draft("GET", URL, parameters=FORM, encoding="form"),
    "basic": replace(carrying(BASIC), method="POST"),
    "form-encoded basic": carrying(BASIC.presenting((FormEncoded(CLIENT, "c"), ":", FormEncoded(SECRET)))),
    "form-encoded blank": carrying(BASIC.presenting((FormEncoded(CLIENT, " "), ":", FormEncoded(SECRET, " ")))),
}


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("name", DRAFTS)
def test_the_curl_line_sends_the_same_request(name: str) -> None:
    """The curl line of a draft sends what the draft itself is, byte for byte, with the secrets in the environment."""
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with serve(server) as base:
        draft = replace(DRAFTS[name], url=f"{base}/v1/things")
        line = curl(draft, VALUES)
        environment = {
            **{ref.name: value for ref, value in VALUES.items()},
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin:/usr/local/bin",
        }
        subprocess.run(["bash", "-c", f"{line} -s -o /dev/null"], env=environment, check=True, timeout=20)
    assert len(server.requests) == 1
    assert _essence(draft.request(VALUES)) == _essence(server.requests[0])
    for secret in VALUES.values():
        assert secret not in line.replace("client", "") or secret == "client"


def _essence(request: Request) -> tuple[object, ...]:
    """Leave out what every client adds of its own, and how JSON and forms are spaced and escaped."""
    own = {"host", "user-agent", "accept", "content-length", "accept-encoding", "connection"}
    headers = sorted((name.lower(), value) for name, value in request.headers if name.lower() not in own)
    return request.method, request.path, request.query, headers, request.body.replace(b"%20", b"+")


def test_an_edit_that_changes_nothing_is_not_sent() -> None:
    """A draft whose edit leaves the secret as it is has nothing to send."""
    draft = DRAFTS["bearer"].editing(TOKEN, Edit("replace", 0, "a"))
    with pytest.raises(Unchanged):
        draft.request(VALUES)


def test_editing_a_secret_that_is_not_there_is_a_mistake() -> None:
    """A rule that edits a secret which the request does not carry is refused, since it would test nothing."""
    with pytest.raises(LookupError, match="carries no CLIENT_SECRET"):
        DRAFTS["bearer"].editing(SECRET, Edit("reverse"))


def test_secrets_inside_encodings_are_edited() -> None:
    """An edit reaches a secret inside form encoding and base64."""
    draft = DRAFTS["form-encoded basic"].editing(CLIENT, Edit("upper"))
    value = dict(draft.request(VALUES).headers)["Authorization"]
    assert value != dict(DRAFTS["form-encoded basic"].request(VALUES).headers)["Authorization"]


def test_credentials_are_spoken_of_by_their_kind() -> None:
    """A credential is taken away, exchanged or dressed otherwise wherever it travels; the plain lines stay."""
    valid = carrying(IN_COOKIE, IN_QUERY, BEARER).with_headers(("Accept", "a/b"))
    url, lines = valid.request(VALUES).url, dict(valid.request(VALUES).headers)

    assert (url, lines) == (
        f"{URL}?api+key=s%2Bc%2541r%3At%2F%3D%26+x",
        {"Accept": "a/b", "Authorization": "Bearer abcDEF0123-xyz", "Cookie": "key=s+c%41r:t/=& x"},
    )
    assert valid.anonymous().request(VALUES).headers == (("Accept", "a/b"),)
    assert valid.anonymous().request(VALUES).url == URL
    assert valid.without("api_key") == carrying(BEARER).with_headers(("Accept", "a/b"))
    assert dict(valid.presenting("bearer", "x").request(VALUES).headers)["Authorization"] == "Bearer x"
    assert dict(valid.dressed("bearer", "x").request(VALUES).headers)["Authorization"] == "x"
    assert dict(carrying(BASIC).presenting("client", "x").request(VALUES).headers)["Authorization"] == "Basic eA=="
    assert valid.token == TOKEN
    assert valid.token_kind == "bearer"


def test_a_credential_that_is_not_there_is_a_mistake() -> None:
    """A rule that takes away, exchanges or dresses what the request does not carry would send a valid request."""
    mistakes: tuple[Callable[[Draft], object], ...] = (
        lambda draft: draft.without("api_key"),
        lambda draft: draft.without("client"),
        lambda draft: draft.presenting("basic", "x"),
        lambda draft: draft.dressed("api_key", ""),
        lambda draft: draft.carried(Role.PASSWORD),
    )
    for mistake in mistakes:
        with pytest.raises(LookupError, match="carries no"):
            mistake(carrying(BEARER))
    with pytest.raises(ValueError, match="Authorization is where a credential travels"):
        carrying(BEARER).with_header("Authorization", "Bearer x")


def test_a_client_is_taken_out_of_the_body_too() -> None:
    """How a client says who it is lies in the header or in the body; without it the rest is the same."""
    body = (("client_id", CLIENT), ("client_secret", SECRET))
    posted = Draft("POST", URL, parameters=(*FORM, *body), encoding="form")

    assert posted.without("client") == posted.anonymous() == Draft("POST", URL, parameters=FORM, encoding="form")


def test_an_altered_request_remembers_the_valid_one() -> None:
    """Whatever is done to a draft, it knows what it was; one that is the same is not altered."""
    valid = carrying(BEARER).as_control()
    altered = replace(valid.editing(TOKEN, Edit("reverse")), method="PUT")

    assert not valid.is_altered
    assert altered.is_altered
    assert altered.control is not None
    assert altered.control.draft == valid
    assert not altered.as_control().is_altered
    assert "control" not in repr(altered)
    assert Draft("GET", f"{URL}/other").beside(valid).is_altered
    assert not Draft("GET", URL).is_altered

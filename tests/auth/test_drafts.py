"""Drafts: the request on the wire, and the curl line that reproduces it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest

from pytest_apiauth.auth.drafts import Base64, Draft, FormEncoded, Ref, Unchanged
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading

VAULT = {"TOKEN": "abcDEF0123-xyz", "CLIENT_ID": "client", "SECRET": "s+c%41r:t/=& x"}
URL = "https://api.example.org/v1/things"
FORM = (("grant_type", "password"), ("password", Ref("SECRET")), ("empty", ""))
JSON = (("grant_type", "password"), ("password", Ref("SECRET")), ("n", 1), ("deep", {"$ne": None}), ("n", "100 %"))

DRAFTS = {
    "plain": Draft("GET", URL),
    "bearer": Draft("GET", URL, (("Authorization", ("Bearer ", Ref("TOKEN"))),)),
    "edited": Draft("GET", URL, (("Authorization", ("Bearer ", Ref("TOKEN", Edit("toggle", 300)))),)),
    "head": Draft("HEAD", URL, (("X-API-KEY", Ref("TOKEN")),)),
    "empty header": Draft("GET", URL, (("X-API-KEY", ""),)),
    "bytes": Draft("GET", URL, (("Authorization", "Bearer \xff\t\xe9"),)),
    "twice": Draft("GET", URL, (("Authorization", "Bearer a"), ("Authorization", "Bearer b"))),
    "old version": Draft("GET", URL, flags=("--http1.0",)),
    "query": Draft("GET", URL, query=(("access_token", Ref("SECRET")), ("a b", "c&d"))),
    "target": Draft("GET", URL, target="/ext/../user/%6de"),
    "form": Draft("POST", URL, parameters=FORM, encoding="form"),
    "tail": Draft("POST", URL, parameters=FORM, encoding="form", tail="a=%zz&\xff=1"),
    "tail alone": Draft("POST", URL, encoding="form", tail="&&&a=%00"),
    "labelled": Draft(
        "POST", URL, parameters=FORM, encoding="form", content_type="application/x-www-form-urlencoded; a=b"
    ),
    "json": Draft("POST", URL, parameters=JSON, encoding="json"),
    "json without secrets": Draft("POST", URL, parameters=(("a", "it's"),), encoding="json"),
    "raw": Draft("POST", URL, raw_body='{"broken', content_type="application/json"),
    "put": Draft("PUT", URL, parameters=FORM, encoding="form"),
    "get with a body": Draft("GET", URL, parameters=FORM, encoding="form"),
    "basic": Draft("POST", URL, (("Authorization", ("Basic ", Base64((Ref("CLIENT_ID"), ":", Ref("SECRET"))))),)),
    "form-encoded basic": Draft(
        "POST",
        URL,
        (("Authorization", ("Basic ", Base64((FormEncoded(Ref("CLIENT_ID"), "c"), ":", FormEncoded(Ref("SECRET")))))),),
    ),
}


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("name", DRAFTS)
def test_the_curl_line_sends_the_same_request(name: str) -> None:
    """The curl line of a draft sends what the draft itself is, byte for byte, with the secrets in the environment."""
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with serve(server) as base:
        draft = replace(DRAFTS[name], url=f"{base}/v1/things")
        line = draft.curl(VAULT)
        environment = {**VAULT, "PATH": "/usr/bin:/bin:/usr/local/bin"}
        subprocess.run(["bash", "-c", f"{line} -s -o /dev/null"], env=environment, check=True, timeout=20)
    assert len(server.requests) == 1
    assert _essence(draft.request(VAULT)) == _essence(server.requests[0])
    for secret in VAULT.values():
        assert secret not in line.replace("client", "") or secret == "client"


def _essence(request: Request) -> tuple[object, ...]:
    """Leave out what every client adds of its own, and how JSON and forms are spaced and escaped."""
    own = {"host", "user-agent", "accept", "content-length", "accept-encoding", "connection"}
    headers = sorted((name.lower(), value) for name, value in request.headers if name.lower() not in own)
    return request.method, request.path, request.query, headers, request.body.replace(b"%20", b"+")


def test_an_edit_that_changes_nothing_is_not_sent() -> None:
    """A draft whose edit leaves the secret as it is has nothing to send."""
    draft = DRAFTS["bearer"].editing("TOKEN", Edit("replace", 0, "a"))
    with pytest.raises(Unchanged):
        draft.request(VAULT)


def test_editing_a_secret_that_is_not_there_is_a_mistake() -> None:
    """A rule that edits a secret which the request does not carry is refused, since it would test nothing."""
    with pytest.raises(LookupError, match="carries no SECRET"):
        DRAFTS["bearer"].editing("SECRET", Edit("reverse"))


def test_secrets_inside_encodings_are_edited() -> None:
    """An edit reaches a secret inside form encoding and base64."""
    draft = DRAFTS["form-encoded basic"].editing("CLIENT_ID", Edit("upper"))
    value = dict(draft.request(VAULT).headers)["Authorization"]
    assert value != dict(DRAFTS["form-encoded basic"].request(VAULT).headers)["Authorization"]

"""What a test can do with the server itself: clock, revocation, invented identities, many threads."""

from __future__ import annotations

import json
import threading

import pytest

from pytest_apiauth.embedded import ManualClock, Server, check_names
from pytest_apiauth.errors import ApiAuthError, CredentialError
from pytest_apiauth.messages import Request
from tests.embedded.caller import BUILT_IN, Caller, profile_named

USER = "/user/me"


@pytest.mark.parametrize("name", BUILT_IN)
def test_expire_and_issue(name: str) -> None:
    """`expire` ends every access token; `issue` gives one without a request."""
    server = Caller(name).server
    caller = Caller(name)
    caller.server = server
    zone = next(zone for zone in reversed(server.profile.zones.values()) if zone.is_protected)
    key = caller.key() if server.profile.api_key else None
    old = server.issue().reveal()
    fresh = caller.get(zone.probe[0], token=old, key=key).status
    server.expire()

    assert fresh == 200
    assert caller.get(zone.probe[0], token=old, key=key).status == 401
    assert caller.get(zone.probe[0], token=server.issue().reveal(), key=key).status == 200
    assert (server.token_requests, server.tokens_issued) == (0, 2)


def test_refuse_next() -> None:
    """`refuse_next` refuses so many requests to resources, and none to the token endpoint."""
    caller = Caller("dastra")
    caller.server.refuse_next(401, times=2)
    access = caller.token()["access_token"]

    answers = [caller.get("/v1/workspaces", token=access) for _ in range(3)]

    assert [answer.status for answer in answers] == [401, 401, 200]
    assert (answers[0].header("www-authenticate") or "").startswith("Bearer ")


def test_refuse_next_with_a_body() -> None:
    """A refusal may have the body that a real API gives it, with one type, and keeps its challenge."""
    caller = Caller("dastra")
    caller.server.refuse_next(json={"code": "token_expired"}, headers={"X-Request-Id": 7})
    caller.server.refuse_next(503, html="<h1>Down</h1>")
    caller.server.refuse_next(429, content=b"{}", headers={"Content-Type": "application/problem+json"})
    caller.server.refuse_next(403, text="")
    caller.server.refuse_next(403)

    expired, down, limited, empty, plain = (caller.get("/v1/workspaces", token="any") for _ in range(5))

    assert (expired.status, expired.json(), expired.header("x-request-id")) == (401, {"code": "token_expired"}, "7")
    assert (expired.header("www-authenticate") or "").startswith("Bearer ")
    assert (down.status, down.body, down.media_type) == (503, b"<h1>Down</h1>", "text/html")
    assert (limited.body, limited.header_lines("content-type")) == (b"{}", ["application/problem+json"])
    assert (empty.body, empty.header_lines("content-type")) == (b"", ["text/plain; charset=utf-8"])
    assert (plain.json(), plain.header_lines("content-type")) == ({"error": "refused"}, ["application/json"])
    with pytest.raises(ValueError, match="one body, not 2"):
        caller.server.refuse_next(json={}, text="x")
    with pytest.raises(TypeError, match="unexpected keyword"):
        caller.server.refuse_next(delay=3)  # type: ignore[call-arg]


def test_unknown_hosts() -> None:
    """A host that the profile does not name is not served, nor is the plain twin of an HTTPS origin (DI-03)."""
    server = Caller("digishare").server
    urls = (
        "https://evil.example/v1/campaigns",
        "http://api.digishare.ma/v1/campaigns",
        "https://api.digishare.ma:1/v1/",
    )

    assert [server.handle(Request("GET", url)).status for url in urls] == [421, 421, 421]
    assert server.handle(Request("GET", "https://API.digishare.ma:443/v1/campaigns")).status == 401


def test_unknown_names() -> None:
    """An unknown fault is an error that names the nearest known one; so is a token nobody has issued."""
    with pytest.raises(ApiAuthError, match="did you mean 'zone-open'"):
        Server(profile_named("dastra"), faults=["zone-opne"])
    with pytest.raises(ApiAuthError, match="no variant is called 'zone-open': it is a fault"):
        check_names(["zone-open"], ["zone-open"])
    with pytest.raises(CredentialError):
        Caller("dastra").server.revoke("never issued")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nope", "`python -m pytest_apiauth faults` lists them"),
        ("", "`python -m pytest_apiauth faults` lists them"),
        ("Zone_Opn", "did you mean 'zone-open'? `python -m pytest_apiauth faults` lists all"),
        ("origin any", "did you mean 'cors-any-origin'? `python -m pytest_apiauth faults` lists all"),
    ],
)
def test_only_what_is_near_is_suggested(name: str, hint: str) -> None:
    """A name is near by its letters, or by having all the words of what was written."""
    with pytest.raises(ApiAuthError) as error:
        check_names([name])

    assert str(error.value) == f"no fault is called {name!r}; {hint}"


def test_clock() -> None:
    """The clock moves forward only, and only when told."""
    clock = ManualClock(start=5.0)
    clock.advance(2.5)

    assert clock.now() == 7.5
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


@pytest.mark.parametrize("name", BUILT_IN)
def test_determinism_and_looks(name: str) -> None:
    """Two servers invent and issue the same values; they look opaque, and none begins another or equals it folded."""
    one, other = Caller(name), Caller(name)
    tokens = [one.token()["access_token"] for _ in range(50)]

    assert tokens == [other.token()["access_token"] for _ in range(50)]
    assert one.server.environment == other.server.environment
    assert all(len(token) >= 43 and token.replace("-", "a").replace("_", "a").isalnum() for token in tokens)
    assert len(tokens) == len({token.lower()[:30] for token in tokens})
    assert not any(token == token.lower() or token == token.upper() for token in tokens)


def test_invented_identities() -> None:
    """There is a second of each kind that the profile uses, and what it writes out is kept."""
    harbour, jindexe = Caller("harbour"), Caller("jindexe")

    assert harbour.client()[0] == "lab"
    assert {"app", "second", "special"} == set(harbour.profile.clients)
    assert {":", "%", "+", " ", "/"} <= set(harbour.client("special")[1] or "")
    assert "second" in harbour.profile.users
    assert not harbour.profile.keys
    assert ({}, {"second"}) == (jindexe.profile.clients, set(jindexe.profile.keys))
    assert jindexe.get("/public/cards", key=jindexe.key("second")).status == 200


def test_redactor_learns_everything() -> None:
    """Every secret that is invented or issued is learnt before anybody can print it."""
    caller = Caller("jindexe")
    answer = caller.token()
    text = json.dumps([answer["access_token"], answer["refresh_token"], caller.key(), caller.user()[1]])

    shown = caller.server.redactor.redact(text)

    assert shown.count("[apiauth:jindexe.") == 4
    assert not any(value in shown for value in json.loads(text))


def test_threads() -> None:
    """Requests from many threads are all answered and all counted."""
    caller = Caller("jindexe")
    statuses: list[int] = []

    def work() -> None:
        for _ in range(25):
            access = caller.token()["access_token"]
            statuses.append(caller.get(USER, token=access, key=caller.key()).status)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 200
    assert (caller.server.token_requests, caller.server.tokens_issued, len(caller.server.requests)) == (200, 200, 400)

"""What a protected resource admits, refuses and answers."""

from __future__ import annotations

import base64

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.resource import normalised
from pytest_apiauth.messages import Request
from tests.embedded.caller import BUILT_IN, Caller, swapped

USER = "/user/me"


@pytest.mark.parametrize(
    ("place", "key", "token", "status"),
    [
        ("/ext/status", False, False, 200),
        ("/ext/status", True, True, 200),
        ("/public/cards", False, False, 401),
        ("/public/cards", True, False, 200),
        ("/public/cards", True, True, 200),
        ("/public/cards", False, True, 401),
        (USER, False, False, 401),
        (USER, True, False, 401),
        (USER, False, True, 401),
        (USER, True, True, 200),
        ("/pro/cards", True, True, 200),
        ("/pro/cards/17", True, True, 200),
        ("/nowhere", True, True, 404),
    ],
)
def test_truth_table(place: str, key: bool, token: bool, status: int) -> None:
    """A zone admits exactly the credential sets that meet its documented need; surplus ones are no error."""
    caller = Caller("jindexe")
    access = caller.token()["access_token"]

    answer = caller.get(place, key=caller.key() if key else None, token=access if token else None)

    assert status == answer.status


@pytest.mark.parametrize(("place", "key", "token"), [("/ext/status", "bad", "bad"), ("/public/cards", None, "bad")])
def test_invalid_surplus_is_ignored(place: str, key: str | None, token: str) -> None:
    """A credential that a zone does not ask for is not looked at."""
    caller = Caller("jindexe")

    assert caller.get(place, key=key or caller.key(), token=token).status == 200


def test_either_of_two_alternatives() -> None:
    """Any one of several alternatives suffices, and neither stands in for the other."""
    caller = Caller("digishare")
    access = caller.token()["access_token"]

    assert [
        caller.get("/campaigns", token=token).status for token in (access, caller.personal(), swapped(access), None)
    ] == [200, 200, 401, 401]


@pytest.mark.parametrize(
    "spell",
    [
        lambda token: swapped(token),
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: token.lower(),
        lambda token: f'"{token}"',
        lambda token: token + ",",
        lambda token: token + " x",
        lambda token: "%" + token[1:],
        lambda token: token[:20] + "\t" + token[20:],
        lambda token: token[:20] + "\xe9" + token[20:],
        lambda token: "",
        lambda token: "x" * 7000,
    ],
)
def test_near_misses_of_a_token(spell: object) -> None:
    """A near miss of a valid token is no token, and the challenge says so (RFC 6750 3.1)."""
    assert callable(spell)
    caller = Caller("dastra")
    access = caller.token()["access_token"]

    answer = caller.get("/v1/workspaces", token=spell(access))

    assert answer.status == 401
    assert answer.header("www-authenticate") == 'Bearer realm="dastra", error="invalid_token"'


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Bearer {}", 200),
        ("bearer {}", 200),
        ("BEARER  {}", 200),
        ("Bearer\t{}", 401),
        ("Bearer{}", 401),
        ("{}", 401),
        ("Token {}", 401),
        ("Basic {}", 401),
        ("Bearer", 401),
        ("", 401),
    ],
)
def test_spellings_of_the_scheme(value: str, status: int) -> None:
    """The scheme is Bearer in any case with one or more spaces after it, and nothing else."""
    caller = Caller("dastra")
    access = caller.token()["access_token"]

    assert status == caller.get("/v1/workspaces", authorization=value.format(access)).status


def test_challenges() -> None:
    """A 401 has a challenge for each credential that is lacking, and names no error where none came."""
    caller = Caller("jindexe")

    nothing = caller.get(USER).header_lines("www-authenticate")
    no_key = caller.get(USER, token=caller.token()["access_token"]).header_lines("www-authenticate")
    bad_token = caller.get(USER, key=caller.key(), token="bad").header_lines("www-authenticate")

    assert sorted(nothing) == ['ApiKey realm="jindexe"', 'Bearer realm="jindexe"']
    assert no_key == ['ApiKey realm="jindexe"']
    assert bad_token == ['Bearer realm="jindexe", error="invalid_token"']


@pytest.mark.parametrize("which", ["Authorization", "X-API-KEY"])
def test_duplicate_lines(which: str) -> None:
    """Two lines of a credential are refused, even where both are right; where none is asked for they do no harm."""
    caller = Caller("jindexe")
    good = {"Authorization": f"Bearer {caller.token()['access_token']}", "X-API-KEY": caller.key()}
    lines = (*good.items(), (which, good[which]))

    assert caller.get(USER, lines=lines).status == 400
    assert caller.get("/ext/status", lines=lines).status == 200


@pytest.mark.parametrize(
    "target",
    [
        "/ext/../user/me",
        "/ext/%2e%2e/user/me",
        "/ext/..%2fuser/me",
        "/ext\\..\\user/me",
        "//user/me",
        "/./user/me",
        "/%75ser/me",
        "/user//me",
        "/user/../user/me?x=/ext/",
    ],
)
def test_paths_that_lead_into_a_zone(target: str) -> None:
    """However a path is written, the zone it leads to decides, and so does the zone it begins in."""
    caller = Caller("jindexe")
    access = caller.token()["access_token"]

    assert caller.get("/", target=target).status == 401
    assert caller.get("/", target="/user/../ext/status").status == 401
    assert caller.get(USER, token=access, key=caller.key()) == caller.get(
        "/", target=target, token=access, key=caller.key()
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a/b", "/a/b"), ("/a/../b/", "/b/"), ("/a/..", "/"), ("/../../a", "/a"), ("//", "/"), ("/a/./b/.", "/a/b/")],
)
def test_normalised(path: str, expected: str) -> None:
    """Dot segments and doubled slashes go, a slash at the end stays."""
    assert expected == normalised(path)


@pytest.mark.parametrize(("target", "status"), [("*", 400), ("/ext/\xe9", 400), ("/ext/status#", 400), ("ext", 400)])
def test_malformed_targets(target: str, status: int) -> None:
    """A target that is no path is refused."""
    assert status == Caller("jindexe").get("/", target=target).status


def test_absolute_target() -> None:
    """A target may be a whole URL of the same origin (RFC 9112 3.2.2)."""
    caller = Caller("jindexe")

    assert caller.get("/", target="https://jindexe.example/ext/status").status == 200
    assert caller.get("/", target="https://jindexe.example/user/me").status == 401
    assert caller.get("/", target="https://other.example/ext/status").status == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods(method: str) -> None:
    """Another method is authenticated first and then told what is allowed."""
    caller = Caller("dastra")

    answer = caller.get("/v1/workspaces", token=caller.token()["access_token"], method=method)

    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD")
    assert caller.get("/v1/workspaces", method=method).status == 401


def test_head() -> None:
    """HEAD is GET without the content, whose length it tells."""
    caller = Caller("dastra")
    access = caller.token()["access_token"]

    head = caller.get("/v1/workspaces", token=access, method="HEAD")

    assert (head.status, head.body) == (200, b"")
    assert str(len(caller.get("/v1/workspaces", token=access).body)) == head.header("content-length")


def test_documented_workspaces() -> None:
    """Dastra's workspaces read as in its French page."""
    caller = Caller("dastra")

    body = caller.get("/v1/workspaces", token=caller.token()["access_token"]).json()

    assert isinstance(body, dict)
    assert list(body) == ["items", "total"]
    assert body["items"][0]["state"] == "Active"


def test_tokens_act_as_their_user() -> None:
    """A token authenticates requests as the user it was given for (JI-07)."""
    caller = Caller("jindexe")
    names = {}
    for name in ("default", "second"):
        username, password = caller.user(name)
        access = caller.token(username=username, password=password)["access_token"]
        names[username] = caller.get(USER, token=access, key=caller.key()).json()["user"]  # type: ignore[index]

    assert {name: name for name in names} == names
    assert len(names) == 2


def test_basic_zone() -> None:
    """A zone may ask for HTTP Basic of a user; malformed credentials are refused."""
    caller = Caller("harbour")
    username, password = caller.user()

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    statuses = [
        caller.get("/office/me", authorization=value).status
        for value in (
            basic(f"{username}:{password}"),
            basic(f"{username}:x"),
            basic(username),
            "Basic !!",
            "Basic /w==",
        )
    ]

    assert statuses == [200, 401, 401, 401, 401]
    assert caller.get("/office/me").header("www-authenticate") == 'Basic realm="harbour", charset="UTF-8"'


def test_denied_paths() -> None:
    """A key that is not for a path gets 403 there and nowhere else (DA-02)."""
    caller = Caller("mill")

    statuses = [caller.get(place, key=caller.key("narrow")).status for place in ("/flour/wheat", "/flour/rye")]

    assert statuses == [200, 403]
    assert caller.get("/flour/rye", key=caller.key()).status == 200


def test_denied_paths_of_a_client() -> None:
    """A token of a client that is not for a path gets 403 there and below, and nowhere else (DA-02)."""
    caller = Caller("mill")
    places = ("/either/one", "/either/two", "/either/two/sacks", "/either/twofold")
    found = {
        client: [caller.get(place, token=caller.token(client=client)["access_token"]).status for place in places]
        for client in ("narrow", "default")
    }

    assert found == {"narrow": [200, 403, 403, 200], "default": [200] * 4}


@pytest.mark.parametrize("name", BUILT_IN)
def test_other_credentials_are_no_tokens(name: str) -> None:
    """Refresh tokens, codes, secrets, keys and passwords never authenticate a request."""
    caller = Caller(name)
    values = {value for value in caller.server.environment.values() if len(value) > 20 and "@" not in value}
    values -= {caller.server.environment.get("DIGISHARE_PERSONAL_ACCESS_TOKEN", "")}
    values.update(str(caller.token().get("refresh_token")) for _ in range(1))
    zone = next(zone for zone in reversed(caller.profile.zones.values()) if zone.is_protected)
    key = caller.key() if caller.profile.api_key else None

    statuses = {caller.get(zone.probe[0], token=value, key=key).status for value in values}

    assert {401} == statuses


@pytest.mark.parametrize("query", ["access_token", "token", "api_key", "X-API-KEY"])
def test_query_is_never_read(query: str) -> None:
    """A credential in the query counts for nothing."""
    caller = Caller("jindexe")
    access, key = caller.token()["access_token"], caller.key()

    assert caller.get(f"{USER}?{query}={access}", key=key).status == 401
    assert caller.get(f"/public/cards?{query}={key}").status == 401
    assert caller.get(f"{USER}?{query}=bad", key=key, token=access).status == 200


def test_expiry_and_revocation() -> None:
    """A token ends when its time is over or when it is revoked, and not before."""
    caller = Caller("dastra")
    first, second = caller.token()["access_token"], caller.token()["access_token"]
    caller.server.revoke(second)
    before = [caller.get("/v1/workspaces", token=token).status for token in (first, second)]
    caller.server.clock.advance(3599)
    last_moment = caller.get("/v1/workspaces", token=first).status
    caller.server.clock.advance(1)

    assert before == [200, 401]
    assert last_moment == 200
    assert caller.get("/v1/workspaces", token=first).status == 401


@pytest.mark.parametrize("documented", [None, 403, 404])
def test_without_credentials_the_documented_status_comes(documented: int | None) -> None:
    """``unauthenticated`` is for a request that brings nothing; one that brings a wrong key follows ``refusal``."""
    caller = Caller("mill")
    server = Server(caller.profile.replaced(unauthenticated=documented, refusal=[401, 400]))
    url = caller.profile.url("/flour/wheat")

    assert server.handle(Request("GET", url)).status == (documented or 401)
    assert server.handle(Request("GET", url, (("X-Mill-Key", "another"),))).status == 401

"""Answers of a test's own: behind the check, in their turn, by functions, and what was asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytest_apiauth import Profile, Reply, Request, Server
from pytest_apiauth.embedded.answering import OwnAnswer
from pytest_apiauth.messages import NoAnswer, Response
from tests.embedded.caller import Caller, profile_named
from tests.here import httpx

PLACE = "/v1/workspaces"


class Asker:
    """Somebody with a valid token of Dastra, or with what else they are told to bring."""

    def __init__(self, name: str = "dastra") -> None:
        self.caller = Caller(name)
        self.server: Server = self.caller.server
        self.good = ("Authorization", f"Bearer {self.server.issue().reveal()}")

    def ask(self, method: str, place: str, body: bytes = b"", *lines: tuple[str, str], bare: bool = False) -> Response:
        """Send a request, with the token or without."""
        headers = lines if bare else (self.good, *lines)
        return self.server.handle(Request(method, self.server.profile.url(place), headers, body))

    def json(self, place: str = PLACE) -> Any:
        """Get a resource as JSON."""
        return self.ask("GET", place).json()


@pytest.fixture
def asker() -> Asker:
    return Asker()


DEFAULTS: dict[str, Any] = {
    "schema": 1,
    "name": "shop",
    "api_url": "https://api.shop.example",
    "zones": {
        "listed": {"path": "/listed/", "probe": ["/listed/all"], "members": ["items", "total"]},
        "shown": {"path": "/shown/", "probe": ["/shown/one"], "example": {"id": 9}, "methods": ["GET", "POST"]},
    },
}


@pytest.mark.parametrize(
    ("method", "url", "status", "answered"),
    [
        ("GET", "/listed/all", 200, {"items": [], "total": 0}),
        ("GET", "/listed/all?page=2", 200, {"items": [], "total": 0}),
        ("GET", "/listed/other", 200, {"zone": "listed"}),
        ("GET", "/shown/one", 200, {"id": 9}),
        ("POST", "/shown/one", 200, {"id": 9}),
        ("POST", "/listed/all", 405, None),
        ("GET", "/nowhere", 404, None),
        ("GET", "https://other.example/listed/all", 421, None),
    ],
)
def test_what_is_answered_by_default(method: str, url: str, status: int, answered: Any) -> None:
    """Of itself the server gives what the profile documents, and nothing of any other API."""
    server = Server(Profile.model_validate(DEFAULTS))

    answer = server.handle(Request(method, url if "://" in url else server.profile.url(url)))

    assert answer.status == status
    assert answered is None or answer.json() == answered


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_an_own_answer_stands_behind_the_check(asker: Asker, method: str) -> None:
    """Whoever brings a valid credential gets the test's answer, of any method; nobody else does, nor uses it up."""
    asker.server.respond(method, PLACE, status=201, json={"id": 9}, headers={"ETag": '"1"'}, once=True)
    refused = asker.ask(method, PLACE, bare=True)
    wrong = asker.ask(method, PLACE, b"", ("Authorization", "Bearer wrong"), bare=True)
    assert [refused.status, wrong.status] == [401, 401]
    assert refused.header("www-authenticate") == 'Bearer realm="dastra"'

    answer = asker.ask(method, PLACE)
    assert (answer.status, answer.json(), answer.header("etag")) == (201, {"id": 9}, '"1"')
    assert answer.media_type == "application/json"


def test_a_key_that_may_not_see_a_place_is_refused_there() -> None:
    """Where the profile says 403 for one key, an own answer does not change it."""
    caller = Caller("mill")
    caller.server.respond("GET", "/flour/rye", text="rye")
    assert caller.get("/flour/rye", key=caller.key("narrow")).status == 403
    assert caller.get("/flour/rye", key=caller.key()).body == b"rye"


def test_without_own_answers_a_write_is_refused_as_before(asker: Asker) -> None:
    """A method without an own answer is 405, also beside answers of another method or another path."""
    asker.server.respond("POST", "/v1/other", status=201)
    asker.server.respond("PUT", PLACE, status=204)
    assert asker.ask("POST", PLACE).status == 405
    assert asker.json()["total"] == 3


def test_answers_have_their_turn(asker: Asker) -> None:
    """What comes once comes first, in order; then the latest of the others; one that is taken back comes no more."""
    respond = asker.server.respond
    respond("GET", PLACE, json="early")
    late = respond("GET", PLACE, json="late")
    respond("GET", PLACE, json="first", once=True)
    respond("GET", PLACE, json="second", once=True)
    assert [asker.json() for _ in range(4)] == ["first", "second", "late", "late"]
    late.remove()
    late.remove()
    assert asker.json() == "early"
    assert (late.call_count, late.called) == (2, True)


def test_an_answer_comes_into_force_by_the_servers_clock(asker: Asker) -> None:
    """``after`` counts seconds of the embedded clock, which a test moves."""
    asker.server.respond("GET", "/v1/jobs/1", json="pending")
    asker.server.respond("GET", "/v1/jobs/1", json="done", after=timedelta(seconds=30))
    asker.server.clock.advance(29)
    assert asker.json("/v1/jobs/1") == "pending"
    asker.server.clock.advance(timedelta(seconds=1))
    assert asker.json("/v1/jobs/1") == "done"


@pytest.mark.parametrize(
    ("place", "asked", "is_meant"),
    [
        ("/v1/items/{id}", "/v1/items/7", True),
        ("/v1/items/{id}", "/v1/items/7/parts", False),
        ("/v1/items/{id}", "/v1/items/", False),
        ("/v1/items/{id}.json", "/v1/items/7.json", True),
        ("/v1/{rest:path}", "/v1/items/7/parts", True),
        ("/v1/my company", "/v1/my%20company", True),
        ("/v1/größe", "/v1/gr%C3%B6%C3%9Fe", True),
        ("/v1/a+b", "/v1/a+b", True),
        ("/v1/a+b", "/v1/aab", False),
        ("/v1/items?page=2", "/v1/items?size=1&page=2", True),
        ("/v1/items?page=2", "/v1/items?page=22", False),
        ("/v1/items?page=2", "/v1/items", False),
        ("/v1/items", "/v1/items?page=2", True),
        ("https://api.dastra.eu/v1/items", "/v1/items", True),
    ],
)
def test_paths_are_matched(asker: Asker, place: str, asked: str, is_meant: bool) -> None:
    """A placeholder is one segment or several, a query has to be there, spelling does not matter."""
    own = asker.server.respond("GET", place, status=202)
    assert (asker.ask("GET", asked).status == 202) is is_meant
    assert own.called is is_meant
    assert len(asker.server.requests_to(place)) == is_meant


def test_a_path_continues_that_of_the_api() -> None:
    """With a base path, an own answer's path is relative to it, as those of zones are."""
    caller = Caller("harbour")
    caller.server.respond("GET", "/quay/ships", json=["Argo"])
    token = caller.token("client_credentials", "default")["access_token"]
    assert caller.get("/quay/ships", token=token).json() == ["Argo"]


def test_head_is_answered_as_get_is(asker: Asker) -> None:
    """HEAD has the status and the length of the answer to GET."""
    asker.server.respond("GET", PLACE, status=203, text="four")
    answer = asker.ask("HEAD", PLACE)
    assert (answer.status, answer.header("content-length")) == (203, "4")


def test_a_path_outside_of_every_zone_asks_for_nothing(asker: Asker) -> None:
    """Where the profile promises nothing, the answer comes without a credential; without one it is 404."""
    assert asker.ask("GET", "/health", bare=True).status == 404
    asker.server.respond("GET", "/health", text="up")
    assert asker.ask("GET", "/health", bare=True).body == b"up"


@pytest.mark.parametrize("place", ["token", "/connect/token", "https://account.dastra.eu/connect/token"])
def test_the_token_endpoint_can_be_made_to_fail(asker: Asker, place: str) -> None:
    """Its answers come whatever a request brings: in order, then it gives tokens again."""
    respond = asker.server.respond
    respond("POST", place, status=503, once=True)
    respond("POST", place, status=429, headers={"Retry-After": 30}, once=True)
    respond("POST", place, html="<h1>Down for maintenance</h1>", once=True)
    respond("POST", place, json={"error": "invalid_grant"}, once=True)
    respond("POST", place, exception=ConnectionResetError, once=True)
    answers = [asker.caller.ask("client_credentials") for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 429, 200, 400]
    assert answers[1].header("retry-after") == "30"
    assert answers[2].media_type == "text/html"
    with pytest.raises(NoAnswer):
        asker.caller.ask("client_credentials")
    assert asker.caller.ask("client_credentials").status == 200
    assert asker.server.token_requests == len(asker.server.requests_to(place, "POST")) == 6


def test_a_function_answers(asker: Asker) -> None:
    """A route is a function of the request and of its placeholders, behind the same check."""

    @asker.server.route("POST", "/v1/workspaces/{name}")
    def create(request: Request, name: str) -> Reply:
        assert request.json() == {"label": "new"}
        return Reply(status=201, json={"name": name, "page": request.params.get("page")})

    assert asker.ask("POST", "/v1/workspaces/my%2Fown", bare=True).status == 401
    answer = asker.ask("POST", "/v1/workspaces/my%2Fown?page=2", b'{"label": "new"}')
    assert (answer.status, answer.json()) == (201, {"name": "my/own", "page": "2"})


@pytest.mark.parametrize(
    ("answered", "status", "body"),
    [
        ({"id": 1}, 200, b'{"id": 1}'),
        ([1], 200, b"[1]"),
        ("text", 200, b"text"),
        (b"bytes", 200, b"bytes"),
        (204, 204, b""),
        (httpx.Response(202, json=[2]), 202, b"[2]"),
        (None, 200, b'{"zone": "api"}'),
    ],
)
def test_what_a_function_may_return(asker: Asker, answered: Any, status: int, body: bytes) -> None:
    """JSON, text, bytes, a status, an answer of httpx; None leaves the request to what is answered without it."""
    own = asker.server.route("GET", "/v1/items", lambda request: answered)
    answer = asker.ask("GET", "/v1/items")
    assert (answer.status, answer.body.replace(b"[ 2]", b"[2]")) == (status, body)
    assert own.called is (answered is not None)


def test_a_function_that_gives_none_leaves_the_turn_to_the_next(asker: Asker) -> None:
    """What a function passes over goes to the answers after it, and uses up none."""
    asker.server.respond("GET", PLACE, json="other")
    asker.server.route("GET", PLACE, lambda request: "mine" if "page" in request.params else None, once=True)
    assert asker.json() == "other"
    assert asker.ask("GET", f"{PLACE}?page=1").body == b"mine"
    assert asker.json() == "other"


def test_what_a_function_raises_comes_out(asker: Asker) -> None:
    """An assertion in a route's function is the test's own failure."""

    def failing(request: Request) -> Reply:
        raise AssertionError("no label")

    asker.server.route("POST", PLACE, failing)
    with pytest.raises(AssertionError, match="no label"):
        asker.ask("POST", PLACE)


def test_what_was_asked_is_easy_to_question(asker: Asker) -> None:
    """Requests by path and method, refused ones among them, with their JSON, form, query and header fields."""
    own = asker.server.respond("POST", PLACE, status=201)
    asker.ask("POST", PLACE, b'{"label": "new"}', ("Idempotency-Key", "abc"))
    asker.ask("GET", f"{PLACE}?page=2&label=My%20company", bare=True)
    asker.caller.ask("client_credentials")
    (created,) = asker.server.requests_to(PLACE, "post")
    assert created.json() == {"label": "new"}
    assert created.header("idempotency-key") == "abc"
    assert own.requests == [created]
    (listed,) = asker.server.requests_to(PLACE, "GET")
    assert listed.params == {"page": "2", "label": "My company"}
    assert listed.query == "page=2&label=My%20company"
    assert asker.server.requests_to(PLACE) == [created, listed]
    assert [request.form()["grant_type"] for request in asker.server.requests_to("token")] == ["client_credentials"]
    assert asker.server.requests_to("/v1/nothing") == []
    with pytest.raises(ValueError, match=r"GET /v1/workspaces: a body of 0 bytes that is no JSON"):
        listed.json()


def test_no_secret_is_in_what_a_request_shows(asker: Asker) -> None:
    """The repr of a request, and the error of a body that is no JSON, name no header, body or query."""
    asker.ask("POST", f"{PLACE}?key=s3cret", b"s3cret")
    (request,) = asker.server.requests_to(PLACE)
    with pytest.raises(ValueError, match="no JSON") as raised:
        request.json()
    shown = f"{request!r}{raised.value}{asker.server.respond('GET', PLACE)!r}"
    assert "s3cret" not in shown
    assert asker.good[1] not in shown


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda server: server.respond("GET", "v1/items"), "begins with a slash"),
        (lambda server: server.respond("GET", "/v1/{a}/{a}"), "comes twice"),
        (lambda server: server.respond("GET", "/v1/{a-b}"), "a placeholder is {name}"),
        (lambda server: server.respond("GET", "/v1/{request}"), "not a name for an argument"),
        (lambda server: server.respond("GET", "https://other.example/"), "none of the profile's origins"),
        (lambda server: server.respond("GET", "revocation"), "names no revocation_url"),
        (lambda server: server.respond("GET /v1", PLACE), "expected a method"),
        (lambda server: server.respond("GET", PLACE, status=700), "from 200 to 599, got 700"),
        (lambda server: server.respond("GET", PLACE, json={}, text=""), "one body, not 2"),
        (lambda server: server.respond("GET", PLACE, json={1, 2}), "not JSON serializable"),
        (lambda server: server.respond("GET", PLACE, content="text"), "expected bytes, got a str"),
        (lambda server: server.respond("GET", PLACE, headers={"A": "x\r\nB: y"}), "no header field can have"),
        (lambda server: server.respond("GET", PLACE, exception=TimeoutError, status=503), "in the place of"),
        (lambda server: server.respond("GET", PLACE, exception="timeout"), "exception or a class of one, got a str"),
        (lambda server: server.respond("GET", PLACE, text="ab", cut_off=2), "from 0 to 1 of the body's 2 bytes"),
        (lambda server: server.respond("GET", PLACE, after="1"), "seconds or a timedelta, got a str"),
        (lambda server: server.respond("GET", PLACE, delay=-1), "from 0 on, got -1"),
        (lambda server: server.mount("/v1", object()), "this server calls no apps"),
        (lambda server: server.refuse_next(99999), "from 400 to 599, got 99999"),
        (lambda server: server.refuse_next(200), "from 400 to 599, got 200"),
        (lambda server: server.refuse_next(httpx.ReadTimeout("x")), "got ReadTimeout; an exception is asked for by"),
        (lambda server: server.refuse_next("503"), "from 400 to 599, got a str"),
        (lambda server: server.refuse_next(503, 0), "whole number from 1 on, got 0"),
        (lambda server: server.clock.advance("1 hour"), "seconds or a timedelta, got str"),
    ],
)
def test_what_cannot_be_meant_is_told_at_once(asker: Asker, make: Any, message: str) -> None:
    """A wrong argument is one line where it is given, and changes nothing."""
    with pytest.raises(Exception, match=message.replace("{", r"\{")):
        make(asker.server)
    assert asker.json()["total"] == 3


def test_a_function_that_gives_no_answer_is_told(asker: Asker) -> None:
    """What is no answer, a coroutine too, is named with what is expected."""
    wrong: Any = 1.5
    asker.server.route("GET", "/v1/{name}", lambda request, name: wrong)
    with pytest.raises(TypeError, match="gave a float; expected a Reply"):
        asker.ask("GET", "/v1/items")


def test_refusals_may_have_header_fields(asker: Asker) -> None:
    """The next requests are refused with a status and its ``Retry-After``, before any own answer."""
    asker.server.respond("GET", PLACE, status=200)
    asker.server.refuse_next(429, times=2, headers={"Retry-After": 3})
    answers = [asker.ask("GET", PLACE) for _ in range(3)]
    assert [(answer.status, answer.header("retry-after")) for answer in answers] == [
        (429, "3"), (429, "3"), (200, None)
    ]  # fmt: skip


def test_the_clock_moves_by_a_timedelta_and_by_delays(asker: Asker) -> None:
    """An answer's delay is time that passes for the server: a token may be over after it."""
    start = asker.server.clock.now()
    asker.server.clock.advance(timedelta(minutes=1))
    asker.server.respond("GET", PLACE, delay=3600, once=True)
    asker.ask("GET", PLACE)
    assert asker.server.clock.now() == start + 3660
    assert asker.ask("GET", PLACE).status == 401


def test_own_answers_change_no_other_server() -> None:
    """What one server is told, another of the same profile does not know."""
    first, second = Asker(), Asker()
    own = first.server.respond("GET", PLACE, json="mine")
    assert second.json()["total"] == 3
    assert isinstance(own, OwnAnswer)
    assert Server(profile_named("dastra")).requests_to(PLACE) == []

"""The client's own tests of the CRM: pages, creation, errors, patience, and trouble with tokens."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from acme import ApiError, Crm, Invalid, LoginFailed, NotFound, Unreachable

pytestmark = pytest.mark.apiauth("crm")
PATH = "/workspaces"


@pytest.fixture
def crm(made):
    return made(Crm)


def test_what_is_documented(crm, apiauth_server):
    assert [workspace["label"] for workspace in crm.workspaces()] == ["Blue", "Red"]
    assert len(apiauth_server.requests_to("token")) == 1


def test_pages(crm, apiauth_server):
    @apiauth_server.route("GET", PATH)
    def page(request):
        first = (int(request.params["page"]) - 1) * 50
        return {"items": [{"id": number} for number in range(first, min(first + 50, 120))], "total": 120}

    assert [workspace["id"] for workspace in crm.workspaces()] == list(range(120))
    assert [request.params["page"] for request in apiauth_server.requests_to(PATH)] == ["1", "2", "3"]


def test_list_that_shrinks_meanwhile(crm, apiauth_server):
    apiauth_server.respond("GET", PATH, json={"items": [], "total": 9})
    assert list(crm.workspaces()) == []


def test_create(crm, apiauth_server):
    created = apiauth_server.respond("POST", PATH, status=201, json={"id": 7})
    assert crm.add_workspace("Green") == 7
    assert created.requests[0].json() == {"label": "Green"}


def test_invalid(crm, apiauth_server):
    apiauth_server.respond("POST", PATH, status=422, json={"errors": {"label": "is taken"}})
    with pytest.raises(Invalid, match="label: is taken") as caught:
        crm.add_workspace("Blue")
    assert caught.value.problems == {"label": "is taken"}


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (409, ApiError), (403, LoginFailed)])
def test_errors(crm, apiauth_server, status, error):
    apiauth_server.respond("GET", f"{PATH}/9", status=status)
    with pytest.raises(error):
        crm.get(f"{PATH}/9")


@pytest.mark.parametrize("asked", ["30", "date", ""])
def test_patience(crm, apiauth_server, asked):
    began = apiauth_server.clock.now()
    told = formatdate(began + 30, usegmt=True) if asked == "date" else asked
    apiauth_server.respond("GET", PATH, status=429, headers={"Retry-After": told} if told else {}, once=True)
    assert len(list(crm.workspaces())) == 2
    assert apiauth_server.clock.now() - began == pytest.approx(30 if asked else 1, abs=1)


def test_patience_ends(crm, apiauth_server):
    busy = apiauth_server.respond("GET", PATH, status=503, headers={"Retry-After": "9000"})
    with pytest.raises(ApiError, match="503"):
        list(crm.workspaces())
    assert busy.call_count == 3


@pytest.mark.parametrize("trouble", [TimeoutError, ConnectionResetError])
def test_reading_is_tried_again(crm, apiauth_server, trouble):
    apiauth_server.respond("GET", PATH, exception=trouble, once=True)
    assert len(list(crm.workspaces())) == 2


def test_reading_is_not_tried_for_ever(crm, apiauth_server):
    dead = apiauth_server.respond("GET", PATH, exception=ConnectionResetError)
    with pytest.raises(Unreachable):
        list(crm.workspaces())
    assert dead.call_count in (3, 6)  # aiohttp asks once more by itself, on a connection that it has kept


def test_creating_is_not_tried_again(crm, apiauth_server):
    half = apiauth_server.respond("POST", PATH, status=201, json={"id": 7}, cut_off=4)
    with pytest.raises(Unreachable):
        crm.add_workspace("Green")
    assert half.call_count == 1


def test_slow_answer(crm, apiauth_server):
    apiauth_server.respond("GET", PATH, exception=TimeoutError, once=True)
    assert len(list(crm.workspaces())) == 2


def test_token_is_kept_while_it_lives(crm, apiauth_server):
    for _ in range(3):
        list(crm.workspaces())
    assert len(apiauth_server.requests_to("token")) == 1
    apiauth_server.clock.advance(600)
    list(crm.workspaces())
    assert len(apiauth_server.requests_to("token")) == 2


def test_token_revoked_meanwhile(crm, apiauth_server):
    list(crm.workspaces())
    apiauth_server.expire()
    assert len(list(crm.workspaces())) == 2


def test_token_is_never_taken(crm, apiauth_server):
    apiauth_server.refuse_next(401, 2)
    with pytest.raises(LoginFailed, match="401"):
        list(crm.workspaces())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 400, "html": "<h1>Maintenance</h1>"}, "400 without JSON"),
        ({"json": {"error": "invalid_client"}}, "invalid_client"),
    ],
)
def test_no_token(crm, apiauth_server, answer, words):
    apiauth_server.respond("POST", "token", **answer)
    with pytest.raises(LoginFailed, match=words):
        list(crm.workspaces())


def test_token_endpoint_is_busy(crm, apiauth_server):
    apiauth_server.respond("POST", "token", status=503, headers={"Retry-After": 5}, once=True)
    assert len(list(crm.workspaces())) == 2


def test_wrong_secret(crm, apiauth_server, monkeypatch):
    crm._login = "nobody:nothing"
    with pytest.raises(LoginFailed, match="invalid_client"):
        list(crm.workspaces())

"""Pushed authorization requests at the embedded server (RFC 9126): who pushes, what is opened, and how often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading

FILE = Path(__file__).parent.parent / "profiles" / "pushed.apiauth.toml"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
STRANGE = "https://evil.example/callback"


class Client:
    """A client that pushes what it asks for, and the browser that opens it."""

    def __init__(self, *variants: str, **changes: Any) -> None:
        self.server = Server(loading.load(FILE, changes=[changes]), variants=variants)
        self.profile = self.server.profile
        self.ask = Requester(Identities(self.profile, self.server.lookup, Redactor()))
        self.asked = self.ask.authorization_request()
        assert self.asked.push is not None
        self.form = dict(parse_qs(self.asked.push.body.decode()))
        self.client_id = self.form["client_id"][0]

    def push(self, method: str = "POST", lines: Any = FORM, **changes: str | None) -> Response:
        """Push the request with parameters changed; None removes one."""
        form = {**{name: values[0] for name, values in self.form.items()}, **changes}
        body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
        return self.server.handle(Request(method, self.profile.pushed_authorization_request_endpoint, lines, body))

    def name(self, **changes: str) -> str:
        """Push the request; gives the name that comes."""
        return str(json.loads(self.push(**changes).body)["request_uri"])

    def open(self, **query: str) -> tuple[int, dict[str, list[str]]]:
        """Open the authorization endpoint; gives the status, and what the browser is sent back with."""
        url = f"{self.profile.authorization_endpoint}?{urlencode({'client_id': self.client_id, **query})}"
        answer = self.server.handle(Request("GET", url))
        location = answer.header("location") or ""
        return answer.status, parse_qs(urlsplit(location).query)


def test_what_is_pushed_gets_a_name() -> None:
    """Members, status and header fields are those of RFC 9126 2.2; each push has a name of its own."""
    client = Client()
    answer = client.push()
    told = json.loads(answer.body)

    assert (answer.status, answer.media_type, answer.header("cache-control")) == (201, "application/json", "no-store")
    assert told == {"request_uri": told["request_uri"], "expires_in": 60}
    assert told["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert client.name() != told["request_uri"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": None, "client_secret": None}, 401, "invalid_client"),
        ({"redirect_uri": STRANGE}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"request_uri": "urn:a"}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"lines": ()}, 400, "invalid_request"),
        ({"lines": (("Content-Type", "application/json"),)}, 400, "invalid_request"),
    ],
)
def test_what_is_wrong_is_said_to_the_client(changes: dict[str, Any], status: int, error: str) -> None:
    """A push is checked as an authorization request is, and its client as for a token (RFC 9126 2.1, 2.3)."""
    answer = Client().push(**changes)

    assert (answer.status, json.loads(answer.body)["error"]) == (status, error)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_another_method_is_refused(method: str) -> None:
    """Only a POST pushes."""
    answer = Client().push(method)

    assert (answer.status, answer.header("allow")) == (405, "POST")


def test_a_name_is_opened_once_by_its_client_and_in_time() -> None:
    """Anything else gets an error page, and no browser is sent anywhere (RFC 9126 4)."""
    client = Client()
    name = client.name()

    assert client.open(request_uri=name.swapcase())[0] == 400
    assert client.open(request_uri=name, client_id="nobody")[0] == 400
    other = client.server.identities.client("second").client_id
    assert other is not None
    assert client.open(request_uri=name, client_id=other)[0] == 400
    status, sent = client.open(request_uri=name)
    assert (status, sent["state"], "code" in sent) == (302, [client.asked.state], True)
    assert client.open(request_uri=name)[0] == 400
    late = client.name()
    client.server.clock.advance(60)
    assert client.open(request_uri=late)[0] == 400


def test_nothing_beside_a_name_counts() -> None:
    """What was pushed holds, whatever the URL says; its code takes the verifier that it was asked with."""
    client = Client()
    beside = {"redirect_uri": STRANGE, "state": "other", "code_challenge": "x", "response_type": "token"}
    status, sent = client.open(request_uri=client.name(), **beside)
    spent = {Role.CODE: sent["code"][0], Role.VERIFIER: client.asked.verifier}

    assert (status, sent["state"]) == (302, [client.asked.state])
    assert client.server.handle(client.ask.token_request("authorization_code", spent)).status == 200


@pytest.mark.parametrize("is_required", [True, False])
def test_what_was_not_pushed(is_required: bool) -> None:
    """It is refused where requests have to be pushed, and taken elsewhere; a request_uri without a place is nothing."""
    client = Client(authorization={"require_pushed_authorization_requests": is_required})
    asked = dict(parse_qs(urlsplit(client.asked.url).query))
    status, sent = client.open(**{name: values[0] for name, values in asked.items()})

    assert (status, sent.get("error")) == (302, ["invalid_request"] if is_required else None)
    assert ("code" in sent) is not is_required


def test_a_name_outlives_the_pages() -> None:
    """Who logs in and consents opens it several times on the way; the code ends it."""
    client = Client("login-pages")
    name = client.name()

    assert [client.open(request_uri=name)[0] for _ in range(2)] == [303, 303]


def test_metadata_name_the_place() -> None:
    """They say where requests are pushed to, and whether that is the only way (RFC 9126 5)."""
    client = Client(metadata_url="https://id.pushed.example/.well-known/oauth-authorization-server")
    told = json.loads(client.server.handle(Request("GET", client.profile.metadata_url or "")).body)

    assert told["pushed_authorization_request_endpoint"] == client.profile.pushed_authorization_request_endpoint
    assert told["require_pushed_authorization_requests"] is True

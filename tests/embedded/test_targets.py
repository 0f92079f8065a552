"""Resource indicators at the embedded server: a token is for the API that was named, however it was got."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading

FILE = Path(__file__).parent.parent / "profiles" / "target.apiauth.toml"
PROFILE = loading.load(FILE)
OWN, OTHER = "https://api.target.example/", "https://files.target.example/"


class Client:
    """A client that names the API which its token is for."""

    def __init__(self) -> None:
        self.server = Server(PROFILE)
        self.ask = Requester(Identities(self.server.profile, self.server.lookup, Redactor()))

    def token(
        self, resource: str = OWN, grant: Any = "client_credentials", **issued: str
    ) -> tuple[int, dict[str, Any]]:
        """Ask for a token; gives the status and the members of the answer."""
        given = {Role[name]: value for name, value in issued.items()}
        request = self.ask.token_request(grant, given, alter=lambda draft: draft.setting("resource", resource))
        answer = self.server.handle(request)
        return answer.status, answer.json()  # type: ignore[return-value]

    def code(self, resource: str) -> dict[str, list[str]]:
        """Ask for a code; gives the parameters that the browser is sent back with, and the proof key's verifier."""
        asked = self.ask.authorization_request()
        assert parse_qs(urlsplit(asked.url).query)["resource"] == [OWN]
        url = asked.url.replace("api.target", urlsplit(resource).hostname.removesuffix(".example"))  # type: ignore[union-attr]
        answer = self.server.handle(Request("GET", url))
        return {**parse_qs(urlsplit(answer.header("location") or "").query), "verifier": [asked.verifier]}

    def opens(self, token: str) -> bool:
        """Whether a token opens the profile's zone."""
        lines = (("Authorization", f"Bearer {token}"),)
        return self.server.handle(Request("GET", PROFILE.url("/items"), lines)).status == 200


def test_a_token_opens_the_api_that_it_was_asked_for() -> None:
    """That of another resource is issued, and opens nothing here; one that names none is for this API."""
    client = Client()
    found = {name: client.token(name)[1]["access_token"] for name in (OWN, OTHER, "urn:target:mail", "")}

    assert [client.opens(token) for token in found.values()] == [True, False, False, True]
    assert client.opens(client.server.issue().reveal())


@pytest.mark.parametrize("resource", ["https://other.example/", f"{OWN}#x", OWN.upper(), "/api", "[", f"{OWN}items"])
def test_what_is_no_resource_of_the_server_is_refused(resource: str) -> None:
    """The error has a name of its own (RFC 8707 2)."""
    status, members = Client().token(resource)

    assert (status, members["error"]) == (400, "invalid_target")


def test_a_code_and_its_refresh_token_stay_with_their_api() -> None:
    """What was consented to for one resource gives a token for that one alone, again and again (RFC 8707 2.2)."""
    client = Client()
    came = client.code(OTHER)
    spent = {"CODE": came["code"][0], "VERIFIER": came["verifier"][0]}
    assert client.token(OWN, "authorization_code", **spent)[1]["error"] == "invalid_target"
    came = client.code(OTHER)
    spent = {"CODE": came["code"][0], "VERIFIER": came["verifier"][0]}
    members = client.token("", "authorization_code", **spent)[1]
    assert not client.opens(members["access_token"])
    renewed = client.token("", "refresh_token", REFRESH_TOKEN=members["refresh_token"])[1]
    again = client.token(OTHER, "refresh_token", REFRESH_TOKEN=renewed["refresh_token"])[1]

    assert [client.opens(each["access_token"]) for each in (renewed, again)] == [False, False]
    assert client.code("https://other.example/")["error"] == ["invalid_target"]


BOTH = loading.load(FILE, changes=[{"token": {"resource": [OWN, OTHER], "other_resources": False}}])


def test_several_resources_are_repeated_parameters() -> None:
    """A token and a code for several are asked for with each of them (RFC 8707 2); the token opens the first one."""
    server = Server(BOTH)
    ask = Requester(Identities(server.profile, server.lookup, Redactor()))
    request, asked = ask.token_request("client_credentials"), ask.authorization_request()

    assert parse_qs(request.body.decode())["resource"] == [OWN, OTHER]
    assert parse_qs(urlsplit(asked.url).query)["resource"] == [OWN, OTHER]
    members: Any = server.handle(request).json()
    bearer = (("Authorization", f"Bearer {members['access_token']}"),)
    assert server.handle(Request("GET", BOTH.url("/items"), bearer)).status == 200
    again = ask.token_request("client_credentials")
    refused: Any = server.handle(replace(again, body=again.body + b"&resource=https://other.example/")).json()
    assert refused["error"] == "invalid_target"


def test_a_part_of_what_was_granted_may_be_asked_for() -> None:
    """A token may be for one of a code's resources; its refresh token stays with all of them (RFC 8707 2.2)."""
    server = Server(BOTH)
    ask = Requester(Identities(server.profile, server.lookup, Redactor()))

    def members(grant: Any, resource: str, **issued: str) -> dict[str, Any]:
        given = {Role[name]: value for name, value in issued.items()}
        answer = server.handle(ask.token_request(grant, given, alter=lambda draft: draft.setting("resource", resource)))
        return answer.json()  # type: ignore[return-value]

    def opens(token: str) -> bool:
        bearer = (("Authorization", f"Bearer {token}"),)
        return server.handle(Request("GET", BOTH.url("/items"), bearer)).status == 200

    asked = ask.authorization_request()
    code = parse_qs(urlsplit(server.handle(asked.request).header("location") or "").query)["code"][0]
    first = members("authorization_code", OTHER, CODE=code, VERIFIER=asked.verifier)
    second = members("refresh_token", OWN, REFRESH_TOKEN=first["refresh_token"])

    assert [opens(each["access_token"]) for each in (first, second)] == [False, True]


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ({"resource": "/api"}, "resource: expected an absolute URI without a fragment"),
        ({"other_resources": ["urn:a#b"]}, "other_resources: expected an absolute URI without a fragment"),
        ({"other_resources": [OWN]}, "other_resources: names resource itself, and means others"),
        ({"resource": False}, "other_resources: resource is needed"),
        ({"resource": [OWN, "/api"]}, "resource: expected an absolute URI without a fragment"),
        ({"resource": [OWN, "urn:target:mail"]}, "other_resources: names resource itself, and means others"),
        ({"resource": [OWN, "urn:a"], "body": "json"}, 'resource: several of them take body = "form"'),
    ],
)
def test_what_is_no_resource_is_one_line(token: dict[str, object], words: str) -> None:
    """A profile names resources as a request does."""
    with pytest.raises(ProfileError, match=words):
        loading.load(FILE, changes=[{"token": token}])

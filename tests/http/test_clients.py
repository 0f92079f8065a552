"""Clients of both libraries over transports in this process, and the wire."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from typing import Any

import pytest

from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError, ReplacedError, TokenError, UnreachableError
from pytest_apiauth.http import (
    Connector,
    InProcess,
    LibraryError,
    Network,
    build_async_client,
    build_client,
    fetch_token,
    library,
)
from pytest_apiauth.messages import Request, Response
from tests.here import EACH, INSTALLED
from tests.shop import HTML, ManualClock, Provider, answered, authenticator, shop

KINDS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
# Nothing listens on the discard port of loopback, and nothing may be resolved under .invalid (RFC 6761 6.4).
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


def ask(is_async: bool, connector: Connector, profile: Any = None, *, method: str = "GET", **options: Any) -> Any:
    """Send one authenticated request with a client of either kind, and give the response."""
    profile = profile or shop()
    redactor = Redactor()
    send = options.pop("send", {})
    user = options.pop("authenticator", None) or authenticator(profile, redactor=redactor)

    async def main() -> Any:
        async with build_async_client(profile, connector, redactor, authenticator=user, **options) as client:
            return await client.request(method, "/user/me", **send)

    if is_async:
        return asyncio.run(main())
    with build_client(profile, connector, redactor, authenticator=user, **options) as client:
        return client.request(method, "/user/me", **send)


@KINDS
def test_a_client_is_authenticated_and_knows_its_base_url(name: str, is_async: bool) -> None:
    """A relative path is all a test needs to write."""
    provider = Provider(shop())
    response = ask(is_async, InProcess(name, provider.handle))
    token_request, request = provider.arrived

    assert response.status_code == 200
    assert type(response).__module__.startswith(name)
    assert token_request.url == "https://login.example.org/token"
    assert request.url == "https://api.example.org/v1/user/me"
    assert request.header_lines("authorization") == ["Bearer access-000001"]
    assert request.header_lines("x-api-key") == ["value-of-credentials.api_key"]


@KINDS
def test_a_refused_token_is_renewed_and_the_request_sent_again(name: str, is_async: bool) -> None:
    """A 401 costs the test nothing; the body travels again as it was."""
    provider = Provider(shop())
    store = TokenStore(ManualClock(), 30)
    connector = InProcess(name, provider.handle)
    user = authenticator(store=store)
    ask(is_async, connector, authenticator=user)
    provider.revoke_tokens()
    response = ask(is_async, connector, authenticator=user, method="POST", send={"json": {"a": 1}})

    assert response.status_code == 200
    assert provider.grants == ["password", "refresh_token"]
    assert provider.arrived[-1].body == provider.arrived[-3].body != b""


@KINDS
def test_the_users_request_is_never_rebuilt(name: str, is_async: bool) -> None:
    """The request object that the client made is the one that travels, on the retry too."""
    provider = Provider(shop())
    store = TokenStore(ManualClock(), 30)
    connector = InProcess(name, provider.handle)
    user = authenticator(store=store)
    ask(is_async, connector, authenticator=user)
    provider.revoke_tokens()
    response = ask(is_async, connector, authenticator=user)

    assert [each.status_code for each in response.history] == [401]
    assert response.history[0].request is response.request


@KINDS
@pytest.mark.parametrize(
    ("send", "what"),
    [
        ({"headers": {"authorization": "Bearer nonsense"}}, "a header Authorization"),
        ({"headers": {"Authorization": "Bearer Secret('apiauth:shop.access_token')"}}, "a header Authorization"),
        ({"headers": {"X-Api-Key": "nonsense"}}, "a header X-API-Key"),
    ],
)
def test_a_header_of_the_requests_own_is_not_replaced(
    name: str, is_async: bool, send: dict[str, Any], what: str
) -> None:
    """A request is never answered as another than the test has written: one line says how it goes out as it is."""
    provider = Provider(shop())
    with pytest.raises(ReplacedError, match=f"^shop: the request brings {what}, .* auth=None") as caught:
        ask(is_async, InProcess(name, provider.handle), send=send)

    assert [request.path for request in provider.arrived] == ["/token"]
    assert "nonsense" not in str(caught.value)
    assert ask(is_async, InProcess(name, provider.handle), send={**send, "auth": None}).status_code == 401


@pytest.mark.parametrize("is_new", [False, True])
def test_what_a_client_sends_itself_may_be_given(name: str, is_new: bool) -> None:
    """The current token may stand there already, and a request that was sent before may be sent again, renewed."""
    provider = Provider(shop())
    connector, user = InProcess(name, provider.handle), authenticator(store=TokenStore(ManualClock(), 30))
    token = fetch_token(user, connector, Redactor())
    with build_client(shop(), connector, Redactor(), authenticator=user) as client:
        request = client.build_request("GET", "/user/me", headers={"Authorization": token.authorization})
        assert client.send(request).status_code == 200
        if is_new:
            provider.revoke_tokens()
        assert client.send(request).status_code == 200

    assert len({request.header("authorization") for request in provider.arrived[1:] if request.path != "/token"}) == (
        2 if is_new else 1
    )


@KINDS
@pytest.mark.parametrize("body", ["stream", "files"])
def test_a_body_that_cannot_be_replayed_is_sent_once(name: str, is_async: bool, body: str) -> None:
    """The 401 comes back as it is, and the token endpoint is not troubled."""
    provider = Provider(shop())
    store = TokenStore(ManualClock(), 30)
    connector = InProcess(name, provider.handle)
    user = authenticator(store=store)
    ask(is_async, connector, authenticator=user)
    provider.revoke_tokens()

    async def slowly() -> Any:
        yield b"data"

    stream: Any = slowly() if is_async else iter([b"data"])
    send = {"content": stream} if body == "stream" else {"files": {"f": io.BytesIO(b"data")}}
    response = ask(is_async, connector, authenticator=user, method="POST", send=send)

    assert response.status_code == 401
    assert provider.grants == ["password"]
    assert b"data" in provider.arrived[-1].body


@KINDS
def test_token_requests_are_the_clients_own_business(name: str, is_async: bool) -> None:
    """The user's hooks, headers, cookies and history know nothing of token requests."""
    seen: list[str] = []

    def hook(request: Any) -> None:
        seen.append(str(request.url))

    async def hook_async(request: Any) -> None:
        seen.append(str(request.url))

    provider = Provider(shop())
    response = ask(
        is_async,
        InProcess(name, provider.handle),
        event_hooks={"request": [hook_async if is_async else hook]},
        headers={"X-Mine": "1"},
        cookies={"session": "1"},
    )

    assert seen == ["https://api.example.org/v1/user/me"]
    assert response.history == []
    assert provider.arrived[0].header("x-mine") is None
    assert provider.arrived[0].header("cookie") is None
    assert provider.arrived[1].header("x-mine") == "1"


@KINDS
def test_a_token_request_follows_no_redirect(name: str, is_async: bool) -> None:
    """A token endpoint that redirects is told of, and nobody else gets the password."""
    arrived: list[str] = []

    def handle(request: Request) -> Response:
        arrived.append(request.url)
        return Response(307, (("Location", "https://login.example.org/elsewhere"),))

    with pytest.raises(TokenError, match=r"status 307, a redirect to https://login.example.org/elsewhere; "):
        ask(is_async, InProcess(name, handle), follow_redirects=True)
    assert arrived == ["https://login.example.org/token"]


@KINDS
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Response(200, HTML, b"<html>"), "an HTML page"),
        (Response(500, (), b"oops"), "status 500"),
        (answered({"error": "invalid_client"}, 401), "status 401: invalid_client"),
        (answered({}), "no access_token"),
        (answered({"access_token": "t0ken-t0ken", "expires_in": "3600"}), "expires_in '3600'"),
        (answered({"access_token": "t0ken-t0ken", "expires_in": -5}), "expires_in -5"),
    ],
)
def test_a_bad_token_answer_is_one_line(name: str, is_async: bool, answer: Response, says: str) -> None:
    """Whatever is wrong at the token endpoint, the test's error is one line that says it."""
    with pytest.raises(TokenError) as caught:
        ask(is_async, InProcess(name, lambda request: answer))

    assert says in str(caught.value)
    assert str(caught.value).startswith("shop: https://login.example.org/token (password): ")
    assert "\n" not in str(caught.value)


@KINDS
def test_an_unset_variable_is_one_line(name: str, is_async: bool) -> None:
    """A secret that is not there is named before anything leaves."""
    provider = Provider(shop())
    user = authenticator(lookup=lambda label, reference: None)

    with pytest.raises(CredentialError, match=r"^shop: credentials.api_key: environment variable SHOP_KEY is not set$"):
        ask(is_async, InProcess(name, provider.handle), authenticator=user)
    assert provider.arrived == []


@KINDS
def test_an_unreachable_token_endpoint_is_one_line(name: str, is_async: bool) -> None:
    """Where nobody answers, the line says which place and why."""
    profile = shop(api_url=NOBODY, token_url=NOBODY + "/token", authorize_url=NOBODY + "/authorize")
    with pytest.raises(UnreachableError) as caught:
        ask(is_async, Network(name), profile)

    assert str(caught.value).startswith("shop: http://127.0.0.1:9/token: no answer (ConnectError: ")
    assert "\n" not in str(caught.value)


def test_a_host_in_clear_is_refused_with_the_profile() -> None:
    """A profile that would send credentials in clear is refused when it is read."""
    with pytest.raises(ValueError, match=r"http://api.example.org would send credentials in clear; use https"):
        shop(api_url="http://api.example.org")


@KINDS
def test_a_client_without_authenticator_sends_no_credential(name: str, is_async: bool) -> None:
    """A client for nobody is the library's own, behind the guard."""
    arrived: list[Request] = []

    def handle(request: Request) -> Response:
        arrived.append(request)
        return Response(200)

    connector = InProcess(name, handle)
    with build_client(shop(), connector, Redactor()) as client:
        client.get("/open/x")

    assert arrived[0].header("authorization") is None
    assert arrived[0].header("x-api-key") is None


def test_a_token_can_be_fetched_without_a_client(name: str) -> None:
    """The fixture that gives the token shares the clients' store."""
    provider = Provider(shop())
    user = authenticator()
    connector = InProcess(name, provider.handle)
    first = fetch_token(user, connector, Redactor())

    assert first.access_token.reveal() == "access-000001"
    assert fetch_token(user, connector, Redactor()) is first


def test_a_token_that_cannot_be_fetched_is_one_line(name: str) -> None:
    """What the token endpoint does wrong reaches the fixture as it is."""
    with pytest.raises(TokenError, match=r"^shop: .* status 500"):
        fetch_token(authenticator(), InProcess(name, lambda request: Response(500)), Redactor())


@KINDS
def test_an_error_in_the_server_function_reaches_the_test(name: str, is_async: bool) -> None:
    """A bug in an in-process server is not dressed up as a network fault."""

    def handle(request: Request) -> Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(is_async, InProcess(name, handle))


@pytest.mark.slow
def test_libraries_are_imported_on_use_only() -> None:
    """Importing the package imports neither library, and using one does not import the other."""
    code = (
        "import sys, pytest_apiauth.http as h;"
        "assert not {'httpx', 'httpx2'} & set(sys.modules);"
        "h.library(sys.argv[1]);"
        "assert {'httpx', 'httpx2'} & set(sys.modules) == {sys.argv[1]}"
    )
    for name in INSTALLED:
        subprocess.run([sys.executable, "-c", code, name], check=True)


def test_an_unknown_library_is_one_line() -> None:
    """A typing error in the ini is named with the libraries there are."""
    with pytest.raises(LibraryError, match=r"^apiauth_http: no library 'requests'; known are: httpx, httpx2$"):
        library("requests")


@KINDS
def test_clients_refuse_what_a_connection_refuses(name: str, is_async: bool) -> None:
    """The in-process transport raises what the library raises for a real connection."""
    connector = InProcess(name, Provider(shop()).handle)
    with pytest.raises(connector.library.local_protocol_error, match="illegal value of header X-A"):
        ask(is_async, connector, send={"headers": {"X-A": "edge "}})


@KINDS
def test_a_raw_target_travels_as_it_is(name: str, is_async: bool) -> None:
    """The library's own way to send an unnormalised path works in process too."""
    provider = Provider(shop())
    ask(is_async, InProcess(name, provider.handle), send={"extensions": {"target": b"/v1/open/../user/me"}})

    assert provider.arrived[-1].path == "/v1/open/../user/me"

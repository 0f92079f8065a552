"""The origin guard: nothing secret arrives anywhere but at the profile's own origins.

The judge is a transport of our own that answers with the redirect in question and keeps every request that
arrived, with its origin. A case passes if no credential is in what arrived elsewhere, whether the client got
an answer or an error.
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError
from pytest_apiauth.http import InProcess, build_async_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from tests.here import EACH
from tests.http.trap import CREDENTIALS, SECRETS, Trap, call, user_of
from tests.shop import authenticator, shop

pytestmark = pytest.mark.parametrize("library", EACH)

STATUSES = [301, 302, 303, 307, 308]
ELSEWHERE = {
    "other-host": "https://evil.example/take",
    "other-port": "https://api.example.org:8443/take",
    "other-scheme": "http://api.example.org/take",
    "sub-domain": "https://x.api.example.org/take",
    "parent-domain": "https://example.org/take",
    "look-alike-suffix": "https://api.example.org.evil.example/take",
    "look-alike-prefix": "https://evilapi.example.org/take",
    "trailing-dot-host": "https://evil.example./take",
    "userinfo": "https://api.example.org@evil.example/take",
    "userinfo-with-port": "https://api.example.org:443@evil.example/take",
    "backslash": "https://evil.example\\@api.example.org/take",
    "encoded-at": "https://evil.example%40api.example.org/take",
    "scheme-relative": "//evil.example/take",
    "upper-case": "HTTPS://EVIL.EXAMPLE/take",
    # A Cyrillic letter, as UTF-8 bytes and in the form of the DNS.
    "confusable": "https://api.ex\u0430mple.org/take".encode().decode("latin-1"),
    "confusable-dns": "https://api.xn--exmple-4nf.org/take",
    "number": "https://127.0.0.2:9/take",
    "loopback": "http://localhost:9/take",
}


@pytest.mark.parametrize("is_async", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["sync", "async"])
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("elsewhere", ELSEWHERE)
@pytest.mark.parametrize("status", STATUSES)
def test_no_redirect_takes_a_credential_elsewhere(
    library: str, status: int, elsewhere: str, credential: str, is_async: bool
) -> None:
    """Whatever the status, the place and the credential: nothing secret arrives there."""
    redactor = Redactor()
    profile, user = user_of(credential, redactor)
    trap = Trap(profile, Response(status, (("Location", ELSEWHERE[elsewhere]),)))
    error = call(
        is_async,
        profile,
        InProcess(library, trap.handle),
        redactor,
        lambda client: client.get("/user/me"),
        authenticator=user,
        follow_redirects=True,
    )

    assert len(trap.arrived) >= 1, "the first request never left, so nothing was tested"
    assert trap.caught() == []
    # A key would have travelled on, so it must have been stopped by the guard and not by chance.
    if "key" in credential and elsewhere not in ("backslash", "encoded-at"):
        assert isinstance(error, GuardError)
    if isinstance(error, GuardError):
        assert "\n" not in str(error)
        assert not any(secret in str(error) for secret in SECRETS)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_within_the_profile_is_followed(library: str, status: int, is_async: bool) -> None:
    """Between origins that the profile names, credentials may travel."""
    redactor = Redactor()
    profile, user = user_of("key", redactor)
    trap = Trap(profile, Response(status, (("Location", "https://login.example.org/whoami"),)))
    act = lambda client: client.get("/user/me")  # noqa: E731
    error = call(
        is_async,
        profile,
        InProcess(library, trap.handle),
        redactor,
        act,
        authenticator=user,
        follow_redirects=True,
    )

    assert error is None
    assert [request.url for request in trap.arrived] == [
        "https://api.example.org/v1/user/me",
        "https://login.example.org/whoami",
    ]
    assert trap.arrived[1].header("x-api-key") == "value-of-credentials.api_key"


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirected_body_with_a_secret_is_stopped(library: str, status: int) -> None:
    """A body that is sent again elsewhere takes no secret along, even where no header is secret."""
    redactor = Redactor()
    redactor.learn("correct horse/battery", "shop.password")
    profile = shop()
    trap = Trap(profile, Response(status, (("Location", ELSEWHERE["other-host"]),)))
    error = call(
        False,
        profile,
        InProcess(library, trap.handle),
        redactor,
        lambda client: client.post("/user/login", data={"password": "correct horse/battery"}),
        follow_redirects=True,
    )

    assert isinstance(error, GuardError)
    assert "a credential in the body would travel to https://evil.example" in str(error)
    assert trap.elsewhere == []


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    "url",
    ["https://evil.example/x", "http://api.example.org/v1/user/me", "wss://evil.example/x", "ws://api.example.org/x"],
)
def test_a_direct_request_elsewhere_is_stopped(library: str, url: str, is_async: bool) -> None:
    """An authenticated client does not ask strangers, and not in clear; the line names both origins."""
    redactor = Redactor()
    profile, user = user_of("key-and-bearer", redactor)
    trap = Trap(profile)
    connector = InProcess(library, trap.handle)
    error = call(is_async, profile, connector, redactor, lambda client: client.get(url), authenticator=user)

    assert isinstance(error, GuardError)
    assert url.partition("/v1")[0].removesuffix("/x") in str(error)
    assert trap.arrived == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"headers": {"authorization": "Basic x"}}, "header authorization"),
        ({"headers": {"Proxy-Authorization": "x"}}, "header Proxy-Authorization"),
        ({"headers": {"x_api_key": "x"}}, "header x_api_key"),
        ({"headers": {"X-APIKEY": "x"}}, "header X-APIKEY"),
        ({"headers": {"X-Other": "is hidden-value here"}}, "header X-Other"),
        ({"cookies": {"session": "hidden-value"}}, "header Cookie"),
        ({"params": {"q": "hidden-value"}}, "the URL"),
        ({"json": {"q": "hidden-value"}}, "the body"),
        ({"extensions": {"target": b"/take?q=hidden-value"}}, "the URL"),
        ({"extensions": {"target": b"/take?q=%68idden-v%61lue"}}, "the URL"),
        ({"auth": ("alice", "x")}, "header Authorization"),
    ],
)
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
def test_every_part_of_a_request_is_looked_at(library: str, options: dict[str, Any], part: str) -> None:
    """Names of secret headers in any spelling, and known values anywhere, do not leave for a stranger."""
    redactor = Redactor()
    redactor.learn("hidden-value", "shop.api_key")
    trap = Trap(shop())
    error = call(
        False,
        shop(),
        InProcess(library, trap.handle),
        redactor,
        lambda client: client.request("POST", "https://evil.example/take", **options),
    )

    assert isinstance(error, GuardError)
    assert f"{part} would travel to https://evil.example, directly or by a redirect, but the profile names" in str(
        error
    )
    assert trap.arrived == []


@pytest.mark.parametrize("url", ["https://other.example/x", "http://other.example/x", "http://api.example.org/x"])
def test_a_stranger_may_be_asked_without_credentials(library: str, url: str) -> None:
    """What carries nothing secret may go anywhere."""
    trap = Trap(shop())
    connector = InProcess(library, trap.handle)

    assert call(False, shop(), connector, Redactor(), lambda client: client.get(url)) is None
    assert [url] == [request.url for request in trap.arrived]


@pytest.mark.parametrize(
    ("profile", "url"),
    [
        (shop(api_url="http://localhost:8000"), "http://localhost:8000/x"),
        (shop(api_url="http://api:8000", insecure_hosts=["api"]), "http://api:8000/x"),
        (shop(), "https://API.example.org:443/v1/x"),
        (shop(), "wss://api.example.org/v1/x"),
        (shop(api_url="http://localhost:8000"), "ws://localhost:8000/x"),
    ],
)
def test_the_profiles_own_origins_get_the_credentials(library: str, profile: Profile, url: str) -> None:
    """Loopback and listed hosts may be asked in clear; a default port and capitals make no other origin."""
    redactor = Redactor()
    trap = Trap(profile)
    user = authenticator(profile, redactor=redactor)
    connector = InProcess(library, trap.handle)

    assert call(False, profile, connector, redactor, lambda client: client.get(url), authenticator=user) is None
    assert trap.arrived[0].header("x-api-key") == "value-of-credentials.api_key"


def test_a_token_request_in_clear_is_stopped(library: str) -> None:
    """A token endpoint that the profile's checks did not see is not asked in clear either."""
    redactor = Redactor()
    profile = shop().model_copy(update={"token_url": "http://login.example.org/token"})
    arrived: list[Request] = []

    def handle(request: Request) -> Response:
        arrived.append(request)
        return Response(200)

    user = authenticator(profile, redactor=redactor)
    connector = InProcess(library, handle)
    error = call(False, profile, connector, redactor, lambda client: client.get("/user/me"), authenticator=user)

    assert isinstance(error, GuardError)
    assert "would travel to http://login.example.org in clear; use https" in str(error)
    assert arrived == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get"])
def test_a_live_client_does_not_write(library: str, method: str) -> None:
    """Without leave, only safe methods are sent; the line says how to get leave."""
    trap = Trap(shop())
    connector = InProcess(library, trap.handle)
    act = lambda client: client.request(method, "/user/me")  # noqa: E731
    error = call(False, shop(), connector, Redactor(), act, allow_unsafe=False)

    if method == "get":
        assert error is None
        return
    assert isinstance(error, GuardError)
    assert "mark the test apiauth_writes" in str(error)
    assert trap.arrived == []


def test_a_live_client_may_read_and_ask_for_tokens(library: str) -> None:
    """The token endpoint is asked by POST even where nothing else is."""
    redactor = Redactor()
    trap = Trap(shop())
    user = authenticator(redactor=redactor)
    connector = InProcess(library, trap.handle)
    act = lambda client: [client.request(method, "/user/me") for method in ("GET", "HEAD", "OPTIONS")]  # noqa: E731

    assert call(False, shop(), connector, redactor, act, authenticator=user, allow_unsafe=False) is None
    assert len(trap.arrived) == 3


@pytest.mark.parametrize("target", [b"/other", b"/token/../other"])
def test_another_target_is_another_place(library: str, target: bytes) -> None:
    """A POST whose target is another one than the token endpoint's is a POST to another place."""
    profile = shop()
    trap = Trap(profile)
    connector = InProcess(library, trap.handle)
    act = lambda client: client.post(profile.token_endpoint, extensions={"target": target})  # noqa: E731
    error = call(False, profile, connector, Redactor(), act, allow_unsafe=False)

    assert isinstance(error, GuardError)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_only_post_is_a_token_request(library: str, method: str) -> None:
    """Token requests are POST (RFC 6749 3.2); the token endpoint is no way round for the rest."""
    profile = shop()
    trap = Trap(profile)
    act = lambda client: client.request(method, profile.token_endpoint)  # noqa: E731
    error = call(False, profile, InProcess(library, trap.handle), Redactor(), act, allow_unsafe=False)

    assert isinstance(error, GuardError)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("api_url", "extensions", "passes"),
    [
        ("https://api.example.org", {"sni_hostname": "evil.example"}, False),
        ("https://api.example.org", {"sni_hostname": b"evil.example"}, False),
        ("https://api.example.org", {"sni_hostname": "API.example.org"}, True),
        ("https://api.example.org", {"sni_hostname": "login.example.org"}, True),
        ("https://192.0.2.7", {"sni_hostname": "api.example.org"}, True),
        ("https://[2001:db8::7]", {"sni_hostname": "api.example.org"}, True),
        ("http://api:80", {"target": b"@evil.example/"}, False),
        ("http://api:80", {"target": "@evil.example/"}, False),
        ("http://api:80", {"target": b"/user/./me"}, True),
        ("http://api:80", {"target": "/user/./me"}, True),
        ("https://api.example.org", {"target": b"/user/./me"}, True),
    ],
)
def test_an_extension_makes_no_other_place(
    library: str, is_async: bool, api_url: str, extensions: dict[str, Any], passes: bool
) -> None:
    """TLS vouches for a host of the profile or for a number's name, and no target continues the host."""
    redactor = Redactor()
    profile = shop(api_url=api_url, insecure_hosts=["api"])
    trap = Trap(profile)
    user = authenticator(profile, redactor=redactor, kinds=["api_key"])
    error = call(
        is_async,
        profile,
        InProcess(library, trap.handle),
        redactor,
        lambda client: client.get("/user/me", extensions=extensions),
        authenticator=user,
    )

    assert len(trap.arrived) == passes
    assert passes == (error is None)
    if not passes:
        assert "but by the extensions target or sni_hostname to another place" in str(error)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_live_client_does_not_write_through_a_transport_of_its_own(library: str, is_async: bool) -> None:
    """A transport that makes another method of a request is behind the guard like any other."""
    trap = Trap(shop())
    connector = InProcess(library, trap.handle)

    def around(inner: Any) -> Any:
        def handle(self: Any, request: Any) -> Any:
            request.method = "DELETE"
            return inner.handle_async_request(request) if is_async else inner.handle_request(request)

        base = connector.library.module.AsyncBaseTransport if is_async else connector.library.module.BaseTransport
        return type("Deleting", (base,), {"handle_async_request" if is_async else "handle_request": handle})()

    error = call(
        is_async,
        shop(),
        connector,
        Redactor(),
        lambda client: client.get("/x"),
        transport=around,
        allow_unsafe=False,
    )

    assert isinstance(error, GuardError)
    assert trap.arrived == []


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_name_that_would_obey_a_terminal_is_told_plainly(library: str, is_async: bool) -> None:
    """What stands in the line is printable, whatever a header is called."""
    redactor = Redactor()
    redactor.learn("hidden-value", "shop.api_key")
    headers = {b"x\x1b[2J\nx": b"hidden-value"}
    connector = InProcess(library, Trap(shop()).handle)
    act = lambda client: client.get("https://evil.example/", headers=headers)  # noqa: E731
    error = call(is_async, shop(), connector, redactor, act)

    assert isinstance(error, GuardError)
    assert str(error).isprintable()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("value", ["hidden-value", "nothing"])
def test_a_stream_that_is_stopped_leaves_nothing_open(library: str, backend: str, value: str) -> None:
    """On either event loop a stopped stream, and one that nobody reads, is closed where it was opened."""
    redactor = Redactor()
    redactor.learn("hidden-value", "shop.api_key")
    closed: list[bool] = []

    async def pieces() -> Any:
        try:
            for piece in (b"x" * 100_000, value.encode(), b"x"):
                yield piece
        finally:
            closed.append(True)

    def refuse(request: Request) -> Response:
        raise ZeroDivisionError

    async def main() -> None:
        connector = InProcess(library, refuse)
        async with build_async_client(shop(), connector, redactor) as client:
            with pytest.raises((GuardError, ZeroDivisionError)):
                await client.post("https://evil.example/", content=pieces())

    anyio.run(main, backend=backend)

    assert closed == [True]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("domain", "url", "passes"),
    [
        ("other.example", "https://other.example/x", True),
        (".other.example", "https://below.other.example/x", True),
        ("other.example", "https://below.other.example/x", True),
        ("xn--bcher-kva.example", "https://b\u00fccher.example/x", True),
        ("", "https://other.example/x", False),
        (".example.org", "https://other.example.org/x", False),
        ("api.example.org", "https://api.example.org:8443/x", False),
        ("api.example.org", "http://api.example.org/x", False),
        ("xn--kse-qla.example", "http://k\u00e4se.example/x", False),
    ],
)
def test_a_cookie_goes_where_it_belongs(library: str, is_async: bool, domain: str, url: str, passes: bool) -> None:
    """Another place gets its own cookies, and none that the profile's origins get too."""
    profile = shop(introspection_url="https://k\u00e4se.example/introspect")
    trap = Trap(profile)

    def act(client: Any) -> Any:
        client.cookies.set("session", "of-somebody", domain=domain)
        return client.get(url)

    error = call(is_async, profile, InProcess(library, trap.handle), Redactor(), act)

    assert [request.header("cookie") for request in trap.arrived] == ["session=of-somebody"] * passes
    assert passes == (error is None)
    if not passes:
        assert "a cookie that is not that place's own, in header Cookie would travel to http" in str(error)

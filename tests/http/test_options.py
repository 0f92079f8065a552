"""The options of a client: what is the library's own works, what would pass the guard by is refused in one line."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.http import Connector, InProcess, Network, build_async_client, build_client, library
from pytest_apiauth.http.options import ELSEWHERE, ClientOptions
from tests.here import EACH
from tests.http.test_network import NOBODY, Listener, local
from tests.shop import Provider, authenticator, shop

KINDS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
CA = "ca.pem"


@pytest.fixture(params=EACH)
def name(request: pytest.FixtureRequest) -> str:
    """Name one of the two libraries."""
    return str(request.param)


def ask(is_async: bool, connector: Connector, profile: Any, url: str = "/user/me", **options: Any) -> Any:
    """Send one request with a client that has options; it is authenticated unless it has an auth."""
    redactor = Redactor()
    redactor.learn("value-of-credentials.api_key")
    user = None if "auth" in options else authenticator(profile, redactor=redactor)
    user = options.pop("authenticator", user)

    async def main() -> Any:
        async with build_async_client(profile, connector, redactor, authenticator=user, **options) as client:
            return await client.get(url)

    if is_async:
        return asyncio.run(main())
    with build_client(profile, connector, redactor, authenticator=user, **options) as client:
        return client.get(url)


def unverified() -> ssl.SSLContext:
    """Make a context that trusts anybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


def test_options_are_declared_for_editors(name: str) -> None:
    """What an editor offers is what the library's clients take, but for what is refused."""
    made = library(name)
    known = {*inspect.signature(made.client).parameters} & {*inspect.signature(made.async_client).parameters}

    assert set(ClientOptions.__annotations__) == known - set(ELSEWHERE)


@KINDS
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"mounts": {"all://": None}},
            "mounts: it would take the guard's place; proxy=… is allowed, and transport",
        ),
        ({"transport": 5}, "transport: int would take the place of the API and of the guard; expected a fu"),
        (
            {"transport": lambda inner: 5},
            "transport: expected a function that puts yours around the plug-in's: transpo",
        ),
        (
            {"auth": ("alice", "a-password")},
            "auth: this client sends the profile's credentials; for an auth of your own",
        ),
        (
            {"base_url": "https://evil.example/v1"},
            "base_url: https://evil.example is none of the profile's orig",
        ),
        (
            {"base_url": "http://api.example.org/v1"},
            "base_url: http://api.example.org is none of the profile's origins",
        ),
        ({"base_url": "/v2"}, "base_url: /v2 is none of the profile's origins"),
        ({"base_url": 5}, "TypeError: "),
        ({"verify": False}, "verify: without it credentials go to whoever answers; name the certificates to trust as"),
        ({"verify": unverified()}, "verify: without it credentials go to whoever answers"),
        ({"verify": 5}, "verify: expected a file, a folder or an SSLContext, got int"),
        ({"cert": 5}, "cert: expected a file, or a tuple of certificate, key and passphrase"),
        ({"cert": "a.pem", "verify": ssl.create_default_context()}, "cert: verify has a context; load the certificate"),
        ({"proxies": {"all://": "http://p.example"}}, "proxies: it is one proxy now: proxy=…"),
        ({"app": object()}, 'app: an app in this process is the profile\'s: app = "module:app"'),
        ({"proxy": "ftp://p.example"}, "ValueError: Unknown scheme for proxy URL"),
        ({"proxy": "http://a:value-of-credentials.api_key@p.example"}, "proxy: it holds a credential of the profile"),
        ({"follow_redirect": True}, "follow_redirect: no option of httpx"),
        ({"headers": 5}, "TypeError: "),
        ({"event_hooks": 5}, "AttributeError: "),
    ],
)
def test_an_option_that_clashes_is_one_line(name: str, is_async: bool, options: dict[str, Any], says: str) -> None:
    """What would replace the guard, the API or the credentials, and what the library does not take, is refused."""
    profile = shop()
    provider = Provider(profile)
    authenticated = authenticator(profile)
    with pytest.raises(ProfileError) as caught:
        ask(is_async, InProcess(name, provider.handle), profile, authenticator=authenticated, **options)

    assert str(caught.value).startswith(f"apiauth_client_factory: {says}")
    assert "\n" not in str(caught.value)
    assert "value-of-credentials" not in str(caught.value)
    assert provider.arrived == []


@KINDS
def test_a_slip_of_the_pen_is_named(name: str, is_async: bool) -> None:
    """An unknown option comes with the one that was probably meant."""
    with pytest.raises(ProfileError, match=r": no option of httpx2?\.\w+; did you mean follow_redirects\?"):
        ask(is_async, InProcess(name, Provider(shop()).handle), shop(), follow_redirect=True)


@KINDS
def test_a_transport_of_the_library_is_not_let_in(name: str, is_async: bool) -> None:
    """A transport made elsewhere would reach the network offline, whether it is given or a function gives it."""
    module = library(name).module
    kind = module.AsyncHTTPTransport if is_async else module.HTTPTransport
    connector = InProcess(name, Provider(shop()).handle)
    for transport, says in (
        (kind(), "HTTPTransport would take the place of the API"),
        (module.MockTransport(lambda request: module.Response(200)), "MockTransport would take the place of the API"),
        (lambda inner: kind(), "HTTPTransport opens connections of its own"),
        (kind, "HTTPTransport opens connections of its own"),
    ):
        with pytest.raises(ProfileError, match=says):
            ask(is_async, connector, shop(), transport=transport)


@KINDS
@pytest.mark.parametrize(
    "options",
    [
        {"proxy": "http://proxy.example:3128"},
        {"verify": True},
        {"verify": "no-such-file-is-read.pem"},
        {"verify": Path("no-such-file-is-read.pem")},
        {"cert": ("a.pem", "b.pem")},
        {"http2": True, "http1": False},
        {"trust_env": False},
        {"base_url": "https://API.example.org:443/v1"},
        {"base_url": ""},
        {"mounts": None, "transport": None, "proxy": None, "cert": None, "auth": None},
        {"timeout": 3, "follow_redirects": True, "max_redirects": 3, "headers": {"X-Mine": "1"}, "params": {"a": "b"}},
        {"default_encoding": "latin-1", "cookies": {"a": "b"}, "event_hooks": {}},
    ],
)
@pytest.mark.filterwarnings("error")
def test_options_work_without_a_network(name: str, is_async: bool, options: dict[str, Any]) -> None:
    """A test that shapes its connections for live runs runs offline, where there are none, just the same."""
    profile = shop()
    options.setdefault("authenticator", authenticator(profile))

    assert ask(is_async, InProcess(name, Provider(profile).handle), profile, **options).status_code == 200


@KINDS
def test_an_auth_of_ones_own_takes_a_client_without_credentials(name: str, is_async: bool) -> None:
    """Where the profile's credentials are not wanted, another auth may be, and its secret is a secret from then on."""
    profile, redactor = shop(), Redactor()
    provider = Provider(profile)
    build: Any = build_async_client if is_async else build_client
    client = build(profile, InProcess(name, provider.handle), redactor, auth=("alice", "a wrong password"))
    got = client.get("/user/me")
    if is_async:
        asyncio.run(got)

    assert provider.arrived[-1].header("authorization") == "Basic YWxpY2U6YSB3cm9uZyBwYXNzd29yZA=="
    assert redactor.redact("it is a wrong password") == "it is [apiauth:auth]"


@KINDS
def test_a_transport_around_the_plug_ins_sees_and_repeats(name: str, is_async: bool) -> None:
    """Retries of one's own work, for token requests too; who closes the client closes what is inside."""
    profile = shop()
    provider = Provider(profile)
    module = library(name).module
    seen: list[str] = []
    closed: list[bool] = []

    class Twice(module.BaseTransport):  # type: ignore[misc,name-defined]
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def handle_request(self, request: Any) -> Any:
            seen.append(request.url.path)
            self.inner.handle_request(request)
            return self.inner.handle_request(request)

    class AsyncTwice(module.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def handle_async_request(self, request: Any) -> Any:
            seen.append(request.url.path)
            await self.inner.handle_async_request(request)
            return await self.inner.handle_async_request(request)

        async def aclose(self) -> None:
            closed.append(True)

    transport = AsyncTwice if is_async else Twice
    answer = ask(is_async, InProcess(name, provider.handle), profile, transport=transport)

    assert answer.status_code == 200
    assert seen == ["/token", "/v1/user/me"]
    assert [request.path for request in provider.arrived] == ["/token", "/token", "/v1/user/me", "/v1/user/me"]
    assert closed == [True] * is_async


@KINDS
def test_a_transport_of_the_wrong_kind_is_one_line(name: str, is_async: bool) -> None:
    """A blocking transport around an asynchronous one, or the other way round, is named with what it lacks."""
    module = library(name).module
    wrong = module.BaseTransport if is_async else module.AsyncBaseTransport
    lacking = "handle_async_request" if is_async else "handle_request"
    with pytest.raises(ProfileError, match=f"{wrong.__name__} has no {lacking}$"):
        ask(is_async, InProcess(name, Provider(shop()).handle), shop(), transport=lambda inner: wrong())


# Over real connections


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """A certificate authority of our own, its certificate in a file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / CA))
    return authority


@KINDS
@pytest.mark.parametrize("verify", ["file", "path", "context"])
def test_certificates_may_be_given(
    name: str, is_async: bool, verify: str, authority: trustme.CA, tmp_path: Path
) -> None:
    """An authority of one's own works as a file and as a context, for the token request too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    file = tmp_path / CA
    given = {"file": str(file), "path": file, "context": ssl.create_default_context(cafile=str(file))}[verify]
    with Listener(context) as listener:
        assert ask(is_async, Network(name), local(listener.url), verify=given).text == "hello"
        assert len(listener.arrived) == 2


@KINDS
def test_a_client_may_have_a_certificate(name: str, is_async: bool, authority: trustme.CA, tmp_path: Path) -> None:
    """A server that asks for a certificate gets it, together with the profile's ca_file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("client@example.org")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    network = Network(name, ca_file=str(tmp_path / CA))
    with Listener(context) as listener:
        answer = ask(is_async, network, local(listener.url), cert=str(tmp_path / "own.pem"))

    assert answer.text == "hello"


@KINDS
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"verify": "no-such.pem"}, "verify: no-such.pem cannot be read: "),
        ({"cert": ("no-such.pem", "no.key")}, "cert: no-such.pem cannot be read: "),
        ({"limits": 5}, "apiauth_client_factory: AttributeError: "),
    ],
)
def test_a_connection_that_cannot_be_is_one_line(name: str, is_async: bool, options: dict[str, Any], says: str) -> None:
    """What no connection can be made with is said when the client is made."""
    with pytest.raises(ProfileError) as caught:
        ask(is_async, Network(name), local(NOBODY), **options)

    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


@KINDS
@pytest.mark.skipif(importlib.util.find_spec("h2") is not None, reason="h2 is installed")
def test_http2_needs_its_package(name: str, is_async: bool) -> None:
    """HTTP/2 without the package that speaks it is one line that names it."""
    with pytest.raises(ProfileError, match=r"^http2: the package h2 is not installed; pip install 'httpx2?\[http2\]'$"):
        ask(is_async, Network(name), shop(), http2=True)


@KINDS
def test_a_proxy_is_asked(name: str, is_async: bool) -> None:
    """A proxy on this machine is asked even for this machine: whoever names one wants to look on."""
    with Listener() as listener, Listener() as proxy:
        answer = ask(is_async, Network(name), local(listener.url), proxy=proxy.url, auth=("alice", "a password"))

        assert answer.text == "hello"
        assert listener.arrived == []
        assert [line.split(b" ")[1] for line in proxy.arrived] == [f"{listener.url}/user/me".encode()]


@KINDS
def test_a_proxy_elsewhere_is_not_asked_for_this_machine(
    name: str, is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in clear because it does not leave this machine does not leave it through a proxy either."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Listener() as listener:
        assert ask(is_async, Network(name), local(listener.url), proxy="http://proxy.invalid:3128").text == "hello"
        assert ask(is_async, Network(name), local(listener.url), trust_env=False).text == "hello"

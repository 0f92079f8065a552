"""The fixtures: authenticated clients, the embedded server, the mock.

Standard library and pytest only at import; a fixture imports what it needs when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.plugin.apis import APIS
from pytest_apiauth.plugin.keys import CASSETTE
from pytest_apiauth.plugin.marks import chosen_profile
from pytest_apiauth.plugin.options import Scope
from pytest_apiauth.plugin.provision import doing, serving_url, stop
from pytest_apiauth.plugin.run import STATE, State
from pytest_apiauth.plugin.wanted import Names

if TYPE_CHECKING:
    import httpx
    import respx

    from pytest_apiauth.auth.tokens import Token
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.plugin.apis import Apis, ByName
    from pytest_apiauth.plugin.clients import Clients
    from pytest_apiauth.plugin.doubles import ServedUrl
    from pytest_apiauth.plugin.factory import ClientFactory
    from pytest_apiauth.profile.model import Profile


def _scope(fixture_name: str, config: pytest.Config) -> Scope:
    """Return the scope of the fixtures, which the ini key ``apiauth_server_scope`` says."""
    state: State = config.stash[STATE]
    return state.options.server_scope


@pytest.fixture(scope=_scope)
def apiauth_profile(request: pytest.FixtureRequest) -> Iterator[Profile]:
    """The profile of this test: from the mark, the option, a conftest, the ini, or the folders around the test.

    Example::

        def test_of_the_promise(apiauth_profile):
            assert apiauth_profile.token_endpoint.startswith("https://")

    A test may be run for several, and a folder's ``conftest.py`` may choose one for all that lies below::

        @pytest.mark.parametrize("apiauth_profile", ["dastra", "jindexe"], indirect=True)
        def test_of_two(apiauth_client): ...

        apiauth_profile = "shop"
    """
    try:
        profile = chosen_profile(request.node, request.config.stash[STATE])
    except ApiAuthError as error:
        stop(error, request.config.stash[STATE])
    from pytest_apiauth.plugin.reach import keep_out, kept_out

    cassette = request.node.stash.get(CASSETTE, None)
    if cassette is not None:
        cassette.belonging.is_certain = True
    if isinstance(request.node, pytest.Item):
        keep_out(request.node, profile)
        yield profile
        return
    with kept_out(request.node, profile):
        yield profile


@pytest.fixture(scope=_scope)
def _apiauth_apis(
    request: pytest.FixtureRequest, apiauth_profile: Profile, apiauth_variant: Names, apiauth_fault: Names
) -> Iterator[Apis]:
    from pytest_apiauth.plugin.apis import Apis
    from pytest_apiauth.profile.model import Profile

    if not isinstance(apiauth_profile, Profile):
        # A fixture of the project's own, or a parameter in its place.
        pytest.fail(
            f"apiauth_profile: expected a profile, got {type(apiauth_profile).__name__}; to choose one by name write"
            ' apiauth_profile = "NAME" in conftest.py, or add indirect=True to parametrize',
            pytrace=False,
        )
    node = request.node
    with ExitStack() as opened:
        try:
            apis = Apis(request, apiauth_profile, apiauth_variant, apiauth_fault, opened)
        except ApiAuthError as error:
            stop(error, request.config.stash[STATE])
        node.stash[APIS] = apis
        yield apis
        if not isinstance(node, pytest.Item):
            del node.stash[APIS]


@pytest.fixture(scope=_scope)
def _apiauth_clients(_apiauth_apis: Apis) -> Clients:
    return _apiauth_apis.own


@pytest.fixture(scope=_scope)
def apiauth_client_factory(_apiauth_apis: Apis) -> ClientFactory:
    """Makes clients for a user, a client, a key, a subset of the credentials, none, or another profile.

    They are closed after the test.

    Example::

        def test_without_credentials(apiauth_client_factory):
            assert apiauth_client_factory(credentials=()).get("/v1/workspaces").status_code == 401
    """
    from pytest_apiauth.plugin.factory import ClientFactory

    return ClientFactory(_apiauth_apis.of)


@pytest.fixture(scope=_scope)
def apiauth_client(apiauth_client_factory: ClientFactory) -> httpx.Client:
    """An authenticated `httpx.Client` with the API's base URL; with ``apiauth_http = httpx2`` one of `httpx2`.

    It is annotated as the first: the second has the same methods.

    Example::

        def test_workspaces(apiauth_client):
            assert apiauth_client.get("/v1/workspaces").json()["total"] == 3
    """
    return apiauth_client_factory()


@pytest.fixture(scope=_scope)
def apiauth_async_client(apiauth_client_factory: ClientFactory) -> httpx.AsyncClient:
    """An authenticated `httpx.AsyncClient` with the API's base URL; of `httpx2` as for `apiauth_client`.

    Example::

        async def test_workspaces(apiauth_async_client):
            assert (await apiauth_async_client.get("/v1/workspaces")).status_code == 200
    """
    return apiauth_client_factory.async_client()


@pytest.fixture(scope=_scope)
def apiauth_token(request: pytest.FixtureRequest, _apiauth_clients: Clients) -> Token:
    """The current token of this test's credentials.

    Example::

        def test_of_the_scope(apiauth_token):
            assert apiauth_token.scope == "api1"
    """
    try:
        return _apiauth_clients.token()
    except ApiAuthError as error:
        stop(error, request.config.stash[STATE])


@pytest.fixture(scope=_scope)
def apiauth_server(_apiauth_clients: Clients) -> Server:
    """The embedded server behind this test's clients: answers of the test's own, its clock, what it saw, refusals.

    ::

        def test_create(apiauth_client, apiauth_server):
            apiauth_server.respond("POST", "/v1/workspaces", status=201, json={"id": 9})
            assert apiauth_client.post("/v1/workspaces").json()["id"] == 9
    """
    from pytest_apiauth.plugin.apis import embedded

    return embedded(_apiauth_clients, "apiauth_server is the embedded server")


@pytest.fixture(scope=_scope)
def apiauth_servers(_apiauth_apis: Apis) -> ByName[Server]:
    """The embedded server of each API that this test talks to, by the name of its profile.

    ::

        @pytest.mark.apiauth("dastra", "jindexe")
        def test_both(apiauth_mock, apiauth_servers):
            apiauth_servers["jindexe"].respond("POST", "/user/me", status=503, once=True)
            assert shop.copy_all().retried == 1
    """
    from pytest_apiauth.plugin.apis import ByName, embedded

    return ByName(_apiauth_apis, lambda clients: embedded(clients, "apiauth_servers are embedded servers"))


@pytest.fixture(scope=_scope)
def apiauth_mock(request: pytest.FixtureRequest, _apiauth_apis: Apis) -> Iterator[respx.MockRouter]:
    """The embedded server at the API's real host names, for clients that the production code makes itself.

    Whatever library they are of: httpx, httpx2, requests, urllib3, urllib, aiohttp and what is built on one of them.
    The environment variables that the profile names are set to the embedded server's credentials, so that
    production code which reads them is understood. Gives the respx router: routes that a test adds to it, or to another
    one, answer first, without the credentials check. With ``apiauth_http = httpx2``, or without respx, it is a
    `pytest_apiauth.MockRouter`, which has the same methods for routes and their calls and takes responses and errors of
    that library. `apiauth_server.respond` gives answers behind that. Of several profiles that marks name, each has a
    server at its own hosts.

    Example::

        def test_production_code(apiauth_mock):
            assert shop.Client().workspaces()[0] == "My data company"
    """
    from pytest_apiauth.plugin.apis import stand_ins
    from pytest_apiauth.plugin.doubles import StandIn
    from pytest_apiauth.plugin.reach import advice_beside_mock, refusals

    if request.node.get_closest_marker("vcr") is not None:
        pytest.fail(
            "apiauth_mock and @pytest.mark.vcr in one test: a test is mocked or replayed, not both", pytrace=False
        )
    lifetimes = request.config.stash[STATE].lifetimes
    is_wide = not isinstance(request.node, pytest.Item)
    made: list[StandIn] = []
    with ExitStack() as opened:
        for server, clients in stand_ins(_apiauth_apis):
            http = clients.target.connector.library.name
            one = StandIn(server, clients.who, advice_beside_mock, refusals(request.node), http)
            opened.enter_context(doing(request, one.at_work))
            opened.enter_context(lifetimes.watch(one.router, is_wide=is_wide))
            made.append(one)
        yield made[0].router  # type: ignore[misc]  # with httpx2 one of ours, see above


@pytest.fixture(scope=_scope)
def apiauth_url(apiauth_urls: ByName[ServedUrl]) -> ServedUrl:
    """The base URL of the embedded server on a port of this machine: for subprocesses, browsers, any client with one.

    It is text that knows more: ``apiauth_url.profile.token_endpoint``. The environment variables that the profile
    names are set as for `apiauth_mock`, one for its ``api_url`` to this URL.

    Example::

        def test_command_line(apiauth_url):
            assert subprocess.run(["shop", "--url", apiauth_url, "list"]).returncode == 0
    """
    return apiauth_urls.own


@pytest.fixture(scope=_scope)
def apiauth_urls(request: pytest.FixtureRequest, _apiauth_apis: Apis) -> Iterator[ByName[ServedUrl]]:
    """What `apiauth_url` gives, for each API that this test talks to, by the name of its profile.

    ::

        @pytest.mark.apiauth("dastra", "jindexe")
        def test_command_line(apiauth_urls):
            urls = apiauth_urls["dastra"], apiauth_urls["jindexe"]
            assert subprocess.run(["shop", "copy", *urls]).returncode == 0
    """
    from pytest_apiauth.plugin.apis import ByName, embedded

    known: dict[Server, ServedUrl] = {}
    with ExitStack() as opened:

        def url_of(clients: Clients) -> ServedUrl:
            server = embedded(clients, "apiauth_url is the embedded server's")
            if server not in known:
                known[server] = opened.enter_context(serving_url(request, server, clients.who, None))
            return known[server]

        for clients in _apiauth_apis.marked():
            url_of(clients)
        yield ByName(_apiauth_apis, url_of)


@pytest.fixture(scope=_scope)
def apiauth_tls_url(
    request: pytest.FixtureRequest, _apiauth_clients: Clients, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedUrl]:
    """What `apiauth_url` gives, over TLS. The certificate to trust is in the file ``apiauth_tls_url.ca_file``.

    Example::

        def test_over_tls(apiauth_tls_url):
            assert shop.Client(apiauth_tls_url, ca_file=apiauth_tls_url.ca_file).workspaces()
    """
    from pytest_apiauth.plugin.apis import embedded

    server = embedded(_apiauth_clients, "apiauth_tls_url is the embedded server's")
    with serving_url(request, server, _apiauth_clients.who, tmp_path_factory.mktemp("apiauth")) as url:
        yield url

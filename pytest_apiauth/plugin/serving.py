"""`pytest_apiauth.serving`: the embedded server and its clients without a fixture, for whoever opens it.

Theory of operation. A block needs no pytest: it finds its profile from where the program stands, makes a server, and
puts everything back in the end. In a run of pytest it plays with the rest: profiles are found as from a test in the
calling file, what secrets there are the run's redactor learns, options choose library, variants and faults, and what a
test tells the server ends with that test. The API's own hosts are out of reach while a block runs; with ``mock`` the
server stands in for them, and if a fixture of wider scope has opened it, then only for tests that ask for that fixture.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from pytest_apiauth.plugin.blocks import Block, Library
from pytest_apiauth.plugin.wanted import Names, Wanted, wanted_of

if TYPE_CHECKING:
    import httpx
    import respx

    from pytest_apiauth.auth.tokens import Token
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.plugin.doubles import ServedUrl
    from pytest_apiauth.plugin.factory import Choice, ClientFactory
    from pytest_apiauth.profile.model import Profile


def serving(
    profile: str | os.PathLike[str] | Profile,
    *,
    mock: bool = False,
    user: str | None = None,
    client: str | None = None,
    key: str | None = None,
    scope: str | None = None,
    changes: Mapping[str, object] | None = None,
    variant: Names = None,
    fault: Names = None,
    lifetime: float | timedelta | None = None,
    http: Library | None = None,
) -> Serving:
    """Serve a profile while a block runs: for fixtures of your own, unittest, scripts and notebooks.

    ::

        with pytest_apiauth.serving("dastra") as api:
            assert api.client().get("/v1/workspaces").json()["total"] == 3
            api.server.expire()

        @pytest.fixture(scope="session")
        def shop_client():
            with pytest_apiauth.serving("shop", mock=True):
                yield shop.Client()

        class Tests(unittest.TestCase):
            def setUp(self):
                self.api = self.enterContext(pytest_apiauth.serving("shop", user="second"))

    The profile is a name, a path or a `Profile`; ``async with`` does the same. ``mock`` has the server stand in for the
    profile's hosts, whatever library asks, as `apiauth_mock` does; without it they are out of reach. The environment
    variables that the profile names are set, and as they were in the end. ``user``, ``client`` and ``key`` name who
    acts, ``http`` the library of the clients; ``scope``, ``changes``, ``variant``, ``fault`` and ``lifetime`` are what
    they are to ``@pytest.mark.apiauth``. It is the embedded server in a live run too. Raises ValueError for what one of
    these cannot mean; ProfileError, CredentialError or UnknownNameError when the block begins.
    """
    wanted = wanted_of(
        user=user, client=client, key=key, scope=scope, changes=changes, variant=variant, fault=fault, lifetime=lifetime
    )
    file = sys._getframe(1).f_globals.get("__file__")
    place = Path(file).parent if isinstance(file, str) else Path.cwd()
    return Serving(profile, mock=mock, wanted=wanted, http=http, place=place)


class Serving:
    """An API that `serving` serves, from the beginning of the block to its end.

    ::

        with pytest_apiauth.serving("dastra") as api:
            api.server.respond("POST", "/v1/workspaces", status=201)
            assert api.client().post("/v1/workspaces").status_code == 201
            subprocess.run(["dastra", "--url", api.url], check=True)
    """

    def __init__(
        self,
        profile: str | os.PathLike[str] | Profile,
        *,
        mock: bool,
        wanted: Wanted,
        http: Library | None,
        place: Path,
    ) -> None:
        self._asked, self._is_mock, self._wanted, self._http, self._place = profile, mock, wanted, http, place
        self._block: Block | None = None

    def __enter__(self) -> Self:
        """Begin to serve."""
        if self._block is not None:
            raise RuntimeError("serving: this block is open; another one takes a serving(...) of its own")
        with ExitStack() as opened:
            block = Block.begin(
                opened, self._asked, place=self._place, wanted=self._wanted, http=self._http, stands_in=self._is_mock
            )
            block.opened = opened.pop_all()
        self._block = block
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put everything back."""
        block, self._block = self._block, None
        if block is not None:
            block.opened.close()

    async def __aenter__(self) -> Self:
        """Begin to serve."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put everything back."""
        self.__exit__(kind, error, trace)

    @property
    def server(self) -> Server:
        """The embedded server: answers of your own, its clock, what it saw."""
        return self._now.server

    @property
    def profile(self) -> Profile:
        """The profile that is served."""
        return self._now.server.profile

    @property
    def mock(self) -> respx.MockRouter:
        """The router of a block with ``mock=True``, as `apiauth_mock` gives it: routes that are added answer first."""
        stand_in = self._now.stand_in
        if stand_in is None:
            raise RuntimeError("serving: nothing stands in for the API's hosts; serving(..., mock=True) does")
        return stand_in.router  # type: ignore[return-value]  # annotated as apiauth_mock is

    @property
    def url(self) -> ServedUrl:
        """The base URL of the server on a port of this machine, which is opened when this is asked for first."""
        return self._now.url(tls=False)

    @property
    def tls_url(self) -> ServedUrl:
        """The same over TLS; the certificate to trust is in the file ``api.tls_url.ca_file``."""
        return self._now.url(tls=True)

    def token(self) -> Token:
        """Return the current token of the block's own credentials."""
        return self._now.clients.token()

    def client(self, **choice: Unpack[Choice]) -> httpx.Client:
        """Make a client; the arguments are those of `ClientFactory`. It is closed with the block."""
        return self._factory(**choice)

    def async_client(self, **choice: Unpack[Choice]) -> httpx.AsyncClient:
        """Make an asynchronous client; the arguments are those of `ClientFactory`."""
        return self._factory.async_client(**choice)

    @property
    def _factory(self) -> ClientFactory:
        from pytest_apiauth.plugin.factory import ClientFactory

        return ClientFactory(lambda profile: self._now.clients)

    @property
    def _now(self) -> Block:
        if self._block is None:
            raise RuntimeError("serving: there is a server inside of the block only: with serving(...) as api: ...")
        return self._block

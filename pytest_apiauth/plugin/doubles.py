"""The embedded server where a test's other code meets it: at the API's own hosts, or at a URL on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from pytest_apiauth.installed import usual

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.http.mock import Double
    from pytest_apiauth.messages import Request, Response
    from pytest_apiauth.offline import OfflineError, Place
    from pytest_apiauth.profile.model import Profile

DEFAULTS: Mapping[str, str] = MappingProxyType({})
"""Client, user and key, if a test names none."""
PROXIES = ("NO_PROXY", "no_proxy")
PLACES: dict[int, Place] = {}
"""The sockets of this process by their ports: connections that a client keeps are known in the next test too."""


class ServedUrl(str):
    """The API's base URL on this machine, with what else a client of it may need.

    Example::

        requests.get(apiauth_tls_url + "/v1/workspaces", verify=apiauth_tls_url.ca_file)
    """

    __slots__ = ("ca_file", "profile")

    ca_file: str | None
    """The file of the authority's certificate, if this is over TLS."""
    profile: Profile
    """The profile, with all its endpoints on this machine: ``apiauth_url.profile.token_endpoint``, say."""

    @classmethod
    def of(cls, profile: Profile, ca_file: Path | None) -> ServedUrl:
        """Take the base URL of a profile."""
        made = cls(profile.base_url)
        made.profile, made.ca_file = profile, None if ca_file is None else str(ca_file)
        return made


class StandIn:
    """The embedded server in the place of the profile's hosts, for the process, as long as it is `at_work`.

    The library ``http`` meets it in this process, by its transports. What any other library connects to those hosts is
    led to a socket, which is opened when the first one does and kept for later tests. ``who`` names client, user and
    key, whose credentials production code finds in its environment; what certificate a client has in its TLS context is
    not to be seen here, and it is taken to have the right one. ``advice`` is for a library that goes past it, and its
    failures are noted in ``errors``.
    """

    def __init__(
        self,
        server: Server,
        who: Mapping[str, str],
        advice: Callable[[str], str],
        errors: list[OfflineError],
        http: str,
    ) -> None:
        from pytest_apiauth.embedded.http1 import completed
        from pytest_apiauth.http.mock import double
        from pytest_apiauth.offline import Detour, Hosts

        self._server, self._who = server, who
        self._handle: Callable[[Request], Response] = lambda request: completed(
            server.handle(server.certified(request, who.get("client", "default")))
        )
        self._hosts = frozenset(origin.host for origin in server.origins)
        self._ends: ExitStack | None = None
        self.router = double(http, server.origins, self._handle)
        self._detour = Detour(Hosts.of(server.origins), advice, errors, find=self._place)

    @contextmanager
    def at_work(self, patch: pytest.MonkeyPatch) -> Generator[None]:
        """Stand in for the hosts while the block runs; production code finds its credentials in the environment."""
        from pytest_apiauth.embedded.landing import has_landing
        from pytest_apiauth.offline import at_work

        set_environment(self._server, patch, self._who)
        _pass_proxies_by(self._server, patch)
        with ExitStack() as ends, self.router.mounted():
            self._ends = ends
            if has_landing(self._hosts):
                # A client from an earlier test may still be connected, and connects no more.
                self._detour.place()
                self._place()
            with at_work(self._detour):
                yield

    def _place(self) -> Place:
        """Return the socket, and answer there as long as the double is at work."""
        from pytest_apiauth.embedded.landing import landing_for
        from pytest_apiauth.offline import Place

        landing = landing_for(self._hosts)
        place = PLACES.setdefault(landing.port, Place(landing.port, landing.trust))
        if self._ends is not None:
            answer = self.router.routed(self._handle)
            self._ends.enter_context(landing.answering(self._server, answer, place.patience.hold))
            self._ends = None
        return place


@contextmanager
def standing_in(
    server: Server,
    patch: pytest.MonkeyPatch,
    advice: Callable[[str], str],
    who: Mapping[str, str] = DEFAULTS,
    http: str | None = None,
) -> Generator[Double]:
    """Let the embedded server stand in for the profile's hosts while the block runs; gives the router."""
    made = StandIn(server, who, advice, [], http or usual())
    with made.at_work(patch):
        yield made.router


@contextmanager
def served(server: Server, folder: Path | None = None) -> Generator[ServedUrl]:
    """Serve on a port of this machine, over TLS if there is a folder for the authority's certificate."""
    from pytest_apiauth.embedded.authority import authority_for
    from pytest_apiauth.embedded.loopback import rebased, serve

    authority = None if folder is None else authority_for()
    ca_file = None if authority is None or folder is None else authority.write(folder)
    with serve(server, tls=None if authority is None else authority.server_for(server.client_certificates)) as url:
        yield ServedUrl.of(rebased(server.profile, url), ca_file)


def set_environment(server: Server, patch: pytest.MonkeyPatch, who: Mapping[str, str], url: str | None = None) -> None:
    """Set the variables that the profile names to somebody's credentials, and that of ``api_url`` to the URL."""
    for name, value in server.environment_of(**who).items():
        patch.setenv(name, value)
    if url is not None and server.url_variable is not None:
        patch.setenv(server.url_variable, url)


def _pass_proxies_by(server: Server, patch: pytest.MonkeyPatch) -> None:
    """Let clients that read the proxies of the environment go to these hosts directly."""
    hosts = ",".join(sorted(origin.host for origin in server.origins))
    for name in PROXIES:
        patch.setenv(name, ",".join(filter(None, (os.environ.get(name), hosts))))

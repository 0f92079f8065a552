"""The embedded server where a test's other code meets it: at the API's own hosts, or at a URL on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    import respx

    from pytest_apiauth.embedded import Server
    from pytest_apiauth.messages import Request, Response
    from pytest_apiauth.profile.model import Profile

DEFAULTS: Mapping[str, str] = MappingProxyType({})
"""Client, user and key, if a test names none."""
PROXIES = ("NO_PROXY", "no_proxy")
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where programs look for the authorities that they trust: OpenSSL and what uses it, requests, curl, Node."""


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


@contextmanager
def standing_in(
    item: pytest.Item, server: Server, monkeypatch: pytest.MonkeyPatch, who: Mapping[str, str] = DEFAULTS
) -> Iterator[respx.MockRouter]:
    """Let the embedded server stand in for the profile's hosts; gives the respx router.

    ``who`` names client, user and key, whose credentials production code finds in its environment.

    httpx meets it in this process, by its transports. What any other library connects to those hosts is led to a
    socket, which is opened when the first one does.
    """
    from pytest_apiauth.embedded.authority import authority_for
    from pytest_apiauth.embedded.loopback import completed, serve
    from pytest_apiauth.http.mock import mounted, routed
    from pytest_apiauth.offline import Detour, Hosts, Place, at_work
    from pytest_apiauth.plugin.reach import advice_beside_mock, refusals

    def handle(request: Request) -> Response:
        return completed(server.handle(request))

    _set_environment(server, monkeypatch, who)
    _pass_proxies_by(server, monkeypatch)
    with ExitStack() as opened, mounted(server.origins, handle) as router:

        def open_place() -> Place:
            authority = authority_for(frozenset(origin.host for origin in server.origins))
            url = opened.enter_context(serve(server, tls=authority.server, standing_in=routed(router, handle)))
            return Place(urlsplit(url).port or 0, authority.client)

        with at_work(Detour(Hosts.of(server.origins), advice_beside_mock, refusals(item), find=open_place)):
            yield router


@contextmanager
def served(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path | None = None,
    who: Mapping[str, str] = DEFAULTS,
) -> Iterator[ServedUrl]:
    """Serve on a port of this machine, over TLS if there is a folder for the authority's certificate."""
    from pytest_apiauth.embedded.authority import authority_for
    from pytest_apiauth.embedded.loopback import rebased, serve

    authority = None if folder is None else authority_for()
    ca_file = None if authority is None else authority.write(folder)
    with serve(server, tls=None if authority is None else authority.server) as url:
        made = ServedUrl.of(rebased(server.profile, url), ca_file)
        _set_environment(server, monkeypatch, who)
        if server.url_variable is not None:
            monkeypatch.setenv(server.url_variable, made)
        yield made


def _set_environment(server: Server, monkeypatch: pytest.MonkeyPatch, who: Mapping[str, str]) -> None:
    for name, value in server.environment_of(**who).items():
        monkeypatch.setenv(name, value)


def _pass_proxies_by(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients that read the proxies of the environment go to these hosts directly."""
    hosts = ",".join(sorted(origin.host for origin in server.origins))
    for name in PROXIES:
        monkeypatch.setenv(name, ",".join(filter(None, (os.environ.get(name), hosts))))

"""What makes clients for a test: `apiauth_client_factory`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Unpack

from pytest_apiauth.errors import ProfileError

if TYPE_CHECKING:
    import httpx

    from pytest_apiauth.http.options import ClientOptions
    from pytest_apiauth.plugin.clients import Clients

    class Choice(ClientOptions, total=False):
        """What a client is made with, for what hands it on to a `ClientFactory` of one profile."""

        zone: str | None
        user: str | None
        client: str | None
        key: str | None
        credentials: Collection[str] | None


class ClientFactory:
    """Makes clients for a profile, behind the origin guard; they are closed when the test, or the scope, ends.

    Example::

        def test_two_users(apiauth_client_factory):
            first, second = apiauth_client_factory(), apiauth_client_factory(user="second")
            assert first.get("/user/me").json() != second.get("/user/me").json()
    """

    def __init__(self, of: Callable[[str | None], Clients]) -> None:
        self._of = of

    def __call__(
        self,
        *,
        profile: str | None = None,
        zone: str | None = None,
        user: str | None = None,
        client: str | None = None,
        key: str | None = None,
        credentials: Collection[str] | None = None,
        **options: Unpack[ClientOptions],
    ) -> httpx.Client:
        """Make a client.

        ``profile`` names another API than the test's own, by name or path. ``zone`` sends exactly what that zone of the
        profile needs; ``credentials`` exactly the kinds named (``api_key``, ``bearer``, ``personal_access_token``,
        ``basic``), ``()`` none. ``user``, ``client`` and ``key`` name entries of the profile. ``options`` are the
        library's own (``timeout`` in seconds, ``headers`` …); ``transport`` is a function that puts a transport around
        the plug-in's, and what would replace that or the profile's credentials is refused. Raises ProfileError for an
        unknown profile or zone and for an option that clashes, CredentialError for an unset value.
        """
        clients = self._of(profile)
        return clients.client(_kinds(clients, zone, credentials), _who(user, client, key), options)

    def async_client(
        self,
        *,
        profile: str | None = None,
        zone: str | None = None,
        user: str | None = None,
        client: str | None = None,
        key: str | None = None,
        credentials: Collection[str] | None = None,
        **options: Unpack[ClientOptions],
    ) -> httpx.AsyncClient:
        """Make an asynchronous client; the arguments are those of a call."""
        clients = self._of(profile)
        return clients.async_client(_kinds(clients, zone, credentials), _who(user, client, key), options)


def _kinds(clients: Clients, zone: str | None, credentials: Collection[str] | None) -> Collection[str] | None:
    if zone is not None and credentials is not None:
        raise ProfileError("apiauth_client_factory: zone or credentials, not both: each says what to send")
    if isinstance(credentials, str):
        raise ProfileError(f"apiauth_client_factory: credentials: write ['{credentials}'], not '{credentials}'")
    return clients.kinds_of(zone) if zone is not None else credentials


def _who(user: str | None, client: str | None, key: str | None) -> dict[str, str]:
    given = {"user": user, "client": client, "key": key}
    return {name: value for name, value in given.items() if value is not None}

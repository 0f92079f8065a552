"""What a way to a foreign origin is tried with: a client of either library and kind, and a value to carry."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.http import Library, Network, build_async_client, build_client
from pytest_apiauth.profile.model import Profile, Reference
from tests.http.foreign import FOREIGN, HOME, HOME_BY_NUMBER, KNOWN, PLAIN_HOME, TOKEN, Net
from tests.shop import ManualClock, shop

PARTS = ("credentials", "header", "body", "URL")
"""Where a credential stands: the client's own, or one that a test writes into a header, a body or a URL."""


class Trusting(Network):
    """A network that looks at no certificate: who is met is decided by the place alone."""

    def new_tls(self) -> Any:
        """Make a context."""
        return self.library.module.create_ssl_context(verify=False)


def home_profile() -> Profile:
    """Give the shop's profile with its origins at the home listener."""
    return shop(
        api_url=f"{HOME}/v1",
        token_url=f"{HOME}/token",
        authorize_url=f"{HOME}/authorize",
        revocation_url=f"{HOME_BY_NUMBER}/revoke",
        introspection_url=f"{PLAIN_HOME}/introspect",
        insecure_hosts=["plain.example"],
        zones={"all": {"path": "/", "needs": ["api_key", "bearer"]}},
    )


class World:
    """What all attempts of one library share: listeners, profile, redactor, a token."""

    def __init__(self, net: Net, library: str) -> None:
        self.net = net
        self.profile = home_profile()
        self.redactor = Redactor()
        self.network = Trusting(library)
        self.redactor.learn(KNOWN, "shop.api_key")
        self.redactor.learn(TOKEN, "shop.access_token")
        identities = Identities(self.profile, self._lookup, self.redactor)
        self.authenticator = Authenticator(self.profile, identities, TokenStore(ManualClock(), 30), self.redactor)

    def _lookup(self, label: str, reference: Reference) -> str:
        return KNOWN if label.endswith("api_key") else f"value-of-{label}"


class Hand:
    """One attempt. A way is written once, with ``await``; for a blocking client nothing is awaited."""

    def __init__(self, world: World, runner: asyncio.Runner | None, part: str, value: str) -> None:
        self.net = world.net
        self.is_async = runner is not None
        self.part = part
        self.value = value
        self.library: Library = world.network.library
        self.is_authenticated = False
        self._world = world
        self._runner = runner
        self._clients: list[Any] = []

    # Where the value stands

    @property
    def headers(self) -> dict[str, str]:
        """A header with the value, where the value is to be in a header."""
        return {"X-Note": f"see {self.value}"} if self.part == "header" else {}

    @property
    def content(self) -> bytes | None:
        """A body with the value, where the value is to be in the body."""
        return f'{{"note": "{self.value}"}}'.encode() if self.part == "body" else None

    @property
    def method(self) -> str:
        """A method that fits the body."""
        return "POST" if self.part == "body" else "GET"

    def url(self, place: str = f"{FOREIGN}/take") -> str:
        """Give a place, with the value, where the value is to be in the URL."""
        if self.part != "URL":
            return place
        head, mark, fragment = place.partition("#")
        return f"{head}{'&' if '?' in head else '?'}note={self.value}{mark}{fragment}"

    def pieces(self, *pieces: bytes) -> Any:
        """Give a stream that can be read once, of the client's kind."""

        async def stream() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return stream() if self.is_async else (piece for piece in pieces)

    # What is done

    def client(self, **options: Any) -> Any:
        """Make a client."""
        build: Any = build_async_client if self.is_async else build_client
        user = self._world.authenticator if self.is_authenticated else None
        world = self._world
        client = build(world.profile, world.network, world.redactor, authenticator=user, **options)
        self._clients.append(client)
        return client

    async def done(self, result: Any) -> Any:
        """Wait for what an asynchronous client gives."""
        return await result if self.is_async else result

    async def ask(self, url: str | None = None, *, method: str | None = None, **options: Any) -> Any:
        """Send one request with a new client. ``client`` are options of the client, ``content`` a body."""
        client = self.client(**options.pop("client", {}))
        sent = {"headers": self.headers, "content": self.content, **options}
        return await self.done(client.request(method or self.method, self.url() if url is None else url, **sent))

    def hook(self, act: Callable[[Any], None]) -> Callable[[Any], Any]:
        """Make an event hook of the client's kind."""

        async def later(request: Any) -> None:
            act(request)

        return later if self.is_async else act

    def transport(self, act: Callable[[Any], None]) -> Callable[[Any], Any]:
        """Make a transport around the plug-in's, that does something to each request."""
        module = self.library.module

        def handle(self: Any, request: Any) -> Any:
            act(request)
            return self.inner.handle_request(request)

        async def handle_async(self: Any, request: Any) -> Any:
            act(request)
            return await self.inner.handle_async_request(request)

        base = module.AsyncBaseTransport if self.is_async else module.BaseTransport
        name, handler = ("handle_async_request", handle_async) if self.is_async else ("handle_request", handle)
        return lambda inner: type("Around", (base,), {name: handler, "inner": inner})()

    # Its end

    def tried(self, way: Callable[[Hand], Coroutine[Any, Any, None]]) -> str:
        """Go a way, and say how it ended: with an answer, or with which error."""
        module = self.library.module
        try:
            if self._runner is not None:
                self._runner.run(self._gone(way))
            else:
                # Nothing in it waits.
                with contextlib.suppress(StopIteration):
                    self._gone(way).send(None)
                    raise AssertionError("a blocking client waited")
        except ApiAuthError as error:
            return f"{type(error).__name__}: {error}"
        except (module.HTTPError, module.InvalidURL, module.StreamError, UnicodeError) as error:
            return f"library: {type(error).__name__}: {error}"
        return "answer"

    async def _gone(self, way: Callable[[Hand], Coroutine[Any, Any, None]]) -> None:
        try:
            await way(self)
        finally:
            for client in self._clients:
                if self.is_async:
                    await client.aclose()
                else:
                    client.close()

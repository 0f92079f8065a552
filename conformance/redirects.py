"""Near misses of a redirection URI: what a clumsy comparison takes for the registered one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pytest_apiauth.rules import Edit

from .strategies import near_misses

FOREIGN = "apiauth.example"
"""A host that is nobody's (RFC 2606 3)."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A change of one part of a URI; None if the URI has no such part."""

    name: str
    change: Callable[[SplitResult], str | None] = field(repr=False, compare=False)

    def apply(self, uri: str) -> str | None:
        """Return the near miss of a URI; None if the change does not apply to it."""
        changed = self.change(urlsplit(uri))
        return None if changed == uri else changed

    def __str__(self) -> str:
        return self.name


def _at_host(spell: Callable[[str], str]) -> Callable[[SplitResult], str | None]:
    """Write what stands where the host and port stand; a URI of another scheme than http has none."""
    return lambda uri: uri._replace(netloc=spell(uri.netloc)).geturl() if uri.hostname else None


def _named(spell: Callable[[str, str], str]) -> Callable[[SplitResult], str | None]:
    """Write another host with the same port."""

    def change(uri: SplitResult) -> str | None:
        host, colon, port = uri.netloc.partition(":")
        if not uri.hostname or "[" in uri.netloc or "@" in uri.netloc:
            return None
        return uri._replace(netloc=spell(host, colon + port)).geturl()

    return change


def _at_path(spell: Callable[[str], str]) -> Callable[[SplitResult], str | None]:
    return lambda uri: uri._replace(path=spell(uri.path)).geturl()


def _plain(uri: SplitResult) -> str | None:
    """Return http for https."""
    return uri._replace(scheme="http").geturl() if uri.scheme == "https" else None


def _port(port: int) -> Callable[[SplitResult], str | None]:
    """Name a port if none is named."""

    def change(uri: SplitResult) -> str | None:
        if not uri.hostname or uri.port is not None:
            return None
        return uri._replace(netloc=f"{uri.netloc}:{port}").geturl()

    return change


def _usual_port(uri: SplitResult) -> str | None:
    return _port(443 if uri.scheme == "https" else 80)(uri)


def _reordered(uri: SplitResult) -> str | None:
    pairs = uri.query.split("&")
    return uri._replace(query="&".join(reversed(pairs))).geturl() if len(pairs) > 1 else None


TABLE = (
    Miss("http for https", _plain),
    Miss("scheme in capitals", lambda uri: uri.geturl().replace(uri.scheme, uri.scheme.upper(), 1)),
    Miss("host in capitals", _at_host(str.upper)),
    Miss("path in another case", _at_path(str.swapcase)),
    Miss("final slash", _at_path(lambda path: path.rstrip("/") if path.endswith("/") else f"{path}/")),
    Miss("final dot of the host", _named(lambda host, port: f"{host}.{port}")),
    Miss("extra segment", _at_path(lambda path: f"{path.rstrip('/')}/apiauth")),
    Miss("longer segment", _at_path(lambda path: f"{path}apiauth")),
    Miss("parent", _at_path(lambda path: f"{path.rstrip('/')}/../apiauth")),
    Miss("parent, encoded", _at_path(lambda path: f"{path.rstrip('/')}/%2e%2e/apiauth")),
    Miss("slash, encoded", _at_path(lambda path: f"{path}%2fapiauth")),
    Miss("other path", _at_path(lambda path: "/apiauth")),
    Miss("usual port", _usual_port),
    Miss("other port", _port(8443)),
    Miss("user name", _at_host(lambda netloc: f"apiauth@{netloc}")),
    Miss("host as user name", _at_host(lambda netloc: f"{netloc.replace(':', '%3A')}@{FOREIGN}")),
    Miss("longer domain", _named(lambda host, port: f"{host}.{FOREIGN}{port}")),
    Miss("subdomain", _named(lambda host, port: f"apiauth.{host}{port}")),
    Miss("other name that ends alike", _named(lambda host, port: f"apiauth-{host}{port}")),
    Miss("other domain, the host in the path", _at_host(lambda netloc: f"{FOREIGN}/{netloc}")),
    Miss("backslash and at sign", _at_host(lambda netloc: f"{FOREIGN}\\@{netloc}")),
    Miss("backslash", _at_host(lambda netloc: f"{FOREIGN}\\.{netloc}")),
    Miss("tab in the host", _named(lambda host, port: f"{host}\t.{FOREIGN}{port}")),
    Miss("query added", lambda uri: uri._replace(query=f"{uri.query}&apiauth=1".lstrip("&")).geturl()),
    Miss("query reordered", _reordered),
    Miss("fragment", lambda uri: uri._replace(fragment="apiauth").geturl()),
)
"""The finite part."""

drawn_misses: SearchStrategy[Edit] = near_misses
"""Small edits anywhere in the URI."""

foreign_uris: SearchStrategy[str] = st.builds(
    "https://{}.{}/{}".format,
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20),
    st.just(FOREIGN),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789/-._~", max_size=20),
)
"""Places that nobody has registered."""

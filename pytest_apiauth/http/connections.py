"""What the connections of one client are to be like: proxy, certificates, protocol, limits."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies, proxy_bypass

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import ClientCertificate, Origin

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Connections:
    """A client's own wishes. ``verify`` are certificates to trust instead of the usual ones, ``cert`` is its own."""

    proxy: httpx.Proxy | None = None
    verify: ssl.SSLContext | str | None = None
    cert: tuple[str, ...] = ()
    http1: bool = True
    http2: bool = False
    limits: httpx.Limits | None = None
    trust_env: bool = True

    def tls(
        self,
        usual: Callable[[], ssl.SSLContext],
        new: Callable[[], ssl.SSLContext],
        certificate: ClientCertificate | None = None,
    ) -> ssl.SSLContext:
        """Return the TLS context: the usual one, which clients share, or one of its own. Raises ProfileError.

        ``certificate`` is what the profile has its client present. A context of the client's own, or a ``cert`` of its
        own, comes first.
        """
        if isinstance(self.verify, ssl.SSLContext):
            return self.verify
        if self.verify is None and not self.cert and certificate is None:
            return usual()
        what = f"verify: {self.verify}"
        try:
            if self.verify is None:
                context = new()
            elif Path(self.verify).is_dir():
                context = ssl.create_default_context(capath=self.verify)
            else:
                context = ssl.create_default_context(cafile=self.verify)
            if self.cert:
                what = f"cert: {self.cert[0]}"
                context.load_cert_chain(*self.cert)
            elif certificate is not None and certificate.load is not None:
                certificate.load(context)
        except (OSError, ssl.SSLError) as error:
            raise ProfileError(f"{what} cannot be read: {error}") from None
        return context


USUAL: Final = Connections()


def is_local(url: httpx.URL) -> bool:
    """Whether a URL leads to this machine."""
    return Origin(url.scheme, url.host, url.port or 0).is_loopback


def proxy_for(request: httpx.Request) -> str | None:
    """Return the proxy that the environment names for a request. Loopback is never reached through one."""
    url = request.url
    if is_local(url) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"

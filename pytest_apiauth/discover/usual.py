"""Where the documents of an API usually are, for a user who names no more than its origin.

Theory of operation. A URL that ends at a slash, or has no path, is a place to look in; every other one is the document
itself. What is looked for is this list and nothing else: one GET each, without credentials, in this order, until one of
the answers is a document that a profile can be written from. No page is searched and no redirection followed.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.discover.findings import is_web_url
from pytest_apiauth.messages import Origin

ROUTES: Final = (
    "openapi.json",  # FastAPI, Flask-Smorest and many others
    "swagger.json",  # Flask-RESTX
    "openapi.yaml",
    "api/openapi.json",  # Django Ninja
    "api/schema/",  # drf-spectacular
    "schema/",
    "schema/openapi.json",  # Litestar
    "docs/openapi.json",
    "v3/api-docs",  # springdoc
    "v2/api-docs",
    "openapi/v1.json",  # ASP.NET
    "swagger/v1/swagger.json",
    "api-json",  # NestJS
    "api/swagger.json",
    ".well-known/openapi.json",
)
"""What says which routes there are, and what they need, by what serves it there by default."""
METADATA: Final = ("oauth-authorization-server", "openid-configuration")
"""What says how a token is got: RFC 8414 3, and OpenID Connect Discovery 1.0 4."""


def is_place(source: str) -> bool:
    """Whether a source is a place to look in, rather than a document.

    >>> is_place("https://api.example.com"), is_place("https://api.example.com/v1/"), is_place("openapi.json")
    (True, True, False)
    """
    if not is_web_url(source):
        return False
    parts = urlsplit(source)
    is_safe = parts.scheme == "https" or Origin.of(source).is_loopback
    return is_safe and not parts.query and (not parts.path or parts.path.endswith("/"))


def places(source: str) -> list[str]:
    """Return the URLs that a source may mean, itself first.

    >>> [url for url in places("https://api.example.com") if "v3" in url]
    ['https://api.example.com/v3/api-docs']
    """
    if not is_place(source):
        return [source]
    base = source.partition("#")[0].rstrip("/")
    return [source, *(f"{base}/{route}" for route in ROUTES), *metadata_places(source)]


def metadata_places(source: str) -> list[str]:
    """Return where an issuer has its metadata: before its path (RFC 8414 3.1), and behind it for OpenID Connect.

    >>> metadata_places("https://login.example.com/shop/")[0]
    'https://login.example.com/.well-known/oauth-authorization-server/shop'
    """
    base = source.partition("#")[0].rstrip("/")
    first, second = METADATA
    path = urlsplit(base).path
    origin = base.removesuffix(path)
    return [f"{origin}/.well-known/{first}{path}", f"{base}/.well-known/{second}"]

"""What is known of each endpoint beside the API itself: one row an endpoint, read by code and tests alike.

>>> [row.key for row in ENDPOINTS if row.takes_client]  # doctest: +NORMALIZE_WHITESPACE
['token_url', 'refresh_url', 'pushed_authorization_request_url', 'revocation_url', 'introspection_url',
 'device_authorization_url']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of an authorization server.

    >>> next(row.metadata for row in ENDPOINTS if row.key == "token_url")
    'token_endpoint'
    """

    key: str
    """The key of the profile that says where it is."""
    metadata: str = ""
    """Its name in authorization server metadata (RFC 8414 2, RFC 8628 4, RFC 9126 5)."""
    openapi: str = ""
    """Its name in the flows of OpenAPI 3."""
    standard: str = ""
    """The standard that it has of its own, beside RFC 6749."""
    leads_to_token: bool = False
    """Whether a client asks there for a token, or begins to (RFC 6749 3.2, RFC 8628 3.1, RFC 9126 2.1)."""
    takes_client: bool = False
    """Whether a client authenticates itself there.

    RFC 6749 2.3.1, RFC 7009 2.1, RFC 7662 2.1, RFC 8628 3.1, RFC 9126 2.
    """


ENDPOINTS: Final = (
    Endpoint("token_url", "token_endpoint", "tokenUrl", leads_to_token=True, takes_client=True),
    Endpoint("refresh_url", leads_to_token=True, takes_client=True),
    Endpoint("authorize_url", "authorization_endpoint", "authorizationUrl"),
    Endpoint(
        "pushed_authorization_request_url",
        "pushed_authorization_request_endpoint",
        standard="RFC 9126",
        leads_to_token=True,
        takes_client=True,
    ),
    Endpoint("revocation_url", "revocation_endpoint", standard="RFC 7009", takes_client=True),
    Endpoint("introspection_url", "introspection_endpoint", standard="RFC 7662", takes_client=True),
    Endpoint(
        "device_authorization_url",
        "device_authorization_endpoint",
        "deviceAuthorizationUrl",
        standard="RFC 8628",
        leads_to_token=True,
        takes_client=True,
    ),
    Endpoint("metadata_url"),
)
"""Every endpoint, in the order in which a profile names them."""
URL_KEYS: Final = ("api_url", *(row.key for row in ENDPOINTS))
"""Keys of the profile that are URLs."""


def hint_at_variables(key: str, url: str) -> str:
    """Return how a variable is written, where a URL has one as shells and other files write it."""
    if "$" not in url and not url.startswith("env:"):
        return ""
    if key == "api_url":
        return '; a variable has the whole URL: api_url = { env = "NAME" }'
    return '; a variable may be the api_url, { env = "NAME" }, which a path here continues'

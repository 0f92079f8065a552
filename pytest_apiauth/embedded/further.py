"""The endpoints that few profiles name, and what answers at each."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import urlsplit

from pytest_apiauth.embedded.authorization_endpoint import AuthorizationEndpoint
from pytest_apiauth.embedded.device_endpoint import DeviceEndpoint
from pytest_apiauth.embedded.metadata_endpoint import MetadataEndpoint
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.pushed_endpoint import PushedEndpoint
from pytest_apiauth.embedded.revocation_endpoint import RevocationEndpoint
from pytest_apiauth.embedded.state import State
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.profile.model import Profile

Answering: TypeAlias = Callable[[Request], Response]
Place: TypeAlias = tuple[Origin, str]
"""Where a URL leads: its origin and its path."""


def further_places(
    profile: Profile, state: State, policy: Policy, tokens: TokenEndpoint, authorizations: AuthorizationEndpoint
) -> dict[Place, Answering]:
    """Return what answers where, for the endpoints that few profiles name."""
    revocations = RevocationEndpoint(state, policy, tokens)
    pushed = PushedEndpoint(state, policy, tokens, authorizations)
    devices = DeviceEndpoint(profile, state, policy, tokens)
    page = policy.verification_uri() if profile.device_authorization_url else None
    pages: dict[str | None, Answering] = {}
    if profile.authorize_url and not policy.consents:
        place = profile.authorization_endpoint
        pages = {f"{place}/login": authorizations.log_in, f"{place}/consent": authorizations.consented}
    if page is not None and not policy.consents:
        pages |= {f"{page}/login": devices.pages.log_in, f"{page}/consent": devices.consented}
    answering: dict[str | None, Answering] = {
        **pages,
        profile.revocation_url: revocations.revoke,
        profile.introspection_url: revocations.introspect,
        profile.metadata_url: MetadataEndpoint(policy.metadata).answer,
        profile.jwks_url: MetadataEndpoint(policy.key_set).answer,
        profile.pushed_authorization_request_url: pushed.answer,
        profile.device_authorization_url: devices.ask,
        page: devices.page,
    }
    return {place_of(profile.url(url)): answer for url, answer in answering.items() if url}


def place_of(url: str) -> Place:
    """Return where a URL leads. Raises ValueError for one that leads nowhere."""
    # A URL with a user or a query may hold a secret, and is in no cache.
    return (_place_of.__wrapped__ if {"@", "?"} & {*url} else _place_of)(url)


@lru_cache(maxsize=64)
def _place_of(url: str) -> Place:
    return Origin.of(url), urlsplit(url).path or "/"

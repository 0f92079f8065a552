"""What stands for a JWT (RFC 7519): a JWT again, for clients that look into their tokens; and it opens nothing.

Header and claims keep their structure. Values stay if their claim is one of those that say what kind of token it is and
for which client, tenant and API, or if the profile names it in ``[recording] claims``; a text is replaced by a
placeholder, a number by 0. Times are those of a token that has been valid since 2020 and is until 2100. In the place of
the signature stands the placeholder that another token would have, which nobody can take for a signature.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from pytest_apiauth.auth.forgeries import is_jwt
from pytest_apiauth.credentials.names import fold
from pytest_apiauth.profile.model import Profile

HEADER: Final = frozenset(("alg", "typ", "cty"))
"""Members of the header that say how it is made, and not with which key (RFC 7515 4.1)."""
KEPT: Final = frozenset(
    (
        # RFC 7519 4.1, RFC 8693 4.2 and 4.3, RFC 9068 2.2, OpenID Connect Core 2
        "iss", "aud", "azp", "clientid", "scope", "roles", "groups", "entitlements", "acr", "amr",
        # Microsoft Entra
        "ver", "tid", "appid", "appidacr", "azpacr", "idtyp", "scp",
        # Amazon Cognito, Auth0, Okta, Keycloak
        "tokenuse", "gty", "permissions", "cid", "typ", "sessionstatus", "allowedorigins",
        # Custom of many
        "tenant", "tenantid", "org", "orgid", "organization", "organizationid", "realm", "tokentype", "role", "scopes",
    )
)  # fmt: skip
"""Claims whose values stay, folded: none is a person, a session or a key."""
EXPIRES: Final = "exp"
TIMES: Final = frozenset(("iat", "nbf", "authtime", "updatedat"))
FAR: Final = 4_102_444_800
"""2100-01-01T00:00:00Z"""
PAST: Final = 1_577_836_800
"""2020-01-01T00:00:00Z"""
LONGEST: Final = 100_000
PADDING: Final = "-0"

Text = Callable[[str, str, bool], str]
"""Takes the name of a claim, its text, and whether it is one that stays; gives what is to stand there."""


def claims_of(profiles: Iterable[Profile]) -> frozenset[str]:
    """Return the claims whose values stay, folded, with those that profiles add."""
    return KEPT.union(*({fold(name) for name in profile.recording.claims} for profile in profiles))


def looks_into(value: str) -> bool:
    """Whether a value is a JWT that something can stand for."""
    return len(value) <= LONGEST and value.startswith("eyJ") and is_jwt(value)


def stand_in(value: str, placeholder: str, kept: frozenset[str], text: Text) -> str | None:
    """Return a JWT that stands for another one; None if it is nested too deep to be looked into."""
    header, claims, _ = value.split(".")
    try:
        first = _encoded(_changed(json.loads(_decoded(header)), "", HEADER, text))
        second = _encoded(_changed(json.loads(_decoded(claims)), "", kept, text))
    except RecursionError:
        return None
    # No base64 has one letter more than a multiple of four, and libraries decode it before they look.
    return f"{first}.{second}.{placeholder}" + (PADDING if len(placeholder) % 4 == 1 else "")


def _changed(value: Any, name: str, kept: frozenset[str], text: Text) -> Any:
    """Return what stands for a value, by the name of its claim; that of a list is that of its values."""
    if isinstance(value, dict):
        return {key: _changed(each, key, kept, text) for key, each in value.items()}
    if isinstance(value, list):
        return [_changed(each, name, kept, text) for each in value]
    if value is None or isinstance(value, bool):
        return value
    short = fold(name)
    if isinstance(value, str):
        return text(name, value, short in kept)
    if short == EXPIRES:
        return FAR
    if short in TIMES:
        return PAST
    return value if short in kept else type(value)(0)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "===")


def _encoded(members: object) -> str:
    raw = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

"""Names that say of a value that it is secret: of headers, parameters and JSON members, in any spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "apiauth"
PLACEHOLDER: Final = re.compile(r"apiauth(?:-[a-z0-9]+)+")

SECRET_NAMES: Final = frozenset(
    (
        "accesstoken", "refreshtoken", "idtoken", "idtokenhint", "logouttoken", "registrationaccesstoken", "token",
        "subjecttoken", "actortoken", "clientsecret", "secret", "password", "passwd", "pwd", "passphrase", "apikey",
        "assertion", "clientassertion", "samlresponse", "codeverifier", "devicecode", "usercode", "authorization",
        "privatekey", "secretkey", "accesskey", "bearer", "credential", "signature", "sessionid", "sessionkey", "otp",
        "authorizationcode", "authcode", "jwt",
    )
)  # fmt: skip
"""Parameters and members whose value is secret wherever they stand, folded (RFC 6749, 7521, 7636, 8628, 8693)."""

SECRET_ENDINGS: Final = ("token", "secret", "password", "passphrase", "apikey", "privatekey", "secretkey")
CURSORS: Final = ("pagetoken", "nexttoken", "continuationtoken", "synctoken", "previoustoken")
"""Places in a list, not secrets; which page is asked for must stay to be seen."""

SECRET_HEADERS: Final = frozenset(("authorization", "proxyauthorization", "cookie", "setcookie", "setcookie2"))
"""Headers with a grammar of their own."""

KEY_HEADERS: Final = frozenset(
    (
        "xapikey", "apikey", "ocpapimsubscriptionkey", "xauth", "xauthkey", "xfunctionskey", "xgoogapikey", "xappkey",
        "dpop", "xsignature", "xhubsignature", "xhubsignature256",
    )
)  # fmt: skip
"""Headers whose whole value is secret, beside those whose name ends like that of a secret."""

TOKEN_REQUEST_NAMES: Final = frozenset(("code", "pin"))
"""Secret in a token request, ordinary words elsewhere."""

FLEETING_NAMES: Final = frozenset(
    ("clientid", "username", "state", "nonce", "codechallenge", "redirecturi", "resource", "audience")
)
"""Of a token or an authorization request: not secret, but other values where a tape is replayed."""

VOCABULARY: Final = frozenset(
    (
        "password", "secret", "bearer", "refresh_token", "access_token", "client_credentials", "authorization_code",
        "client_secret", "api_key", "offline_access", "openid", "application/json", "localhost", "string", "status",
        "headers", "request", "response", "message", "version", "method", "interactions", "default",
    )
)  # fmt: skip
"""Weak secrets that are words of the protocol or of a tape: looked for everywhere, they would garble it."""


def fold(name: str) -> str:
    """Fold the spellings of a name into one: ``user[access-token]``, ``accessToken`` and ``ACCESS_TOKEN`` are alike."""
    pieces = [piece for piece in re.split(r"[.\[\]:]", name) if piece]
    return re.sub(r"[-_ ]", "", pieces[-1]).lower() if pieces else ""


def kind_of(name: str) -> str:
    """Give what a placeholder calls the value of that name: ``access-token``."""
    pieces = [piece for piece in re.split(r"[.\[\]:]", name) if piece]
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", pieces[-1] if pieces else "")
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40].rstrip("-") or "secret"


def is_secret(name: str) -> bool:
    """Whether a parameter or member of that name is secret in any message."""
    folded = fold(name)
    return folded in SECRET_NAMES or (folded.endswith(SECRET_ENDINGS) and not folded.endswith(CURSORS))


def is_secret_in_query(name: str, value: str, beside: Mapping[str, str]) -> bool:
    """Whether a parameter of a URL is secret: ``code`` too, where it looks like one of an authorization answer."""
    if is_secret(name):
        return True
    if fold(name) != "code":
        return False
    return len(value) >= 16 or not {"state", "sessionstate", "iss"}.isdisjoint(map(fold, beside))


def is_key_header(name: str, more: frozenset[str] = frozenset()) -> bool:
    """Whether the whole value of a header is secret; ``more`` are folded names, those of profiles."""
    folded = fold(name)
    return folded in KEY_HEADERS or folded in more or is_secret(name)

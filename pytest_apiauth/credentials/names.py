"""Names that say of a value that it is secret: of headers, parameters and JSON members, in any spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pytest_apiauth.credentials.known_names import ANYWHERE, HARMLESS, HEADER, MOMENTS, QUERY, Name, Place, Value, table
from pytest_apiauth.credentials.values import is_no_word, looks_like_key

if TYPE_CHECKING:
    from pytest_apiauth.profile.model import Profile

PREFIX: Final = "apiauth"
PLACEHOLDER: Final = re.compile(r"(?:(?<![\w-])eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.)?apiauth(?:-[a-z0-9]+)+")
"""What stands for a secret; that of a JWT is one too, with a placeholder in the place of its signature."""

AUTHORIZATION: Final = frozenset(("authorization", "proxyauthorization"))
COOKIE: Final = "cookie"
SET_COOKIE: Final = frozenset(("setcookie", "setcookie2"))

TOKEN_REQUEST_NAMES: Final = frozenset(("code", "pin"))
"""Secret in a token request, ordinary words elsewhere."""

FLEETING_NAMES: Final = frozenset(
    ("clientid", "username", "state", "nonce", "codechallenge", "redirecturi", "resource", "audience")
)
"""Of a token or an authorization request: not secret, but other values if a tape is replayed."""

VOCABULARY: Final = frozenset(
    (
        "password", "secret", "bearer", "refresh_token", "access_token", "client_credentials", "authorization_code",
        "client_secret", "api_key", "offline_access", "openid", "application/json", "localhost", "string", "status",
        "headers", "request", "response", "message", "version", "method", "interactions", "default",
    )
)  # fmt: skip
"""Weak secrets that are words of the protocol or of a tape: looked for everywhere, they would garble it."""

LONGEST_NAME: Final = 200
LONGEST_DUMMY: Final = 3
DUMMIES: Final = frozenset(("api_token", "unused", "x-oauth-basic"))
"""What stands as the password beside a key that is the user name of HTTP Basic, as do texts of three letters."""
NOBODY: Final[frozenset[str]] = frozenset()
_REMEMBERED: Final = 10_000


def _last(name: str) -> str:
    pieces = [piece for piece in re.split(r"[.\[\]:]", name[-LONGEST_NAME:]) if piece]
    return pieces[-1] if pieces else ""


@functools.lru_cache(_REMEMBERED)
def fold(name: str) -> str:
    """Fold the spellings of a name into one: ``user[access-token]``, ``accessToken`` and ``ACCESS_TOKEN`` are alike."""
    return re.sub(r"[-_ ]", "", _last(name)).lower()


def folded(names: Iterable[str]) -> frozenset[str]:
    """Fold the names that stand together, once for all of them."""
    return frozenset(map(fold, names))


def kind_of(name: str) -> str:
    """Return what a placeholder calls the value of that name: ``access-token``."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", _last(name))
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40].rstrip("-") or "secret"


class Names:
    """The table of names, made ready for looking up."""

    def __init__(
        self,
        rows: Iterable[Name],
        logins: Iterable[tuple[frozenset[str], frozenset[str]]] = (),
        dummies: Iterable[str] = (),
    ) -> None:
        self._logins = tuple(logins)
        self._dummies = frozenset(dummies)
        self._whole: dict[str, list[Name]] = {}
        self._endings: list[tuple[str, Name]] = []
        for row in rows:
            folded = fold(row.name.lstrip("*"))
            if row.name.startswith("*"):
                self._endings.append((folded, row))
            else:
                self._whole.setdefault(folded, []).append(row)
        self._found: dict[Place, dict[str, tuple[Name, ...]]] = {place: {} for place in (*Place, ANYWHERE)}

    def rows(self, name: str, place: Place = ANYWHERE) -> tuple[Name, ...]:
        """Return the rows that know a name in a place."""
        found = self._found[place]
        if name not in found:
            if len(name) > LONGEST_NAME:
                return ()
            short = fold(name)
            ending = [] if short.endswith(HARMLESS) else [row for end, row in self._endings if short.endswith(end)]
            if len(found) >= _REMEMBERED:
                found.clear()
            every = (*self._whole.get(short, ()), *ending)
            found[name] = tuple(row for row in every if place & row.places)
        return found[name]

    def is_user(self, name: str, beside: frozenset[str]) -> bool:
        """Return whether a name is a user's, beside the password in a login that is not OAuth's."""
        return any(fold(name) in users and not beside.isdisjoint(words) for users, words in self._logins)

    def is_key_beside(self, name: str, password: str) -> bool:
        """Return whether of a pair of HTTP Basic the name is the secret, since the password is none.

        >>> NAMES.is_key_beside("ada", "x"), NAMES.is_key_beside("ada", "")
        (False, True)
        """
        if not password or password in self._dummies:
            return True
        return (len(password) <= LONGEST_DUMMY or password in DUMMIES) and looks_like_key(name)

    def is_secret(self, place: Place, name: str, value: str, beside: frozenset[str] = NOBODY) -> bool:
        """Return whether the value of a name is secret; ``beside`` are the names that stand with it, folded."""
        return any(_counts(row, value, beside) for row in self.rows(name, place))


def _counts(row: Name, value: str, beside: frozenset[str]) -> bool:
    if row.unless and not beside.isdisjoint(row.unless):
        return False
    if row.value is Value.ANY or not beside.isdisjoint(row.beside):
        return True
    return is_no_word(value) if row.value is Value.NO_WORD else looks_like_key(value)


NAMES: Final = Names(table())


def names_of(profiles: Iterable[Profile]) -> Names:
    """Return the table with what profiles add: their credentials by place, and the names in ``[recording] secrets``.

    What travels in a cookie is none of them, nor what does in Authorization: all that is there is secret anyhow.
    """
    rows: list[Name] = []
    dummies: set[str] = set()
    profiles = list(profiles)
    places = {"header": HEADER, "query": QUERY}
    for profile in profiles:
        for kind in profile.kinds.values():
            where, place = places.get(kind.place.where), kind.place
            if where is not None and not place.is_authorization:
                rows.append(Name(place.name, where, f"{kind.name} of {profile.name}"))
        rows += (Name(name, ANYWHERE, f"secrets of {profile.name}") for name in profile.recording.secrets)
        pairs = (row.place.pair for row in profile.kinds.values() if row.place.pair is not None)
        dummies.update(behind.removeprefix(":") for before, behind in pairs if not before)
        rows += (Name(name, ANYWHERE, f"a login of {profile.name}") for name in profile.login_secrets)
    own = [profile.login_request for profile in profiles if profile.login_request is not None]
    logins = [(folded(login.names_of("username")), folded(login.names_of("password"))) for login in own]
    return Names((*table(), *rows), logins, dummies) if rows or dummies else NAMES


_MOMENTS: Final = Names(MOMENTS)


def is_moment(place: Place, name: str, beside: frozenset[str]) -> bool:
    """Return whether a parameter is of the moment in which a request was signed."""
    return any(not beside.isdisjoint(row.beside) for row in _MOMENTS.rows(name, place))


def is_code(name: str, value: str, beside: frozenset[str]) -> bool:
    """Return whether a parameter of a URL is a ``code`` that looks like one of an authorization answer."""
    if fold(name) != "code":
        return False
    return len(value) >= 16 or not beside.isdisjoint(("state", "sessionstate", "iss"))

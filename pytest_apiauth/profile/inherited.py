"""URLs that a profile has from the one that it extends, while the API itself is another one.

A profile of the staging server extends that of production and changes ``api_url``. An absolute ``token_url`` that it
does not write is still production's, and that is where staging's secret would be sent. Nobody but its author can tell
whether that is meant, so a live run asks for it to be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Origin
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.login_requests import URLS

KEYS = (
    *(row.key for row in ENDPOINTS),
    *(f"{table}.url" for table in URLS),
    "clock.url",
    "jwt.jwks_url",
    "live.plain_url",
)
"""Keys whose URL a live run sends something to, beside ``api_url``."""
Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InheritedUrl:
    """An absolute URL from a profile whose ``api_url`` is not the one that is in force."""

    key: str
    url: str
    owner: str
    """The profile that writes it."""
    api: str
    """The API of that profile: its origin, or the place where its URL is."""


def inherited_urls(chain: Sequence[tuple[str, Table]]) -> Iterator[InheritedUrl]:
    """Find them in the tables that one profile is made of, each with its name: the profile's own first, the base last.

    A base that has no ``api_url`` says nothing of another API: its URLs are for whoever adds one.
    """
    apis = [next((table["api_url"] for _, table in chain[i:] if "api_url" in table), None) for i in range(len(chain))]
    for key in KEYS:
        written = ((i, name, _value(table, key)) for i, (name, table) in enumerate(chain))
        i, name, url = next((each for each in written if each[2] is not None), (0, "", None))
        if isinstance(url, str) and urlsplit(url).scheme and apis[i] and apis[i] != apis[0]:
            yield InheritedUrl(key, url, name, _shown(apis[i]))


def _value(table: Table, key: str) -> object:
    """Return what a table says under a key with dots, ``False`` included: that removes what is inherited."""
    found: object = table
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else found
    return found


def _shown(api: object) -> str:
    if isinstance(api, Mapping):
        return " ".join(f"{key} {value}" for key, value in api.items())
    # Nobody has checked it: there might be a password in it.
    return str(_origin(str(api)) or "no URL")


def refuse_inherited(name: str, base_url: str, inherited: Iterable[InheritedUrl]) -> None:
    """Raise ProfileError, one line a key, for what leads to an origin that is not that of the profile's own API."""
    own = Origin.of(base_url)
    wrong = [each for each in inherited if _origin(each.url) != own and _origin(each.api) != own]
    if wrong:
        raise ProfileError("\n".join(_line(name, own, each) for each in wrong))


def _origin(url: str) -> Origin | None:
    try:
        return Origin.of(url)
    except ValueError:
        return None


def _line(name: str, own: Origin, each: InheritedUrl) -> str:
    return (
        f"{name}: {each.key}: {each.url} is inherited from {each.owner}, whose api_url is {each.api}, while this"
        f" profile's is {own}: a live run sends nothing there until this profile itself says {each.key}"
        " (the same URL again, if it is meant)"
    )

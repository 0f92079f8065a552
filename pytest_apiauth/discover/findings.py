"""What a document says about authentication, in the profile's own words.

Each reader of a kind of document fills in one `Findings`; the writer knows nothing of where they came from. What a
document leaves open, or a profile cannot hold, is a remark beside the key it concerns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from pytest_apiauth.messages import Origin
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import ClientAuth, GrantType, Kind

Needs = tuple[frozenset[Kind], ...]
"""Alternatives, any of which is enough; none at all if nothing is needed."""


@dataclass(frozen=True, slots=True)
class GrantFound:
    """A documented grant: the scope to ask for, and whether the document says that a refresh token comes with it."""

    scope: str | None = None
    gives_refresh_token: bool = False


@dataclass(frozen=True, slots=True)
class ZoneFound:
    """Routes with the same needs, with the GET routes among them that a test may call."""

    name: str
    path: str
    needs: Needs
    probes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Documented paths that are no probe."""
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Everything that a document says; None or empty if it says nothing."""

    title: str
    source: str
    api_url: str | None = None
    urls: dict[str, str] = field(default_factory=dict)
    """``token_url``, ``authorize_url`` and the like; absolute, or a path that continues ``api_url``."""
    standards: list[str] = field(default_factory=list)
    placed: dict[Kind, Place] = field(default_factory=dict)
    """Where kinds of credentials travel that have a table for it."""
    client_auth: ClientAuth | None = None
    alg: str | None = None
    """How a client's assertions are signed, if not as usual."""
    iss: str | None = None
    """What answers of the authorization endpoint name as their issuer, if they do."""
    is_certified: bool = False
    """Whether clients present a certificate (RFC 8705)."""
    is_bound: bool = False
    """Whether tokens are bound to it."""
    says_jwt: bool = False
    """Whether a scheme that some route needs says ``bearerFormat: JWT``."""
    requires_pushed: bool = False
    """Whether an authorization request is refused that was not pushed before."""
    body: str = "form"
    scope: str | None = None
    grants: dict[GrantType, GrantFound] = field(default_factory=dict)
    zones: list[ZoneFound] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    """What a person has to look at, by the key or table of the profile that it stands before."""

    def remark(self, place: str, text: str) -> None:
        """Note something that a person has to look at, once."""
        notes = self.remarks.setdefault(place, [])
        if text not in notes:
            notes.append(text)

    def cite(self, *standards: str) -> None:
        """Note standards that the document rests on."""
        self.standards += [name for name in standards if name not in self.standards]

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind of credential that some zone needs."""
        return frozenset(kind for zone in self.zones for kinds in zone.needs for kind in kinds)

    @property
    def may_have_jwts(self) -> bool:
        """Whether access tokens may be JWTs: a scheme says so, or a grant gives tokens whose form nobody tells."""
        return self.says_jwt or bool(self.grants)


def secured(findings: Findings, place: str, url: str) -> str:
    """Return a URL over HTTPS, with a remark if the document wrote plain HTTP: no credential travels in clear."""
    parts = urlsplit(url)
    if parts.scheme != "http" or Origin.of(url).is_loopback:
        return url
    findings.remark(
        place, f"the document says {url}; written with https, since credentials do not travel over plain HTTP"
    )
    return parts._replace(scheme="https").geturl()


def split(url: str) -> SplitResult:
    """Split a URL, or return that of an empty text if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def is_web_url(url: str) -> bool:
    """Whether a text is an absolute http or https URL without credentials in it."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        )
    except ValueError:
        return False


def text_in(table: Mapping[str, object], key: str) -> str:
    """Return a member that is a text, without blanks around it; empty if it is none."""
    value = table.get(key)
    return value.strip() if isinstance(value, str) else ""


def texts_in(table: Mapping[str, object], key: str) -> list[str]:
    """Return the texts of a member that is a list."""
    value = table.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def table_in(table: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return a member that is a table; empty if it is none."""
    value = table.get(key)
    return value if isinstance(value, Mapping) else {}


def listed_in(table: Mapping[str, object], key: str) -> list[object]:
    """Return a member that is a list; empty if it is none."""
    value = table.get(key)
    return value if isinstance(value, list) else []

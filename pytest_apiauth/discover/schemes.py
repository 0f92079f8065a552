"""Security schemes of OpenAPI 3.x and Swagger 2.0: which credential each stands for, and which grants there are."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast, get_args

from pytest_apiauth.discover.findings import Findings, GrantFound, Needs, table_in, text_in
from pytest_apiauth.discover.reading import Document
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.grants import GRANTS, Grant, GrantType
from pytest_apiauth.profile.kinds import BEARER, KINDS, Kind, Place, Where
from pytest_apiauth.profile.model import is_free

_GRANTS: Final[Mapping[str, Grant]] = {name: grant for grant in GRANTS.values() for name in grant.flows}
"""Grants by the names of flows in OpenAPI 3 and in Swagger 2; what is not here (implicit) no profile can hold."""
FLOW_URLS: Final = {row.key: row.openapi for row in ENDPOINTS if row.openapi}
"""URLs of a flow by the key of the profile that takes each."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
OFFLINE: Final = "offline_access"
_PREFIX: Final = re.compile(r"""(?i)\bprefix(?:ed with|es)?:? ["'`]?([A-Za-z][\w-]*)["'`]?""")
"""The word before a key or token: drf-spectacular says ``required prefix "Token"``."""
_IS_TOKEN: Final = re.compile(r"(?i)\bjwt\b|(access|auth|bearer)[-_]?token")
_SAYS_TOKEN: Final = re.compile(r"(?i)\b(jwt|json web token|access[- ]token|bearer[- ]token)\b")
_ANSWERING: Final = frozenset(
    ("digest", "gnap", "hoba", "mutual", "negotiate", "scram-sha-1", "scram-sha-256"),
)
"""Schemes of HTTP whose credentials answer a challenge, or are of a connection."""
_SIGNING: Final = {
    **dict.fromkeys(("hawk", "oauth", "signature", "vapid"), "a function of yours that signs: [schemes.NAME] sign"),
    "dpop": 'the endpoint that gives such tokens: [token] bound = "dpop"',
}
"""Schemes of HTTP whose credentials are computed for each request, and what a profile takes for them."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of an oauth2 scheme, its URLs in the profile's form."""

    grant: GrantType
    urls: Mapping[str, str]
    """Its endpoints by key, those that its grant needs."""
    refresh_url: str
    scopes: tuple[str, ...]


class Unheld(str):
    """The reason why no profile can hold something."""

    __slots__ = ()


CERTIFICATE_ALONE: Final = Unheld(
    "a client certificate (mutual TLS) as all that a route needs; clients present that of [credentials]"
)


class Schemes:
    """The security schemes of one document. ``place`` turns a URL of the document into one of the profile."""

    def __init__(self, document: Document, findings: Findings, place: Callable[[str, str], str]) -> None:
        self._document = document
        self._findings = findings
        self._place = place
        content = document.content
        holder = table_in(content, "components") if document.kind == "openapi" else content
        key = "securitySchemes" if document.kind == "openapi" else "securityDefinitions"
        self.tables = {name: document.resolved(value) for name, value in table_in(holder, key).items()}
        self._has_bearer = any(_is_bearer(table) for table in self.tables.values())
        self.flows = self._chosen([flow for table in self.tables.values() for flow in self._flows(table)])
        self._kinds: dict[str, Kind | Unheld] = {}
        self.unheld: dict[str, list[str]] = {}
        """The paths whose needs, or one alternative of them, no profile can hold, by what they need."""

    def needs(self, requirements: list[object], path: str) -> Needs | None:
        """Read what a path requires; None if a profile can hold none of the alternatives."""
        if not requirements:
            return ()
        alternatives: list[frozenset[Kind]] = []
        for requirement in requirements:
            kinds = self._needed(requirement)
            if isinstance(kinds, Unheld):
                paths = self.unheld.setdefault(kinds, [])
                paths += [path] if path not in paths else []
            else:
                alternatives.append(kinds)
        if frozenset() in alternatives:
            return ()
        # Who brings more than one of the alternatives asks for is let in by that one.
        least = [kinds for kinds in alternatives if not any(other < kinds for other in alternatives)]
        return tuple(dict.fromkeys(least)) or None

    def scopes(self, requirements: list[object]) -> list[str]:
        """Return the scopes that a list of requirements names for its first OAuth alternative."""
        for requirement in requirements:
            for name, scopes in (requirement if isinstance(requirement, Mapping) else {}).items():
                if text_in(self.tables.get(name, {}), "type") in ("oauth2", "openIdConnect"):
                    return [scope for scope in scopes if isinstance(scope, str)] if isinstance(scopes, list) else []
        return []

    def _needed(self, requirement: object) -> frozenset[Kind] | Unheld:
        """Return the kinds of credentials that one alternative asks for, or the reason why it cannot be held."""
        if not isinstance(requirement, Mapping):
            return Unheld("something that is no table of scheme names")
        kinds: list[Kind] = []
        for name in requirement:
            kind = self._kind_named(name)
            if kind == CERTIFICATE_ALONE and len(requirement) > 1:
                # It is presented whatever else a request carries.
                continue
            if isinstance(kind, Unheld):
                return kind
            kinds.append(kind)
        places = [self._findings.placed.get(kind) or KINDS[kind].place for kind in set(kinds)]
        twice = [place for place, number in Counter(place.spot for place in places).items() if number > 1]
        if twice:
            where, name = twice[0]
            return Unheld(f"{' and '.join(kinds)} at once, which would need two of the {where} {name}")
        return frozenset(kinds)

    # Single schemes

    def _kind_named(self, name: str) -> Kind | Unheld:
        # Only of schemes that a route needs: what is said of the others would be noise.
        if name not in self._kinds:
            table = self.tables.get(name)
            unknown = Unheld(f"scheme {one_line(str(name))!r}, which the document does not define")
            self._kinds[name] = self._kind(str(name), table) if table else unknown
        return self._kinds[name]

    def _kind(self, own: str, table: Mapping[str, object]) -> Kind | Unheld:
        """Return the kind of credential that a scheme stands for, or the reason why a profile cannot hold it."""
        match text_in(table, "type"), text_in(table, "scheme").lower():
            case "apiKey", _:
                return self._api_key(own, table)
            case ("http", "basic") | ("basic", _):
                self._findings.cite("RFC 7617")
                return "basic"
            case "http", "bearer":
                self._findings.says_jwt |= text_in(table, "bearerFormat").upper() == "JWT"
                return self._bearer("the document says that a bearer token is needed, not how one is got")
            case "http", scheme if scheme in _SIGNING:
                return Unheld(f"HTTP authentication of the scheme {scheme!r} without {_SIGNING[scheme]}")
            case "http", scheme if scheme in _ANSWERING or not _TOKEN.fullmatch(scheme):
                return Unheld(f"HTTP authentication of the scheme {one_line(scheme)!r}")
            case "http", scheme:
                word = text_in(table, "scheme")
                return self._token(own, Place("header", "Authorization", f"{word} "), f"the scheme {word}")
            case "oauth2", _:
                return self._bearer("the document names no grant that works here (implicit does not)")
            case "openIdConnect", _:
                url = text_in(table, "openIdConnectUrl")
                if url:
                    self._findings.urls.setdefault("metadata_url", self._place("metadata_url", url))
                    self._findings.remark(
                        "token_url", f"endpoints and grants are told by {one_line(url)}: run init on it"
                    )
                return self._bearer("the document leaves tokens to OpenID Connect")
            case "mutualTLS", _:
                self._findings.is_certified = True
                return CERTIFICATE_ALONE
            case other, _:
                return Unheld(f"a scheme of type {one_line(other)!r}")

    def _api_key(self, own: str, table: Mapping[str, object]) -> Kind | Unheld:
        where, name = one_line(text_in(table, "in")), one_line(text_in(table, "name"))
        if where not in get_args(Where):
            return Unheld(f"an API key in the {where or 'request'} ({name})")
        if not name or (where != "query" and _TOKEN.fullmatch(name) is None):
            return Unheld(f"an API key in a {where} without a name that can be sent ({name})")
        told = text_in(table, "description")
        word = _PREFIX.search(told) if where == "header" else None
        place = Place(cast("Where", where), name, f"{word[1]} " if word else "")
        if place.is_authorization and (BEARER.scheme in told.lower() or place.scheme == BEARER.scheme):
            return self._bearer("the document describes the Authorization header with a bearer token in it")
        is_key = any(text.lower().endswith("key") for text in (name, place.word))
        is_token = (
            (word and not is_key)
            or text_in(table, "bearerFormat")
            or _IS_TOKEN.search(name)
            or _SAYS_TOKEN.search(told)
        )
        if is_token and not self._has_bearer:
            return self._token(own, place, f"a token in the {where} {name}")
        return "api_key" if self._is_placed("api_key", place) else self._named(own, place)

    def _token(self, own: str, place: Place, what: str) -> Kind:
        """Return the kind that a token in a place of its own is: one that somebody has, until a login is known."""
        kind: Kind = "personal_access_token"
        if self._has_bearer or not self._is_placed(kind, place):
            return self._named(own, place)
        self._findings.remark(
            "credentials",
            f"the document says that {what} is needed, not how one is got; so it stands here as {kind}, a token that"
            " you have",
        )
        return kind

    def _is_placed(self, kind: Kind, place: Place) -> bool:
        """Note where a kind of credential travels, and return whether it does not travel elsewhere."""
        known = self._findings.placed.setdefault(kind, place)
        return (known.where, known.name.lower(), known.word) == (place.where, place.name.lower(), place.word)

    def _named(self, own: str, place: Place) -> Kind:
        """Return the name in ``[schemes]`` of what has no other place in a profile: the document's own."""
        word = re.sub(r"[^A-Za-z0-9_-]+", "_", own).strip("_-") or "key"
        word = word if word[0].isalpha() else f"key_{word}"
        names = (name for number in itertools.count(1) for name in (word if number == 1 else f"{word}_{number}",))
        return next(name for name in names if is_free(name) and self._is_placed(name, place))

    def _bearer(self, why: str) -> Kind:
        self._findings.cite("RFC 6750")
        if self.flows:
            return "bearer"
        self._findings.remark(
            "credentials",
            f"{why}; so it stands here as personal_access_token, a token that you have. If there is a token"
            ' endpoint, write token_url and [grants.…], and "bearer" in needs',
        )
        return "personal_access_token"

    # Flows

    def _flows(self, table: Mapping[str, object]) -> list[Flow]:
        if text_in(table, "type") != "oauth2":
            return []
        flows = table_in(table, "flows") if self._document.kind == "openapi" else {text_in(table, "flow"): table}
        found = []
        for name, value in flows.items():
            flow = self._document.resolved(value)
            grant = _GRANTS.get(name)
            if grant is None or not text_in(flow, "tokenUrl"):
                self._findings.remark(
                    "grants", f"the flow {one_line(str(name))!r} is documented too; a profile cannot hold it"
                )
                continue
            missing = [FLOW_URLS[key] for key in grant.urls if not text_in(flow, FLOW_URLS[key])]
            if missing:
                self._findings.remark("grants", f"the flow {name!r} has no {missing[0]}, so it is left out")
                continue
            urls = {key: self._place(key, text_in(flow, FLOW_URLS[key])) for key in ("token_url", *grant.urls)}
            if not all(urls[key] for key in grant.urls):
                continue
            refresh = text_in(flow, "refreshUrl")
            refresh_url = self._place("token_url", refresh) if refresh else ""
            found.append(Flow(grant.name, urls, refresh_url, tuple(table_in(flow, "scopes"))))
        return found

    def _chosen(self, flows: list[Flow]) -> list[Flow]:
        """Choose the flows of one token endpoint, one a grant, and note them."""
        findings = self._findings
        urls = [flow.urls["token_url"] for flow in flows if flow.urls["token_url"]]
        if not urls:
            return []
        token_url = max(dict.fromkeys(urls), key=urls.count)
        chosen: dict[GrantType, Flow] = {}
        for flow in flows:
            if flow.urls["token_url"] != token_url:
                other = one_line(flow.urls["token_url"])
                findings.remark("token_url", f"{flow.grant} has another token endpoint: {other}")
            elif flow.grant not in chosen:
                chosen[flow.grant] = flow
        for flow in chosen.values():
            findings.urls.update(flow.urls)
        findings.cite("RFC 6749", "RFC 6750")
        return [chosen[grant] for grant in GRANTS if grant in chosen]

    def note_grants(self, needed: list[str]) -> None:
        """Note the grants, with those of the needed scopes that each of them offers."""
        findings = self._findings
        for flow in self.flows:
            scopes = [scope for scope in needed if scope in flow.scopes or not flow.scopes]
            goes_on = GRANTS[flow.grant].needs_person and OFFLINE in flow.scopes
            refreshes = bool(flow.refresh_url) or goes_on
            if goes_on and OFFLINE not in scopes:
                scopes.append(OFFLINE)
            if refreshes and flow.refresh_url not in ("", flow.urls["token_url"]):
                place = findings.urls.setdefault("refresh_url", flow.refresh_url)
                if place != flow.refresh_url:
                    shown = one_line(flow.refresh_url)
                    findings.remark("refresh_url", f"refreshUrl of {flow.grant} is another one: {shown}")
                    refreshes = False
            if flow.scopes and not scopes:
                listed = one_line(", ".join(map(str, flow.scopes)))
                findings.remark("token.scope", f"scopes of {flow.grant} in the document: {listed}")
            findings.grants[flow.grant] = GrantFound(" ".join(scopes) or None, refreshes)
        if any(grant.gives_refresh_token for grant in findings.grants.values()):
            findings.grants.update({name: GrantFound() for name, grant in GRANTS.items() if grant.refreshes})


def _is_bearer(table: Mapping[str, object]) -> bool:
    """Whether a scheme stands for a token in Authorization, behind Bearer."""
    kind, scheme = text_in(table, "type"), text_in(table, "scheme").lower()
    return kind in ("oauth2", "openIdConnect") or (kind, scheme) == ("http", BEARER.scheme)

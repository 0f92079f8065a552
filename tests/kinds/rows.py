"""The rows of the table: kinds of credentials, in the places that a profile may give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_apiauth.profile.kinds import Kind, Place
from pytest_apiauth.profile.model import Profile

KEY, BEARER, TOKEN, NAMED = "api_key", "bearer", "personal_access_token", "app_key"
AUTHORIZATION = "Authorization"
TOKEN_PLACES: dict[str, tuple[dict[str, str], Place]] = {
    "behind another word": ({"scheme": "Token"}, Place("header", AUTHORIZATION, "Token ")),
    "bare in Authorization": ({"scheme": ""}, Place("header", AUTHORIZATION)),
    "in a header of its own": ({"header": "X-Auth-Token"}, Place("header", "X-Auth-Token")),
    "behind a word in its own header": ({"header": "X-Auth", "scheme": "JWT"}, Place("header", "X-Auth", "JWT ")),
    "in a cookie": ({"in": "cookie", "name": "access"}, Place("cookie", "access")),
    "in the query": ({"in": "query"}, Place("query", "access_token")),
}
HALVES: dict[str, tuple[dict[str, str], Place]] = {
    "as user name of HTTP Basic": ({"pair": "{token}:x"}, Place("header", AUTHORIZATION, "Basic ", ("", ":x"))),
    "as password of HTTP Basic": ({"pair": ":{token}"}, Place("header", AUTHORIZATION, "Basic ", (":", ""))),
}
ONE_HALF = "OpenAPI has no words for a pair of HTTP Basic of which one half counts for nothing"
KEY_PLACES: dict[str, tuple[dict[str, str], Place]] = {
    "in a header": ({"header": "X-Shop-Key"}, Place("header", "X-Shop-Key")),
    "behind a word in Authorization": (
        {"header": AUTHORIZATION, "scheme": "ApiKey"}, Place("header", AUTHORIZATION, "ApiKey "),
    ),
    "in the query": ({"in": "query", "name": "key"}, Place("query", "key")),
    "in a cookie": ({"in": "cookie", "name": "shop_key"}, Place("cookie", "shop_key")),
    "as user name of HTTP Basic": ({"pair": "{key}:"}, Place("header", AUTHORIZATION, "Basic ", ("", ":"))),
    "as password of HTTP Basic": ({"pair": "any:{key}"}, Place("header", AUTHORIZATION, "Basic ", ("any:", ""))),
}  # fmt: skip
DOCUMENTED: dict[str, dict[str, str]] = {
    "behind another word": {"type": "http", "scheme": "Token"},
    "in a header of its own": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "behind a word in its own header": {
        "type": "apiKey", "in": "header", "name": "X-Auth", "description": 'a JWT, prefix "JWT"',
    },
    "in a cookie": {"type": "apiKey", "in": "cookie", "name": "access", "description": "The access token"},
    "in the query": {"type": "apiKey", "in": "query", "name": "access_token"},
}  # fmt: skip
"""How OpenAPI writes a token in each place, as far as it can."""
FLOWS = {
    "clientCredentials": {"tokenUrl": "/token", "scopes": {}},
    "authorizationCode": {"authorizationUrl": "/authorize", "tokenUrl": "/token", "scopes": {}},
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a zone needs, where each of it travels, and how documents write that."""

    name: str
    places: Mapping[Kind, Place]
    tables: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The security schemes that a document has for it, by their names."""
    reason: str = ""
    """Why no document can have any."""
    fault: str = "token-any-accepted"
    """What some rule finds on a server that is wrong about it."""
    rules: frozenset[str] = frozenset()
    """What judges it on a good server, among others."""
    variants: tuple[str, ...] = ()
    variables: Mapping[Kind, str] = field(default_factory=dict)
    """What a curl line calls it."""

    def profile(self) -> Profile:
        """Return the profile of an API that takes it."""
        tables: dict[str, Any] = {
            "schema": 1,
            "name": "placed",
            "api_url": "https://api.placed.example/v1",
            "standards": ["RFC 6749", "RFC 6750", "RFC 7617"],
            "credentials": {
                "client_id": "placed-client",
                "client_secret": {"env": "SECRET"},
                **({TOKEN: {"env": "TOKEN"}} if TOKEN in self.places else {}),
                **({KEY: {"env": "KEY"}} if KEY in self.places else {}),
            },
            "zones": {
                "user": {"path": "/user/", "needs": [*self.places], "probe": ["/user/me"]},
                "open": {"path": "/"},
            },
        }
        if BEARER in self.places:
            tables |= {"token_url": "/token", "grants": {"client_credentials": {}}}
        tables["credentials"] |= self.tables.get("credentials", {})
        return Profile.model_validate(tables | {key: each for key, each in self.tables.items() if key != "credentials"})


OF_KEYS = frozenset({"key-missing", "key-bad", "key-name-strict", "key-place-strict", "zone-truth-table"})
OF_TOKENS = frozenset(
    {"res-garbage-token", "res-mutated-token", "res-token-case", "res-token-wildcard", "zone-truth-table"}
)
OUTSIDE_OF_URLS = frozenset({"tok-in-url-refused", "tok-two-places"})
OF_AUTHORIZATION = frozenset({"res-malformed-header"})
OF_SCHEMES = frozenset({"hdr-scheme-case"})
OF_BEARER = frozenset({"res-challenge-content"})
OF_BASIC = frozenset({"hdr-scheme-case", "res-basic-controls", "res-basic-exact", "res-basic-pair", "zone-truth-table"})
OF_CODES = frozenset({"code-single-use", "az-state-echo", "pkce-verifier"})
OF_PUSHES = frozenset({"par-answer", "par-client", "par-single-use", "par-required", "iss-named"})
OF_LOGINS = frozenset({"log-lacking", "log-answer", "log-out-ends", "ref-success", "ref-old-dead"})
OF_SIGNATURES = frozenset({"sig-altered", "sig-of-another", "sig-outlived"})
OF_POSSESSION = frozenset({"dpop-proof-needed", "dpop-key", "dpop-signed", "dpop-token-request"})
OF_CERTIFICATES = frozenset({"mtls-certificate-needed", "mtls-certificate"})
OF_ONE_ALONE = (
    OF_CERTIFICATES
    | OF_KEYS
    | OF_TOKENS
    | OUTSIDE_OF_URLS
    | OF_SCHEMES
    | OF_BEARER
    | OF_BASIC
    | OF_SIGNATURES
    | OF_POSSESSION
)
"""Rules that have nothing to look at in a row which does not name them."""


def _rules_of_tokens(place: Place) -> frozenset[str]:
    found = OF_TOKENS | (OUTSIDE_OF_URLS if place.where != "query" else frozenset())
    found |= OF_AUTHORIZATION if place.is_authorization else frozenset()
    return found | (OF_SCHEMES if place.scheme else frozenset())


def _table(place: Place) -> dict[str, Any]:
    """Return the table of one of ``[schemes]``."""
    return {"in": place.where, "name": place.name, **({"scheme": place.word} if place.word else {})}


def _rows() -> Iterator[Row]:
    for where, (table, place) in KEY_PLACES.items():
        told = f'The key, prefix "{place.word}"' if place.word else "The key"
        documented = {"type": "apiKey", "in": place.where, "name": place.name, "description": told}
        yield Row(
            f"API key {where}", {KEY: place}, {KEY: table}, {} if place.pair else {"own": documented},
            reason=ONE_HALF if place.pair else "",
            fault="key-optional", rules=OF_KEYS | (OF_SCHEMES | OF_AUTHORIZATION if place.pair else frozenset()),
            variables={KEY: "API_KEY"},
        )  # fmt: skip
    usual = Place("header", AUTHORIZATION, "Bearer ")
    yield Row(
        "bearer as usual", {BEARER: usual},
        document={"own": {"type": "oauth2", "flows": {"clientCredentials": FLOWS["clientCredentials"]}}},
        rules=_rules_of_tokens(usual) | OF_BEARER, variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip
    bound = Place("header", AUTHORIZATION, "DPoP ")
    yield Row(
        "bearer bound to a key", {BEARER: bound}, {"token": {"bound": "dpop"}},
        reason="a document whose scheme is dpop does not say how its tokens are asked for",
        fault="dpop-key-unbound", rules=_rules_of_tokens(bound) | OF_POSSESSION, variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip
    yield Row(
        "bearer bound to a certificate", {BEARER: usual}, {"token": {"bound": "mtls"}},
        reason="OpenAPI has words for a certificate that is needed, and none for tokens that are bound to it",
        fault="mtls-any-certificate", rules=_rules_of_tokens(usual) | OF_BEARER | OF_CERTIFICATES,
        variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip
    for where, (table, place) in TOKEN_PLACES.items():
        yield Row(
            f"bearer {where}", {BEARER: place}, {BEARER: table},
            reason="OpenAPI has flows for oauth2 alone, which is Bearer: what init finds elsewhere is a token one has",
            rules=_rules_of_tokens(place), variables={BEARER: "ACCESS_TOKEN"},
        )  # fmt: skip
    for where, (table, place) in (TOKEN_PLACES | HALVES).items():
        bare = "OpenAPI writes what is bare in Authorization as an API key"
        yield Row(
            f"personal access token {where}", {TOKEN: place}, {TOKEN: table},
            {"own": DOCUMENTED[where]} if where in DOCUMENTED else {},
            reason="" if where in DOCUMENTED else ONE_HALF if place.pair else bare,
            rules=_rules_of_tokens(place), variables={TOKEN: "PERSONAL_ACCESS_TOKEN"},
        )  # fmt: skip
    for where, (_, place) in TOKEN_PLACES.items():
        named = _table(place) | {"value": {"env": "APP_KEY"}}
        told = f'prefix "{place.word}"' if place.word else ""
        yield Row(
            f"scheme of its own name {where}", {NAMED: place}, {"schemes": {NAMED: named}},
            reason="a document's first key is api_key: see the row of several schemes",
            fault="key-optional", rules=OF_KEYS, variables={NAMED: "APP_KEY"},
        )  # fmt: skip
    for function, place in (("sign", Place("header", "X-Signature")), ("sign_in_query", Place("query", "sig"))):
        signing = _table(place) | {"value": {"env": "APP_KEY"}, "sign": f"tests.signing:{function}"}
        yield Row(
            f"signature in {'the query' if place.where == 'query' else 'a header'}", {NAMED: place},
            {"schemes": {NAMED: signing | {"covers": ["method", "path"], "lifetime": 60}}},
            reason="OpenAPI has no words for how a request is signed",
            fault="signature-unchecked", rules=OF_KEYS | OF_SIGNATURES, variables={NAMED: "APP_KEY_SIGNATURE"},
        )  # fmt: skip
    several = {
        KEY: Place("header", "X-API-Key"),
        NAMED: Place("header", "X-Application-Key", "App "),
        "visitor": Place("query", "visitor"),
    }
    yield Row(
        "several schemes in one zone", several,
        {
            KEY: {},
            "schemes": {kind: _table(several[kind]) | {"value": {"env": kind.upper()}} for kind in (NAMED, "visitor")},
        },
        {
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            NAMED: {"type": "apiKey", "in": "header", "name": "X-Application-Key", "description": 'prefix "App"'},
            "visitor": {"type": "apiKey", "in": "query", "name": "visitor"},
        },
        fault="any-credential-suffices", rules=OF_KEYS | {"zone-swap"},
        variables={KEY: "API_KEY", NAMED: "APP_KEY", "visitor": "VISITOR"},
    )  # fmt: skip
    yield Row(
        "HTTP Basic", {"basic": Place("header", AUTHORIZATION, "Basic ")},
        {"credentials": {"username": "placed-user", "password": {"env": "PASSWORD"}}},
        {"own": {"type": "http", "scheme": "basic"}},
        fault="basic-zone-any-password", rules=OF_BASIC, variables={"basic": "PASSWORD"},
    )  # fmt: skip
    yield Row(
        "token of a log-in by script", {BEARER: usual},
        {
            "token_url": "/token", "authorize_url": "/authorize", "grants": {"authorization_code": {}}, "login": {},
            "credentials": {
                "username": "placed-user", "password": {"env": "PASSWORD"},
                "redirect_uri": "https://app.placed.example/callback",
            },
        },
        {"own": {"type": "oauth2", "flows": {"authorizationCode": FLOWS["authorizationCode"]}}},
        fault="code-reusable", rules=_rules_of_tokens(usual) | OF_BEARER | OF_CODES, variants=("login-pages",),
        variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip
    yield Row(
        "token of a pushed authorization", {BEARER: usual},
        {
            "token_url": "/token", "authorize_url": "/authorize", "pushed_authorization_request_url": "/par",
            "grants": {"authorization_code": {}}, "login": {},
            "authorization": {"iss": True, "require_pushed_authorization_requests": True},
            "standards": ["RFC 6749", "RFC 6750", "RFC 7617", "RFC 9126", "RFC 9207"],
            "credentials": {
                "username": "placed-user", "password": {"env": "PASSWORD"},
                "redirect_uri": "https://app.placed.example/callback",
            },
        },
        reason="OpenAPI has no words for pushed requests: init reads them in the metadata of an authorization server",
        fault="pushed-optional", rules=_rules_of_tokens(usual) | OF_BEARER | OF_CODES | OF_PUSHES,
        variants=("login-pages",), variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip
    yield Row(
        "token of a login of its own", {BEARER: usual},
        {
            "token_url": None, "grants": {}, "standards": ["RFC 6750", "RFC 7617"], "rotation": "old-dies",
            "credentials": {"username": "placed-user", "password": {"env": "PASSWORD"}},
            "login_request": {
                "url": "/login", "json": {"name": "{username}", "word": "{password}"},
                "access_token": "access", "refresh_token": {"cookie": "refresh"},
            },
            "refresh_request": {
                "url": "/renew", "cookies": {"refresh": "{refresh_token}"},
                "access_token": "access", "refresh_token": {"cookie": "refresh"},
            },
            "logout_request": {"url": "/logout", "headers": {"Authorization": "Bearer {access_token}"}},
        },
        reason="OpenAPI has no words for what a login says and answers",
        fault="login-without-password", rules=_rules_of_tokens(usual) | OF_BEARER | OF_LOGINS,
        variables={BEARER: "ACCESS_TOKEN"},
    )  # fmt: skip


ROWS = {row.name: row for row in _rows()}

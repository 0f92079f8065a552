"""Whether the keys of a profile hang together: what is wrong with them is a line each, which names the key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.messages import Origin, why_not_a_url
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.endpoints import URL_KEYS, hint_at_variables
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.login_requests import URLS
from pytest_apiauth.profile.placing import crowded, wrong_names
from pytest_apiauth.profile.promise import Promise
from pytest_apiauth.profile.tables import (
    DEFAULT,
    TOKEN,
    wrong_apps,
)

MOST_ZONES: Final = 500
"""Each rule about zones is examined in every one of them: this many are 13,000 tests."""
OF_OTHERS: Final = ("authorization", "cookie", "host", "connection", "content-length", "transfer-encoding")
"""Headers of credentials, and those that the HTTP library writes."""


def mistakes(promise: Promise) -> list[str]:
    """Return what is wrong with a profile, a line for each."""
    wrong = [*_wrong_urls(promise), *_wrong_names(promise), *wrong_names(promise.schemes, promise.keys)]
    wrong += [*_wrong_logins(promise), *_wrong_zones(promise)]
    return [*wrong, *crowded(promise.zones, promise.kinds), *wrong_apps(promise.app)]


def _wrong_urls(promise: Promise) -> list[str]:
    wrong = []
    written = {key: f"{table}.url" for table, key in URLS.items() if getattr(promise, table) is not None}
    written["jwks_url"] = "jwt.jwks_url"
    for name in (*URL_KEYS, "jwks_url"):
        url, key = getattr(promise, name), written.get(name, name)
        if not isinstance(url, str):
            continue
        is_path = key != "api_url" and url.startswith("/")
        reason = why_not_a_url(f"https://api.example{url}" if is_path else url)
        if reason is not None:
            expected = "an absolute http or https URL" if key == "api_url" else "an absolute URL, or a path"
            wrong.append(f"{key}: expected {expected}, got {reason}{hint_at_variables(key, url)}")
        elif is_path:
            continue
        elif "@" in urlsplit(url).netloc:
            wrong.append(f"{key}: a URL with a user name or password in it; credentials go to [credentials]")
        elif not promise.may_be_plain(Origin.of(url)):
            parts = urlsplit(url)
            wrong.append(
                f"{key}: {parts.scheme}://{parts.hostname} would send credentials in clear; use https, or list"
                " the host in insecure_hosts"
            )
    pages = map(Origin.of, promise.login.origins if promise.login is not None else ())
    wrong += [
        f"login.origins: {origin} would be sent passwords in clear; use https, or list the host in insecure_hosts"
        for origin in pages
        if not promise.may_be_plain(origin)
    ]
    return wrong


def _wrong_names(promise: Promise) -> list[str]:
    wrong = []
    for name, grant in promise.grants.items():
        if grant.client not in (DEFAULT, *promise.clients):
            wrong.append(f"grants.{name}.client: no client {grant.client!r} in [clients]")
        if grant.user not in (DEFAULT, *promise.users):
            wrong.append(f"grants.{name}.user: no user {grant.user!r} in [users]")
        if grant.client in (DEFAULT, *promise.clients) and not promise.may_use(promise.client_of(name), name):
            wrong.append(f"grants.{name}: used by the client {promise.client_of(name)}, whose grants do not list it")
    if promise.token.grant is not None and promise.token.grant not in promise.grants:
        wrong.append(f"token.grant: {promise.token.grant!r} is not one of [grants]")
    begun = [name for name in promise.grants if GRANTS[name].takes == "access_token"]
    if begun and promise.usual_grant is None:
        wrong.append(f"grants.{begun[0]}: begins with another grant's token, and [grants] lists no other one")
    if promise.token.grant in begun:
        wrong.append(f"token.grant: {promise.token.grant} begins with another grant's token; name that grant")
    if promise.grants and promise.token_url is None:
        wrong.append("token_url: needed, since [grants] lists a way to get a token")
    requires_pushed = promise.authorization.require_pushed_authorization_requests
    if requires_pushed and promise.pushed_authorization_request_url is None:
        wrong.append(
            "authorization.require_pushed_authorization_requests: pushed_authorization_request_url is needed, which"
            " says where to"
        )
    for ending, user in promise.ended_users.items():
        if user not in promise.users:
            wrong.append(f"credentials.{ending}.user: no {user!r} in [users]")
    if promise.token.bound == "dpop" and promise.bearer is not None:
        wrong.append("bearer: a token that is bound travels as Authorization: DPoP (RFC 9449 7.1)")
    if promise.token.bound is not None and not promise.is_oauth:
        wrong.append("token.bound: for tokens of OAuth, and [login_request] is none")
    tables = {"credentials": promise.credentials, **{f"clients.{name}": row for name, row in promise.clients.items()}}
    wrong += [
        f"{place}.certificate: needed: {place}.certificate_key is the key of it"
        for place, row in tables.items()
        if row.certificate_key is not None and row.certificate is None
    ]
    if promise.login is not None and promise.interactive_grant is None:
        names = [name for name, row in GRANTS.items() if row.needs_person]
        wrong.append(f"login: a script for the grants {' and '.join(names)}, and [grants] lists neither")
    needed = [(key, name) for name in promise.grants for key in GRANTS[name].urls]
    wrong += [f"{key}: needed for the grant {name}" for key, name in needed if getattr(promise, key) is None]
    return wrong


def _wrong_logins(promise: Promise) -> list[str]:
    tables = {"refresh_request": promise.refresh_request, "logout_request": promise.logout_request}
    if promise.login_request is None:
        return [f"{name}: belongs to a [login_request], which there is not" for name, own in tables.items() if own]
    wrong = []
    if promise.token_url is None:
        wrong.append("login_request.url: needed: where the user logs in")
    if promise.logout_request is not None and promise.revocation_url is None:
        wrong.append("logout_request.url: needed: where the tokens are ended")
    if promise.refresh_request is not None and promise.refresh_endpoint == promise.token_endpoint:
        wrong.append("refresh_request.url: needed, and another one than login_request.url")
    others = [name for name in promise.grants if name not in ("password", "refresh_token")]
    wrong += [f"grants.{name}: a grant of OAuth, beside a [login_request], which is none" for name in others]
    if "refresh_token" in promise.grants and promise.refresh_request is None:
        wrong.append("grants.refresh_token: needs a [refresh_request], since [login_request] is no grant of OAuth")
    return wrong


def _wrong_zones(promise: Promise) -> list[str]:
    if len(promise.zones) > MOST_ZONES:
        return [f"zones: {len(promise.zones)} zones, expected at most {MOST_ZONES}; a zone holds all routes of a kind"]
    wrong = []
    for name, zone in promise.zones.items():
        unknown = sorted(zone.kinds.difference(KINDS, promise.schemes))
        listed = ", ".join(map(repr, (*KINDS, *promise.schemes)))
        wrong += [f"zones.{name}.needs: expected names among {listed}, got {kind!r}" for kind in unknown]
        for kind in (each for each in KINDS.values() if each.name in zone.kinds):
            if kind.is_declared and getattr(promise, kind.name) is None:
                wrong.append(f"zones.{name}.needs: names {kind.name}, but the profile has no [{kind.name}]")
            if kind.is_issued and not promise.grants:
                own = promise.credentials.personal_access_token is not None
                near = "; the token in [credentials] is named personal_access_token" if own else ""
                wrong.append(f"zones.{name}.needs: names {kind.name}, but [grants] lists no way to get a token{near}")
        wrong += [f"zones.{name}.headers: {each}" for each in _wrong_headers(promise, zone.headers)]
        paths = (zone.path, *zone.probe)
        wrong += [f"zones.{name}: {path!r} must begin with a slash" for path in paths if not path.startswith("/")]
    return wrong


def _wrong_headers(promise: Promise, headers: Mapping[str, str]) -> Iterator[str]:
    places = [row.place.name.lower() for row in promise.kinds.values() if row.place.where == "header"]
    for name, value in headers.items():
        if TOKEN.fullmatch(name) is None or not value.isascii() or not value.isprintable() or value != value.strip():
            yield f"{one_line(repr(name))}: expected the name of a header, and a line of ASCII for it"
        elif name.lower() in (*OF_OTHERS, *places):
            yield f"{name} is where a credential travels, which needs names, or the HTTP library's own"

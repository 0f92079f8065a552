"""Requests that the embedded server has refused on its own account: told beside a failure, since 401 says no more.

Each is one line: the profile, the request, what was expected, and what to do. What a request has is named and never
quoted, but for its method, its path, and the words of a scope or a grant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_apiauth.messages import LONGEST_TYPE, Origin, parts_of
from pytest_apiauth.printable import one_line

if TYPE_CHECKING:
    import pytest

    from pytest_apiauth.embedded.reasons import Found, Reason
    from pytest_apiauth.messages import Request
    from pytest_apiauth.profile.model import Profile

MOST: Final = 5
"""Lines of one test, the latest."""
NAMED: Final = 6
"""Zones and endpoints that one line names."""
LONGEST: Final = 400
"""Characters of what the server says of a refusal."""
OTHER_SERVER: Final = "each test has a server of its own, which knows its own tokens only"
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "EXPIRED": ("a token whose time was over by the server's clock", "ask for another one"),
    "ENDED": ("a token that was revoked, or that a refresh or a log-out has ended", "ask for another one"),
    "REFRESH_TOKEN": ("a refresh token, which opens nothing", "send the access token"),
    "OTHER_TOKEN": ("a token of another kind", "the profile's zones say which kind is needed where"),
    "NO_TOKEN": ("what can be no token by its letters (RFC 6750 2.1)", "send the token as it was answered"),
    "UNKNOWN_TOKEN": ("a token that this server has not issued", OTHER_SERVER),
    "UNFIT_TOKEN": ("a JWT that is signed by this server and is not for this API", "ask for another one"),
    "OTHER_API": ("a token for another API", "the profile's token.resource is what to ask for"),
    "UNPROVED": ("a token that is bound, without a good proof of whose it is", "the profile's token.bound says how"),
    "UNKNOWN_KEY": ("a key that this server does not know", ""),
    "WAS_GOOD": ("what the profile lists as revoked or expired", ""),
    "SIGN_FAILED": ("a signature that nothing can be told of", "mend the function"),
    "WRONG_SIGNATURE": (
        "a signature that no key makes of this request", "the function that the profile names has another one"
    ),
    "USED_SIGNATURE": ("a signature that came before", "the profile says once = true"),
    "OLD_SIGNATURE": ("a signature whose time was over by the server's clock", "sign anew"),
    "MALFORMED": (
        "what is no Base64 of name:password in UTF-8", "RFC 7617 has the form; of requests, UTF-8 is had by bytes"
    ),
    "UNKNOWN_USER": ("a user that this server does not know", ""),
    "ENDED_USER": ("a user who was deactivated, as the profile says", ""),
    "WRONG_PASSWORD": ("a user whose password is another one", ""),
    "UNKNOWN_CLIENT": ("a client that this server does not know", ""),
    "WRONG_SECRET": ("a client whose secret is another one", ""),
    "NOTHING": ("nothing", ""),
}  # fmt: skip
"""What stood where a credential was due, and what to do; without the latter the environment has the good one."""
FIELDS: Final[Mapping[str, str]] = {
    "UNKNOWN_USER": "username",
    "ENDED_USER": "username",
    "WRONG_PASSWORD": "password",
    "UNKNOWN_CLIENT": "client_id",
    "WRONG_SECRET": "client_secret",
}
"""Which of [credentials] is another one than what came."""
BY_CLIENT_AUTH: Final[Mapping[str, str]] = {
    "client_secret_basic": "client_id and client_secret go in Authorization: Basic",
    "client_secret_post": "client_id and client_secret go in the body",
    "client_secret_json": "client_id and client_secret go in the body, which is JSON",
    "none": "a client brings no secret",
    "private_key_jwt": "a client_assertion that the client's key has signed goes in the body",
    "client_secret_jwt": "a client_assertion that the client's secret has signed goes in the body",
    "tls_client_auth": "client_id goes in the body, and the certificate is the proof",
    "self_signed_tls_client_auth": "client_id goes in the body, and the certificate is the proof",
}


def add_to_report(things: Iterable[object], report: pytest.TestReport) -> None:
    """Say which requests the servers among some things have refused on their own account, why, and what to do."""
    from pytest_apiauth.embedded import Server

    if report.when == "teardown":
        return
    servers = dict.fromkeys(each for each in things if isinstance(each, Server))
    told = (line(server.profile, reason) for server in servers for reason in server.refused)
    # Of one that came several times its last place counts.
    lines = [*dict.fromkeys(reversed([*told]))][:MOST]
    report.sections += [("apiauth", line) for line in reversed(lines)]


def line(profile: Profile, reason: Reason) -> str:
    where = _asked(reason.request) if reason.why.name == "ORIGIN" else _path(reason.request)
    came = f"{one_line(profile.name)}: {one_line(reason.request.method)} {where}"
    if reason.why.name == "LACKING":
        elsewhere = f"; {one_line(reason.elsewhere)}" if reason.elsewhere else ""
        return f"{came} came without {' and '.join(reason.places)}, which the profile asks for there{elsewhere}"
    return f"{came} was answered {reason.status}: {_why(profile, reason)}"


def _why(profile: Profile, reason: Reason) -> str:
    match reason.why.name:
        case "ORIGIN":
            return _of_origin(profile, reason.request)
        case "TARGET":
            return "its path does not begin with a slash, or has letters that no URL has; percent-encode them"
        case "PATH":
            return _of_path(profile, reason.request)
        case "METHOD":
            return _of_method(profile, reason)
        case "CREDENTIAL":
            return "; ".join(_of_credential(profile, found) for found in reason.found)
        case "SCOPE":
            has, needed = reason.scope
            return (
                f"its token has the scope {one_line(has)!r}, and zone {reason.zone} asks for {needed!r};"
                " @pytest.mark.apiauth(scope=…), or scope in the profile's [token] or the grant, is what to ask for"
            )
        case "DENIED":
            return "the profile lists this path as denied for the key or the client that came"
        case "ENDPOINT":
            return _of_endpoint(profile, reason)
    return _told(reason)


def _told(reason: Reason) -> str:
    """Return what the server's own refusal says."""
    return one_line(": ".join(filter(None, (reason.error, reason.description.rstrip(".")))), LONGEST)


def _path(request: Request) -> str:
    from pytest_apiauth.embedded.reasons import path_of

    return one_line(path_of(request))


def _asked(request: Request) -> str:
    """Return the URL of a request without what may be secret in it."""
    target = request.target or ""
    parts = parts_of(target if target.lower().startswith(("https://", "http://")) else request.url)
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")


def _of_origin(profile: Profile, request: Request) -> str:
    parts = parts_of(_asked(request))
    known = sorted(map(str, profile.origins))
    hosts = {urlsplit(each).hostname for each in known}
    if parts.hostname not in hosts:
        what = "its host is none of the profile's"
    elif parts.scheme not in {urlsplit(each).scheme for each in known}:
        what = f"the profile has that host, and not by {parts.scheme}"
    else:
        what = "the profile has that host, and not by that scheme and port"
    return f"{what}: it names {_listed(known)}; api_url and the other URLs of the profile say where it answers"


def _of_path(profile: Profile, request: Request) -> str:
    from pytest_apiauth.profile.endpoints import URL_KEYS

    path, base = _path(request), urlsplit(profile.base_url).path.rstrip("/")
    urls = {key: profile.url(getattr(profile, key)) for key in URL_KEYS[1:] if getattr(profile, key)}
    origin = Origin.of(request.url)
    endpoints = [f"{key} at {urlsplit(url).path}" for key, url in urls.items() if Origin.of(url) == origin]
    if origin != Origin.of(profile.base_url):
        return f"at {origin} the profile has only {_listed(endpoints)}"
    zones = [f"{base}{zone.path} ({name})" for name, zone in profile.zones.items()]
    what = (
        "no zone has that path" if f"{path}/".startswith(f"{base}/") else f"it is not below api_url, {profile.base_url}"
    )
    beside = f"; endpoints there are {_listed(endpoints)}" if endpoints else ""
    return (
        f"{what}: the profile's zones are {_listed(zones) or 'none'}{beside}; name it in [zones], or answer it by"
        f' apiauth_server.respond("{one_line(request.method)}", "{_continued(profile, path)}", …)'
    )


def _of_method(profile: Profile, reason: Reason) -> str:
    if not reason.zone:
        return f"this endpoint takes {reason.allowed}"
    method = one_line(reason.request.method)
    return (
        f'zone {reason.zone} has {reason.allowed}; write methods = ["{method}"] in [zones.{reason.zone}], or answer it'
        f' by apiauth_server.respond("{method}", "{_continued(profile, _path(reason.request))}", …)'
    )


def _continued(profile: Profile, path: str) -> str:
    """Return a path as ``respond`` takes it: what continues ``api_url``, or the whole URL."""
    parts = urlsplit(profile.base_url)
    base = parts.path.rstrip("/")
    return path.removeprefix(base) if path.startswith(f"{base}/") else f"{parts.scheme}://{parts.netloc}{path}"


def _of_credential(profile: Profile, found: Found) -> str:
    said, advice = WORDS[found.what.name]
    if found.what.name == "EXPIRED":
        said = f"{said}, {found.detail} s before"
    if found.detail and found.what.name == "SIGN_FAILED":
        said = f"{said}: {one_line(found.detail, LONGEST)}"
    advice = advice or _good_one(profile, found)
    return f"{found.place} has {said}; {advice}"


def _good_one(profile: Profile, found: Found) -> str:
    """Say where the good value is that a test is to send."""
    from pytest_apiauth.profile.model import Reference

    own, schemes = profile.credentials, profile.schemes
    name = FIELDS.get(found.what.name, found.kind)
    value = schemes[name].value if name in schemes else getattr(own, name, None)
    if isinstance(value, Reference) and value.env:
        good = f'apiauth_server.environment["{value.env}"]'
        return f"the good one is {good}, and in that variable while apiauth_mock is at work"
    return f"the profile's {name} is {value!r}" if isinstance(value, str) else "apiauth_client sends the good one"


def _of_endpoint(profile: Profile, reason: Reason) -> str:
    told, token = _told(reason), profile.token
    found = [_of_credential(profile, each) for each in reason.found]
    if found:
        return f"{told}: {'; '.join(found)}"
    match reason.error:
        case "invalid_scope":
            return f"{told}: {_of_scope(profile, reason.request)}"
        case "invalid_client":
            return (
                f"{told}; the profile's token.client_auth is {token.client_auth}: {BY_CLIENT_AUTH[token.client_auth]}"
            )
        case "unsupported_grant_type":
            asked = _parameter(reason.request, "grant_type")
            return f"{told}: {asked!r} is asked for, and the profile's [grants] are {_listed([*profile.grants])}"
    if "body" in reason.description.lower() and profile.is_oauth:
        came = one_line((reason.request.header("content-type") or "none").partition(";")[0], LONGEST_TYPE)
        return f'{told}, and its Content-Type is {came}; the profile says token.body = "{token.body}"'
    return told


def _of_scope(profile: Profile, request: Request) -> str:
    from pytest_apiauth.profile.grants import GRANTS

    asked, grant = _parameter(request, "scope"), _parameter(request, "grant_type")
    own = next((name for name in profile.grants if GRANTS[name].grant_type == grant), None)
    # A client on its own gets what is documented for it, and whoever acts for somebody what is documented at all.
    names = [own] if own is not None and GRANTS[own].is_of_client else [*profile.grants]
    scopes = (text for name in names for text in (profile.scope_of(name), profile.answer_of(name).scope))
    known = " ".join(dict.fromkeys(word for text in scopes for word in (text or "").split()))
    return (
        f"it asks for {asked!r}, and the profile has {known!r}; which is known is said by scope in its [token] or in"
        f" [grants{f'.{own}' if own else ''}], for one test by @pytest.mark.apiauth(scope=…)"
    )


def _parameter(request: Request, name: str) -> str:
    """Return what a request to an endpoint says under a name that is no secret's; empty if it says nothing."""
    if "json" in (request.header("content-type") or ""):
        try:
            members = request.json()
        except ValueError:
            return ""
        return one_line(str(members.get(name, ""))) if isinstance(members, dict) else ""
    return one_line(request.form().get(name) or request.params.get(name, ""))


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return f"{', '.join(words[:NAMED])}{more}"

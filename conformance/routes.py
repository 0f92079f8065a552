"""What stands around a credential: methods, spellings of a path, versions of HTTP, and what may be trusted instead."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    REVOKE,
    Answer,
    Api,
    DroppedError,
    FromGateway,
    NotApplicable,
    Role,
    Zone,
    rule,
)

from .content import lacking, never_the_content
from .grid.paths import brief_spellings, is_path, spellings
from .grid.standing import leads, refused_in_turn, with_the_first
from .grid.trusted import BRIEF_TRUSTED, OPEN_PLACES, PARAMETERS, SAID, TRUSTED, URL_FIELDS, USER_FIELDS, bundles
from .parts import protected_zones

LOOK = (
    "What decides by path, method or address before the check of credentials: rules of a proxy, middleware"
    " and routers, each of which may read the same request otherwise."
)


@rule(
    MUST,
    "RFC 9700 4.13",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=(
        "forwarded-for-trusted",
        "forwarded-for-waives-key",
        "host-trusted",
        "open-place-in-header",
        "preflight-field-trusted",
    ),
    look="What trusts X-Forwarded-For and its like: only what your own proxy overwrites may be believed (uvicorn:"
    " --forwarded-allow-ips; nginx: set_real_ip_from). Where it is Host: each name that a server answers to needs the"
    " same check.",
)
def res_proxy_headers(api: Api, zone: Zone) -> None:
    """A header that a proxy would set does not stand in for a credential."""
    for valid, is_whole in with_the_first(api, zone):
        fields = bundles() if is_whole else tuple((field,) for field in BRIEF_TRUSTED)
        if leads(api, zone):
            fields = bundles(alone=True)
        fewer = lacking(api, zone, valid)
        refused_in_turn(api, valid, (fewer[0].with_headers(*several) for several in fields))
        if is_whole:
            with suppress(NotApplicable), api.row():
                user = api.ref(Role.USERNAME)
                api.send(fewer[0].with_headers(*((name, user) for name in USER_FIELDS))).refused()
        brief = (draft.with_headers(field) for field in BRIEF_TRUSTED for draft in fewer[1:])
        api.each(brief, Answer.refused)
        routes: list[tuple[tuple[str, str], ...]]
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(valid.url))
        routes = [tuple((name, value.format(origin=origin)) for name, value in said) for said in SAID if is_whole]
        routes += [row.lines for row in TRUSTED if row.is_about_route and is_whole]
        if leads(api, zone):
            routes += [tuple((name, place) for name in URL_FIELDS) for place in OPEN_PLACES]
        for several in routes:
            with api.row():
                try:
                    answer = api.attempt(fewer[0].with_headers(*several))
                except FromGateway:
                    continue  # it knows of no such host, says so, and no content came
                except DroppedError:
                    # Who serves no such host may end the connection (nginx: return 444).
                    if not any(name == "Host" for name, _ in several):
                        raise
                    api.control(valid)
                    continue
                if answer is not None:
                    never_the_content(answer, zone)


@rule(
    MUST,
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=("debug-switch", "open-place-anywhere"),
    look="Switches that were made for development: debug, test and role parameters in the query or a cookie,"
    " which have no place in the check of credentials.",
)
def res_trusted_parameters(api: Api, zone: Zone) -> None:
    """What the query or a cookie says, of a test run or of somebody's role, does not stand in for a credential."""
    for valid, is_whole in with_the_first(api, zone):
        for pairs in PARAMETERS if is_whole and leads(api, zone) else PARAMETERS[:1]:
            for bare in lacking(api, zone, valid):
                cookie = "; ".join("=".join(pair) for pair in pairs)
                api.each((bare.with_query(*pairs), bare.with_headers(("Cookie", cookie))), Answer.refused)
        if is_whole:
            # With its slashes as they are, which a query may have (RFC 3986 3.4), for who looks for them there.
            url = f"{valid.url}{'&' if '?' in valid.url else '?'}apiauth={','.join(OPEN_PLACES)}"
            with api.row():
                api.send(replace(valid.anonymous(), url=url)).refused()


@rule(
    MUST,
    "RFC 9110 11.4",
    PROFILE,
    applies=protected_zones,
    catches=("method-unprotected", "method-override-unprotected", "method-waives-key", "options-tells-content"),
    safety=REVOKE,
    look="Where methods are told apart: a check in one handler, or for a list of methods (Apache: <Limit>; web.xml:"
    " <http-method>; Django: method_decorator on dispatch), misses others; a method override has to be undone before"
    " it.",
)
def res_all_methods(api: Api, zone: Zone) -> None:
    """Every method of a protected path needs credentials, a method override included."""
    for valid in api.requests(zone):
        bare = valid.anonymous()
        methods = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE", "APIAUTH", "TRACE", *zone.methods))
        drafts = [replace(fewer, method=method) for method in methods for fewer in lacking(api, zone, valid)]
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            drafts += [bare.with_headers((name, method)) for method in ("POST", "DELETE", "OPTIONS", "HEAD")]
        for draft in drafts:
            with api.row():
                answer = api.attempt(draft)
                if answer is None or answer.status in (404, 405, 411, 415, 501):
                    continue
                if draft.method == "TRACE" and answer.response.media_type == "message/http":
                    continue  # the request itself comes back, and no content (RFC 9110 9.3.8)
                if 300 <= answer.status < 400 and not answer.is_refusal:
                    # Where a route is for that method alone, the way there may be told to anybody.
                    answer.advise(False, "a refusal, whatever the method")
                else:
                    answer.refused()
        # OPTIONS may be open, since a browser asks without credentials (Fetch 4.8); its answer tells no content.
        with api.row():
            answer = api.attempt(replace(bare, method="OPTIONS"))
            if answer is not None:
                never_the_content(answer, zone)


@rule(
    MUST,
    "RFC 9110 11.4",
    "RFC 3986 6.2.2",
    PROFILE,
    applies=protected_zones,
    catches=(
        "spelling-unprotected",
        "spelling-unprotected-stamped",
        "spelling-unprotected-listed",
        "spelling-unprotected-respelt",
        "spelling-unprotected-others",
        "spelling-of-file-unprotected",
    ),
    wire=True,
    look="The layer that decides by path: a proxy's location, or code that looks at the raw path (Java: getRequestURI,"
    " not getServletPath), sees another spelling than the router; decide behind the router, or normalise once, before"
    " both.",
)
def res_path_variants(api: Api, zone: Zone) -> None:
    """A protected path keeps its protection however it is spelt."""
    for valid, is_whole in with_the_first(api, zone):
        path = urlsplit(valid.url).path
        # Its own URL as the target (RFC 9112 3.2.2) is another spelling of it too.
        for target in (*spellings(path), valid.url) if is_whole else brief_spellings(path):
            with api.row():
                try:
                    answer = api.attempt(replace(valid.anonymous(), target=target))
                except DroppedError:
                    # What is no path at all (RFC 9112 3.2) need not be answered; whoever ends there tells no content.
                    if is_path(target):
                        raise
                    api.control(valid)
                    continue
                if answer is not None:
                    never_the_content(answer, zone)


@rule(
    MUST,
    "RFC 9110 2.5",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches="old-version-trusted",
    wire=True,
    look="The proxy's rules for HTTP/1.0 and for Connection: close, and whatever reads the version of the"
    " request before the credential.",
)
def res_http_versions(api: Api, zone: Zone) -> None:
    """HTTP/1.0, and a connection that ends with the answer, change nothing about who is let in."""
    for valid in api.requests(zone):
        for how, flags in (({"version": "1.0"}, ("--http1.0",)), ({"close": True}, ("-H", "'Connection: close'"))):
            with api.connected(valid) as send:
                good = send(valid, **how)
                if good.status in (426, 505):
                    continue  # the version itself is refused (RFC 9110 15.5.22, 15.6.6)
                good.advise(200 <= good.status < 300, "the valid request answered in HTTP/1.0 too")
            with api.connected(valid) as send:
                send(replace(valid.anonymous(), flags=flags), **how).refused()

"""Nothing of an authorised request is carried over to the next one: no answer, no session, no user of a connection."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from urllib.parse import urlsplit

from pytest_apiauth.rules import (
    ISSUE,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    OutOfReach,
    Parts,
    Ref,
    Zone,
    rule,
)

from .content import lacking, never_the_content
from .grid.standing import with_the_first
from .parts import issued_token_zones, protected_zones

LOOK = (
    "What outlives a request: caches before the app, session middleware, and state of a thread, a process or"
    " a connection."
)


logins_of_zones = Parts(
    "no zone with a probe needs an issued token of the usual grant",
    lambda profile: (
        {profile.usual_grant: profile.usual_grant} if profile.usual_grant and issued_token_zones.find(profile) else {}
    ),
)


@rule(
    MUST,
    "RFC 9111 3.5",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=("answer-shared", "answer-cacheable", "file-shared"),
    look="The cache before the app: Cache-Control: private or no-store, or a key with the credential in it (Django: no"
    " cache_page over an authenticated view). One that keeps what ends like a file keeps /me/x.css too.",
)
def res_not_shared_cacheable(api: Api, zone: Zone) -> None:
    """An authorised answer is kept for nobody else, not even as a file: who asks next without one is refused."""
    for valid, is_whole in with_the_first(api, zone):
        answer = api.send(valid).accepted()
        for draft in (valid.anonymous(), valid.editing_all(Edit("reverse"))):
            with api.row():
                refused = api.attempt(draft)
                if refused is not None:
                    refused.refused()
                    refused.advise(refused.response.header("age") in (None, "0"), "no Age header on a refusal")
        directives = {
            part.strip().lower().partition("=")[0]
            for line in answer.response.header_lines("cache-control")
            for part in line.split(",")
        }
        for directive in ("public", "s-maxage"):
            words = f"no Cache-Control: {directive} on an authorised answer"
            answer.advise(directive not in directives, words, f"Cache-Control with {directive}")
        for end, pairs in _files(api) if is_whole else ():
            _like_a_file(api, zone, valid, end, pairs)


def _files(api: Api) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return ends by which a cache takes an answer for that of a file, while many an app reads the path before them.

    Of a name that no run before had: what a cache keeps of one stays there for a while.
    """
    name = api.once("a name for a file", lambda: f"apiauth-{token_hex(4)}")
    return (f"/{name}.css", ()), (".css", ((name, "1"),))


def _like_a_file(api: Api, zone: Zone, valid: Draft, end: str, pairs: tuple[tuple[str, str], ...]) -> None:
    """Require that what a path that ends like a file's answers to one is not what everybody gets there then."""
    parts = urlsplit(valid.url)
    url = parts._replace(path=parts.path.rstrip("/") + end).geturl()
    with api.row():
        mine = api.attempt(replace(valid, url=url).with_query(*pairs))
        bare = replace(valid.anonymous(), url=url).with_query(*pairs)
        answer = api.attempt(bare) if mine is not None and mine.succeeds else None
        if answer is not None:
            never_the_content(answer, zone)


@rule(
    SHOULD,
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches="cookie-session",
    look="Session middleware: a request that authenticated by token should begin no session (Django REST"
    " framework: drop SessionAuthentication; Flask-Login: no login_user in an API).",
)
def res_no_cookie_carry(api: Api, zone: Zone) -> None:
    """A cookie set by an authorised answer does not stand in for the credential afterwards."""
    for valid in api.requests(zone):
        stands_in_for_nothing(api, zone, valid, api.send(valid).accepted())


@rule(
    SHOULD,
    PROFILE,
    "RFC 9110 11.4",
    applies=logins_of_zones,
    catches=("login-session", "login-session-beside-key"),
    safety=ISSUE,
    look="What the login does beside giving a token: one for scripts begins no session, or the API takes none"
    " (Django: no login() in the view; Flask-Security: auth_required('token') alone).",
)
def tok_no_cookie_carry(api: Api, grant: GrantType) -> None:
    """A cookie set by a token answer does not stand in for the token afterwards."""
    answer = api.send(api.token_request(grant)).issued()
    issued = [name for name, kind in api.profile.kinds.items() if kind.is_issued]
    for zone in issued_token_zones.find(api.profile).values():
        with suppress(OutOfReach):
            for valid in api.requests(zone, *issued):
                stands_in_for_nothing(api, zone, valid, answer)


def stands_in_for_nothing(api: Api, zone: Zone, valid: Draft, answer: Answer) -> None:
    """Require that the cookies of an answer, beside what is left of a valid request, do not stand in for the rest."""
    # A credential in a cookie may be given anew, and is one then.
    places = [api.profile.kinds[kind].place for kind in zone.kinds]
    own = {place.name for place in places if place.where == "cookie"}
    cookies = [(name, value) for name, value in answer.cookies_for(valid.url) if name not in own]
    if not cookies:
        api.send(valid.anonymous()).refused()
        return
    line: list[str | Ref] = []
    for number, (name, value) in enumerate(cookies, 1):
        line += [f"{'; ' if line else ''}{name}=", api.keep(f"COOKIE_{number}", value)]
    # One line of cookies is all that a request has (RFC 6265 5.4).
    bare = [
        each for each in lacking(api, zone, valid) if all(good.place.where != "cookie" for good in each.credentials)
    ]
    api.each((each.with_headers(("Cookie", tuple(line))) for each in bare), Answer.refused)


@rule(
    MUST,
    "RFC 9110 3.3",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches="connection-remembered",
    wire=True,
    look="State that outlives a request: thread locals, globals and per-connection objects hold the last"
    " user; use the request's own state (Flask: g, contextvars).",
)
def res_no_connection_carry(api: Api, zone: Zone) -> None:
    """A connection that has carried a good credential gives the next request on it no credit."""
    for valid in api.requests(zone):
        bare = replace(valid.anonymous(), after=valid)
        wrong = replace(valid.editing_all(Edit("reverse")), after=valid)
        with api.connected(valid) as send:
            for draft in (valid, bare, wrong, valid, bare):
                answer = send(draft)
                if draft is valid:
                    answer.accepted()
                else:
                    answer.refused()

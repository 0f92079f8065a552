"""Nothing of an authorised request is carried over to the next one: no answer, no session, no user of a connection."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.rules import ISSUE, MUST, PROFILE, SHOULD, Answer, Api, Draft, Edit, NotApplicable, Zone, rule

from .parts import TOKENS, issued_token_zones, protected_zones

LOOK = (
    "What outlives a request: caches before the app, session middleware, and state of a thread, a process or"
    " a connection."
)


@rule(
    MUST,
    "RFC 9111 3.5",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=("answer-shared", "answer-cacheable"),
    look="The cache before the app: an answer to a request with Authorization takes Cache-Control: private"
    " or no-store, or a cache key with the credential in it (Django: never cache_page over an"
    " authenticated view).",
)
def res_not_shared_cacheable(api: Api, zone: Zone) -> None:
    """An authorised answer is not kept for others: right after it, a request without credentials is refused."""
    for valid in api.requests(zone):
        answer = api.send(valid).accepted()
        for draft in (valid.anonymous(), valid.editing_all(Edit("reverse"))):
            with api.row():
                refused = api.attempt(draft)
                if refused is not None:
                    refused.refused()
                    refused.advise(refused.response.header("age") is None, "no Age header on a refusal")
        directives = {
            part.strip().lower().partition("=")[0]
            for line in answer.response.header_lines("cache-control")
            for part in line.split(",")
        }
        for directive in ("public", "s-maxage"):
            words = f"no Cache-Control: {directive} on an authorised answer"
            answer.advise(directive not in directives, words, f"Cache-Control with {directive}")


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
        opens_nothing(api, valid, api.send(valid).accepted())


@rule(
    SHOULD,
    PROFILE,
    "RFC 9110 11.4",
    applies=issued_token_zones,
    catches="login-session",
    safety=ISSUE,
    look="What the login does beside giving a token: one for scripts begins no session, or the API takes none"
    " (Django: no login() in the view; Flask-Security: auth_required('token') alone).",
)
def tok_no_cookie_carry(api: Api, zone: Zone) -> None:
    """A cookie set by a token answer does not stand in for the token, as a browser would send it from any page."""
    grant = api.profile.usual_grant
    if grant is None:
        raise NotApplicable("the profile has no grant")
    answer = api.send(api.token_request(grant)).issued()
    for valid in api.requests(zone, *TOKENS):
        opens_nothing(api, valid, answer)


def opens_nothing(api: Api, valid: Draft, answer: Answer) -> None:
    """Require that the cookies which an answer sets, and no cookies, are refused where a request is good."""
    cookies = [line.partition(";")[0].strip() for line in answer.response.header_lines("set-cookie")]
    # A credential in a cookie may be given anew, and is one then.
    own = {kind.place.name for kind in api.profile.kinds.values() if kind.place.where == "cookie"}
    cookies = [cookie for cookie in cookies if cookie.partition("=")[0].strip() not in own]
    bare = valid.anonymous()
    api.send(bare.with_headers(("Cookie", api.keep("COOKIES", "; ".join(cookies)))) if cookies else bare).refused()


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

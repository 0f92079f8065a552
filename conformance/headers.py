"""Where a credential stands, and how its header is spelt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pytest_apiauth.rules import (
    ISSUE,
    ITSELF,
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Base64,
    Credential,
    Draft,
    Edit,
    GrantType,
    NotApplicable,
    Part,
    Parts,
    Role,
    Text,
    Zone,
    draws,
    rule,
)

from . import strategies as some
from .client_authentication import open_to_nobody
from .grid.inert import NO_CONTENT, inert_beside, inert_together
from .grid.places import elsewhere
from .grid.standing import TOGETHER, is_usual, may_guess, probes, refused_in_turn, with_the_first
from .grid.trusted import BRIEF_TRUSTED, TRUSTED
from .parts import (
    BASIC,
    TOKENS,
    all_zones,
    has_known_scheme,
    header_zones,
    hidden_token_zones,
    is_hidden,
    protected_zones,
    scheme_zones,
    schemes_in,
    secret_clients,
    token_zones,
    tokens_of,
    unattended_logins,
    usual_basic_client,
)

LOOK = (
    "The code that finds the credential in the request: which header, in which spelling, and what it does"
    " when there are two."
)

WRONG = Edit("reverse")
CASE_MASKS: tuple[Callable[[int], bool], ...] = (
    lambda place: place == 0,
    lambda place: place > 0,
    lambda place: place % 2 == 0,
)
"""Which letters of a word are in the other case, so that it is small, large, or a mixture."""

cors_zones = Parts(
    "the document names no origins for browsers",
    lambda profile: protected_zones.find(profile) if profile.allowed_origins else {},
)


@rule(
    SHOULD,
    "RFC 9110 11.1",
    "RFC 7617 2",
    applies=scheme_zones,
    catches="scheme-case-sensitive",
    look="The comparison of the scheme is case-sensitive; compare scheme.lower() with 'bearer' or 'basic'"
    " (RFC 9110 11.1).",
)
def hdr_scheme_case(api: Api, zone: Zone) -> None:
    """The word of the scheme before a token, such as Bearer, works in any case, and so does Basic."""
    kinds = tuple(name for name, row in api.profile.kinds.items() if has_known_scheme(row))
    for valid in api.requests(zone, *kinds):
        for good in (each for each in valid.credentials if each.kind in kinds):
            for mask in CASE_MASKS:
                with api.row():
                    api.send(valid.holding(spelt(good, mask))).like_control()


@rule(
    SHOULD,
    "RFC 9110 11.1",
    "RFC 7617 2",
    applies=usual_basic_client,
    catches="client-scheme-case-sensitive",
    safety=ISSUE,
    look="The comparison of the scheme at the token endpoint is case-sensitive; compare scheme.lower() with"
    " 'basic' (RFC 9110 11.1).",
)
def tok_scheme_case(api: Api, grant: GrantType) -> None:
    """The word Basic before a client's id and secret works in any case."""
    valid = api.token_request(grant)
    for mask in CASE_MASKS:
        with api.row():
            api.send(valid.holding(spelt(valid.credential("client"), mask))).issued()


def spelt(good: Credential, mask: Callable[[int], bool]) -> Credential:
    """Return a credential whose word has the letters at some places in the other case."""
    letters = enumerate(good.place.prefix)
    prefix = "".join(letter.swapcase() if mask(place) else letter for place, letter in letters)
    return replace(good, place=replace(good.place, prefix=prefix))


@rule(
    MUST,
    "RFC 9110 5.1",
    applies=all_zones,
    catches=("extra-header-refused", "content-type-on-get-refused"),
    look="A validator of headers or a web application firewall: what it does not know, or a Content-Type on"
    " a GET, is no reason to refuse.",
)
@draws(name=some.header_names, value=some.header_values)
def hdr_unrelated_inert(api: Api, zone: Zone, name: str, value: str) -> None:
    """A header that has nothing to do with authentication changes nothing."""
    extra = (name, "application/json" if name == "Content-Type" else value)
    for valid, is_whole in with_the_first(api, zone):
        api.send(valid.with_headers(extra)).like_control()
        if zone.is_protected and is_whole:
            api.send(valid.anonymous().with_headers(extra)).refused(again=False)


@rule(
    MUST,
    "RFC 9110 5.1",
    PROFILE,
    applies=all_zones,
    catches=(
        "session-cookie-preferred",
        "unknown-query-refused",
        "session-excuses-wrong",
        "forwarded-for-excuses-wrong",
    ),
    look="The order of authentication: a session cookie or a forwarded header beside the documented"
    " credential must neither win over it nor excuse a wrong one.",
)
def hdr_inert(api: Api, zone: Zone) -> None:
    """What browsers, proxies and caches add to a request lets nobody in, and keeps nobody out."""
    for valid, is_whole in with_the_first(api, zone):
        for thing, draft in inert_beside(valid, brief=not (is_whole and zone.is_protected)):
            with api.row():
                answer = api.attempt(draft)
                if answer is None or answer.status in NO_CONTENT:
                    continue
                if thing.in_query:
                    # A server may be strict about parameters that it does not know.
                    answer.advise(answer.succeeds, "success beside a parameter that nobody knows")
                else:
                    answer.like_control()
        # A wrong token or key locks nobody out; a wrong password may.
        if zone.is_protected and is_whole and all(may_guess(api, good) for good in valid.credentials):
            wrong = valid.editing_all(WRONG)
            drafts = [draft for _, draft in inert_beside(wrong, brief=True)]
            refused_in_turn(api, valid, [*drafts, *(wrong.with_headers(field) for field in BRIEF_TRUSTED)])
        if zone.is_protected:
            bare = valid.anonymous()
            is_alone = is_whole and zone == next(iter(protected_zones.find(api.profile).values()))
            one_by_one = (draft for _, draft in inert_beside(bare))
            refused_in_turn(api, valid, one_by_one if is_alone else inert_together(bare))


@rule(
    MUST,
    "RFC 9110 5.1",
    "RFC 6749 3.2",
    PROFILE,
    applies=unattended_logins,
    catches=("proxied-refused", "accept-needed"),
    safety=ISSUE,
    look="What the token endpoint looks at beside its parameters: Accept, Origin, cookies and forwarded"
    " headers decide nothing there.",
)
def tok_inert(api: Api, grant: GrantType) -> None:
    """What browsers, proxies and caches add to a token request changes nothing about the token."""
    valid = api.token_request(grant)
    for thing, draft in inert_beside(valid, brief=not is_usual(api, grant)):
        with api.row():
            # What stands in the URL of a token request is refused by some good servers, whatever it is.
            answer = None if thing.in_query else api.attempt(draft)
            if answer is not None:
                answer.issued()
    with api.row():
        bare = api.send(replace(valid.without_header("Accept"), flags=("-H", "Accept:")))  # which curl adds by itself
        bare.advise(bare.has_token, "a token for a request without Accept, which takes anything (RFC 9110 12.5.1)")


@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 9700 4.13",
    PROFILE,
    applies=secret_clients,
    catches="proxied-client-excused",
    safety=LOCKOUT,
    look="Exceptions for calls from inside: an address or a header that a proxy sets replaces no client"
    " secret, since anybody can send it.",
)
def tok_inert_refused(api: Api, grant: GrantType) -> None:
    """A wrong secret stays wrong beside what browsers and proxies add, and beside what says who somebody is."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    wrong = valid.editing(valid.carried(Role.CLIENT_SECRET), WRONG)
    drafts = [draft for thing, draft in inert_beside(wrong, brief=True) if not thing.in_query]
    rows = list(TRUSTED) if is_usual(api, grant) else []
    drafts += [wrong.with_headers(*row.lines) for row in rows] or [wrong.with_headers(field) for field in BRIEF_TRUSTED]
    # By another host, or another path, anything may come that is no token.
    elsewhere = {wrong.with_headers(*row.lines) for row in rows if row.is_about_route}
    for number, draft in enumerate(drafts):
        if number > len(BRIEF_TRUSTED) and api.spares(len(drafts) - number):
            break
        with api.row():
            api.send(draft).no_token(cause, is_due=draft not in elsewhere, again=number % TOGETHER == 0)
    api.control(valid)


@rule(
    SHOULD,
    "RFC 9110 5.3",
    "RFC 9110 11.6.2",
    PROFILE,
    applies=header_zones,
    catches="duplicate-last-wins",
    wire=True,
    look="How two header lines of one name are read: the first, the last, or joined by a comma; two"
    " credentials are a 400 or 401, whichever of them is good.",
)
def hdr_duplicate_credential(api: Api, zone: Zone) -> None:
    """A bad credential in a header in front of a good one of the same kind is not overlooked."""
    for valid in api.requests(zone):
        # Which of two parameters or cookies counts, no standard says: the last one does for half of the frameworks.
        for good in (each for each in valid.credentials if each.place.where == "header"):
            bad, alone = good.editing(WRONG), valid.without(good.kind)
            with api.row():
                bad_first = api.attempt(alone.adding(bad, good))
                if bad_first is not None:
                    bad_first.refused()
                    usual = api.send(alone.adding(bad)).refused()
                    lacks = bad_first.status == 401 and not _challenges(bad_first) and _challenges(usual)
                    bad_first.advise(not lacks, "a challenge with the 401, as with the bad one alone", "none")
            if not may_guess(api, good):
                continue  # that would be one more wrong password
            with api.row():
                # The same to whoever takes several lines for one (RFC 9110 5.3).
                listed = api.attempt(valid.dressed(good.kind, (*_parts(bad.text), ", ", *_parts(good.text))))
                if listed is not None and listed.is_admitted:
                    words = "a refusal of a bad and a good credential in one line, with a comma between"
                    listed.unless_open().advise(False, words)


def _parts(text: Text) -> tuple[Part, ...]:
    return text if isinstance(text, tuple) else (text,)


def _challenges(answer: Answer) -> bool:
    return answer.response.header("www-authenticate") is not None


@rule(
    SHOULD,
    "RFC 9700 4.3.2",
    "RFC 6750 2.3",
    applies=hidden_token_zones,
    catches="token-from-query",
    look="The token reader's fallback to the query: switch it off (flask-jwt-extended: JWT_TOKEN_LOCATION;"
    " oauthlib takes access_token of a query too); URLs end in logs.",
)
def tok_in_url_refused(api: Api, zone: Zone) -> None:
    """A token in the query of the URL, where it ends in logs, authenticates nothing."""
    for valid in api.requests(zone, *tokens_of(api.profile, is_hidden)):
        bare = valid.without(valid.token_kind)
        names = ("access_token", "token", "bearer", "auth", "auth_token", "jwt", "api_token", "Authorization")
        refused_in_turn(api, valid, (bare.with_query((name, valid.token)) for name in names))


@rule(
    SHOULD,
    "RFC 6750 2",
    PROFILE,
    applies=token_zones,
    catches=("token-from-header", "token-from-cookie"),
    look="The token reader's list of places: only those that are documented (flask-jwt-extended:"
    " JWT_TOKEN_LOCATION = ['headers']).",
)
def tok_elsewhere(api: Api, zone: Zone) -> None:
    """A token in a header or a cookie that the document does not name authenticates nothing."""
    taken = {good.name.lower() for good in map(api.credential, zone.kinds) if good.place.where != "query"}
    for kind, valid in probes(api, zone, TOKENS):
        bare, spoilt = valid.without(kind), valid.editing(valid.token, WRONG)
        refused_in_turn(api, valid, elsewhere(bare, valid.token, taken))
        refused_in_turn(api, valid, elsewhere(spoilt, valid.token, taken))
        if BASIC not in schemes_in(api.profile, zone):
            # Some APIs take a token for the user name of Basic; whoever does should say so.
            as_name = bare.with_headers(("Authorization", ("Basic ", Base64((valid.token, ":")))))
            with suppress(NotApplicable), api.row():  # it is a wrong password too, of which few may be sent
                answer = api.send(as_name)
                answer.advise(not answer.is_admitted, "a refusal of a token sent as Basic")


@rule(
    SHOULD,
    "RFC 6750 2",
    "RFC 6750 3.1",
    applies=hidden_token_zones,
    catches="query-token-beats-header",
    look="The order in which the token reader tries places: a bad credential in the documented place is the"
    " end, no reason to look further.",
)
def tok_two_places(api: Api, zone: Zone) -> None:
    """A good token in the query does not rescue a bad one in its documented place."""
    for valid in api.requests(zone, *tokens_of(api.profile, is_hidden)):
        spoilt = valid.editing(valid.token, WRONG).with_query(("access_token", valid.token))
        api.send(spoilt).refused()


@rule(
    MUST,
    "RFC 9110 5.1",
    PROFILE,
    applies=header_zones,
    catches="header-name-case-sensitive",
    look="How the header is looked up: by the framework's case-insensitive mapping, not in a plain dict of"
    " raw names (ASGI scopes have them in lower case).",
)
@draws(mask=some.name_masks)
def hdr_name_case(api: Api, zone: Zone, mask: list[bool]) -> None:
    """The name of a credential's header works in any case."""

    def masked(good: Credential) -> Credential:
        head = "".join(letter.swapcase() if flip else letter for letter, flip in zip(good.name, mask, strict=False))
        spelt = replace(good.place, name=head + good.name[len(mask) :])
        return replace(good, place=spelt) if good.place.where == "header" else good

    for valid in api.requests(zone):
        altered = replace(valid, credentials=tuple(masked(good) for good in valid.credentials))
        api.send(altered).like_control()


@rule(
    SHOULD,
    PROFILE,
    applies=cors_zones,
    catches=("preflight-needs-credentials", "cors-any-origin"),
    control=ITSELF,
    look="The CORS middleware stands outside of authentication, answers OPTIONS without it, and names the"
    " documented origins (Starlette: added last; Django: CorsMiddleware first).",
)
def cors_preflight(api: Api, zone: Zone) -> None:
    """A browser's preflight needs no credentials, and permits documented origins what they need, and no others."""
    origins = api.profile.allowed_origins
    for valid in api.requests(zone):
        names = {good.name.lower() for good in valid.credentials if good.place.where == "header"}
        # The header fields of a preflight make no preflight of another method (Fetch standard, 4.8).
        for origin in origins:
            with api.row():
                lookalike = (("Origin", origin), ("Access-Control-Request-Method", "GET"))
                api.send(valid.anonymous().with_headers(*lookalike)).refused()
        for origin in (*origins, "null", "https://apiauth.invalid", *(f"{known}.apiauth.invalid" for known in origins)):
            with api.row():
                fields = [("Access-Control-Request-Headers", ", ".join(sorted(names)))] if names else []
                asked = (("Origin", origin), ("Access-Control-Request-Method", "GET"), *fields)
                answer = api.send(Draft("OPTIONS", valid.url, asked))
                permitted = answer.response.header("access-control-allow-origin")
                if origin in origins:
                    answer.require(answer.status not in (401, 403), "a preflight answered without credentials")
                    answer.require(permitted in (origin, "*"), f"Access-Control-Allow-Origin: {origin}", str(permitted))
                    answer.advise(200 <= answer.status < 300, "a 2xx status, without which a browser stops here")
                    lacking = _forbidden(answer, names)
                    answer.advise(not lacking, f"Access-Control-Allow-Headers with {', '.join(lacking)}", "none of it")
                else:
                    words = "no permission for another origin"
                    answer.require(permitted != origin, words, f"permission for {permitted}")
                credentials = answer.response.header("access-control-allow-credentials")
                is_wide = (permitted, credentials) == ("*", "true")
                answer.require(not is_wide, "no wildcard origin together with credentials")


@rule(
    SHOULD,
    PROFILE,
    applies=protected_zones,
    catches="cors-reflects-origin",
    look="The CORS middleware repeats any Origin beside Access-Control-Allow-Credentials: list the origins,"
    " and never allow all of them with credentials.",
)
def cors_reflected(api: Api, zone: Zone) -> None:
    """A page of an origin that nobody knows may not read what a browser's own credentials have opened."""
    for valid, is_first in with_the_first(api, zone):
        for origin in ("https://apiauth.example", "null") if is_first else ():
            answer = api.send(valid.with_headers(("Origin", origin)))
            names = ("access-control-allow-origin", "access-control-allow-credentials")
            is_let = [answer.response.header(name) for name in names] == [origin, "true"]
            answer.require(not is_let, f"no permission for {origin} to read with credentials", "one")


def _forbidden(answer: Answer, names: set[str]) -> list[str]:
    """Return which of the header fields a preflight does not permit; ``*`` does not mean Authorization."""
    lines = answer.response.header_lines("access-control-allow-headers")
    permitted = {name.strip().lower() for line in lines for name in line.split(",")}
    return sorted(names - permitted if "*" not in permitted else names & {"authorization"} - permitted)

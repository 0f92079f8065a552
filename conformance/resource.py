"""Missing or invalid credentials at a protected resource."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.auth.drafts import Draft, Part, Ref, parts_of
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.messages import Response
from pytest_apiauth.profile.model import Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, draws, rule
from pytest_apiauth.suite.api import Answer, Exchange
from pytest_apiauth.suite.challenges import Challenge, parse

from . import strategies as some
from .parts import TOKENS, authorization_zones, protected_zones, token_zones

REPETITIONS = 12
"""How often the cheapest bad request of a zone is repeated, each time between two good ones."""
IN_A_ROW = 5
"""How often after that without a good one."""
NEEDS = (PROFILE, "RFC 9110 11.4", "JI-02", "JI-03", "JI-04", "DI-01", "DA-17")


def token_of(draft: Draft) -> str:
    """Name the bearer token that a valid request carries."""
    return next(name for name in sorted(draft.names) if name.endswith("ACCESS_TOKEN"))


def challenges_of(answer: Answer) -> list[Challenge]:
    """Read the challenges of an answer; empty where they cannot be read."""
    try:
        return parse(answer.response.header_lines("www-authenticate"))
    except ValueError:
        return []


@rule(
    "res-no-cred-401", level=Level.MUST, safety=Safety.READ_ONLY,
    sources=("RFC 9110 15.5.2", "DA-17", "DI-01", "JI-02", "JI-03", "JI-04", PROFILE),
    applies=protected_zones, control=Control.TWIN, faults=("zone-open", "refusal-redirects", "refusal-succeeds"),
)  # fmt: skip
def no_credentials(exchange: Exchange, zone: Zone) -> None:
    """A protected resource refuses a request without credentials, with 401."""
    documented = exchange.profile.unauthenticated
    for valid in exchange.requests(zone):
        for method in ("GET", "HEAD"):
            with exchange.row():
                answer = exchange.send(replace(valid, method=method, headers=()), twin=valid)
                if method == "HEAD" and answer.status in (404, 405, 501):
                    continue
                answer.refused()
                if documented is not None:
                    answer.require(answer.status == documented, f"the documented status {documented}")
                answer.advise(answer.status == 401, "401 where no credential was sent")


@rule(
    "res-401-challenge", level=Level.SHOULD, safety=Safety.READ_ONLY,
    sources=("RFC 9110 11.6.1", "RFC 9110 15.5.2", "RFC 6750 3"),
    applies=protected_zones, control=Control.TWIN, faults=("challenge-missing",),
)  # fmt: skip
def challenge_with_401(exchange: Exchange, zone: Zone) -> None:
    """A 401 carries at least one challenge that can be parsed."""
    for valid in exchange.requests(zone):
        altered = [replace(valid, headers=())]
        altered += [valid.editing(name, Edit("reverse")) for name in sorted(valid.names)]
        for draft in altered:
            with exchange.row():
                answer = exchange.attempt(draft, twin=valid)
                if answer is not None and answer.refused().status == 401:
                    lines = answer.response.header_lines("www-authenticate")
                    answer.require(bool(lines), "a WWW-Authenticate header with the 401", "a 401 without one")
                    schemes = {challenge.scheme for challenge in challenges_of(answer)}
                    answer.require(bool(schemes), "a challenge by the grammar of RFC 9110 11.6.1", str(lines))
                    # RFC 7617 2: nothing but Basic opens the zone, so a client has to be told of it.
                    is_fit = zone.kinds != {"basic"} or "basic" in schemes
                    answer.advise(is_fit, "a Basic challenge where Basic is lacking", f"challenges {sorted(schemes)}")


@rule(
    "res-challenge-content", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("RFC 6750 3", "RFC 6750 3.1"),
    applies=token_zones, control=Control.TWIN, faults=("challenge-bare", "challenge-error-without-token"),
)  # fmt: skip
def challenge_content(exchange: Exchange, zone: Zone) -> None:
    """A Bearer challenge has a parameter, and an error code only where a token was sent."""
    for valid in exchange.requests(zone, *TOKENS):
        bare = exchange.send(valid.without_header("Authorization"), twin=valid).refused()
        wrong = exchange.send(valid.editing(token_of(valid), Edit("reverse")), twin=valid).refused()
        # RFC 6750 3 names the scheme; a zone that takes something else as well may ask for that instead.
        schemes = {challenge.scheme for challenge in challenges_of(bare)}
        is_fit = not schemes or bare.status != 401 or "bearer" in schemes or "basic" in zone.kinds
        bare.advise(is_fit, "a Bearer challenge where a token is lacking", f"challenges {sorted(schemes)}")
        for answer in (bare, wrong):
            for challenge in challenges_of(answer):
                if challenge.scheme == "bearer":
                    answer.require(bool(challenge.parameters), "at least one parameter in the Bearer challenge")
                    if answer is bare:
                        answer.require("error" not in challenge.parameters, "no error code where no token was sent")
                    else:
                        code = challenge.parameters.get("error")
                        answer.advise(code == "invalid_token", 'error="invalid_token" for an unknown token', str(code))


@rule(
    "res-garbage-token", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 6750 3.1", *NEEDS),
    applies=token_zones, control=Control.TWIN, faults=("token-any-accepted",),
)  # fmt: skip
@draws(edit=some.strangers)
def garbage_token(exchange: Exchange, zone: Zone, edit: Edit) -> None:
    """A well-formed token that nobody issued is refused."""
    for valid in exchange.requests(zone, *TOKENS):
        exchange.send(valid.editing(token_of(valid), edit), twin=valid).refused()


@rule(
    "res-mutated-token", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 6750 3.1", "RFC 6749 10.3", *NEEDS),
    applies=token_zones, control=Control.TWIN, faults=("token-prefix-compare",),
)  # fmt: skip
@draws(some.NEAR_MISSES_FIRST, edit=some.near_misses)
def mutated_token(exchange: Exchange, zone: Zone, edit: Edit) -> None:
    """A near miss of a valid token is no token."""
    for valid in exchange.requests(zone, *TOKENS):
        exchange.send(valid.editing(token_of(valid), edit), twin=valid).refused()


@rule(
    "res-token-case", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 6749 1.9", *NEEDS),
    applies=token_zones, control=Control.TWIN, faults=("token-case-folded",),
)  # fmt: skip
@draws(some.CASES_FIRST, edit=some.case_changes)
def token_case(exchange: Exchange, zone: Zone, edit: Edit) -> None:
    """A token with the case of its letters changed is another token."""
    for valid in exchange.requests(zone, *TOKENS):
        exchange.send(valid.editing(token_of(valid), edit), twin=valid).refused()


@rule(
    "res-token-wildcard", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 6750 3.1", *NEEDS),
    applies=token_zones, control=Control.TWIN, faults=("token-sql-like",),
)  # fmt: skip
@draws(edit=some.wildcards)
def token_wildcard(exchange: Exchange, zone: Zone, edit: Edit) -> None:
    """A token is compared as text: never as a pattern, never as a number or a null."""
    for valid in exchange.requests(zone, *TOKENS):
        exchange.send(valid.editing(token_of(valid), edit), twin=valid).refused()


@rule(
    "res-malformed-header", level=Level.MUST, safety=Safety.READ_ONLY,
    sources=("RFC 9110 11.4", "RFC 6750 2.1", *NEEDS),
    applies=authorization_zones, control=Control.TWIN,
    faults=("scheme-ignored", "bearer-glued", "bearer-quotes-stripped", "foreign-scheme-trusted"),
)  # fmt: skip
def malformed_header(exchange: Exchange, zone: Zone) -> None:
    """A wrong credential stays wrong behind any word and in any dress; a good one so dressed is best refused too."""
    for valid in exchange.requests(zone, "basic") if "basic" in zone.kinds else ():
        # No quotes and no words: there are decoders that pass over what is not base64.
        pair = parts_of(exchange.header("basic")[1])[-1]
        # A stranger's pair is wrong too, and locks nobody out.
        _dressed_up(exchange, valid, pair, PAIR_DRESSES, "USERNAME", Edit("whole", text="apiauth-nobody-5R8"))
    for valid in exchange.requests(zone, *TOKENS) if {*TOKENS} & zone.kinds else ():
        name = token_of(valid)
        _dressed_up(exchange, valid, Ref(name), TOKEN_DRESSES, name, Edit("reverse"))
        with exchange.row():
            exchange.send(valid.with_header("Authorization", "Bearer"), twin=valid).refused()


PAIR_DRESSES: Final = (("", ""), ("Basic", ""), ("Bearer ", ""), ("Digest ", ""), ("BasicX ", ""))
TOKEN_DRESSES: Final = (
    ("", ""), ("Bearer", ""), ("Bearer=", ""), ("Bearer:", ""), ("Basic ", ""), ("Digest ", ""), ("BearerX ", ""),
    ("Negotiate ", ""), ('Bearer "', '"'), ("Bearer '", "'"), ("Bearer ", " x"), ("Bearer ", ",x"),
    ("Bearer token=", ""),
)  # fmt: skip
"""What stands before and behind a credential, instead of its scheme and a blank."""


def _dressed_up(
    exchange: Exchange, valid: Draft, credential: Part, dresses: tuple[tuple[str, str], ...], name: str, spoilt: Edit
) -> None:
    """Send a good credential in each dress, which applications often see through, and then a wrong one."""
    for before, after in dresses:
        good = valid.with_header("Authorization", (before, credential, after))
        with exchange.row():
            answer = exchange.attempt(good, twin=valid)
            if answer is not None:
                answer.advise(
                    not answer.is_admitted, "a refusal of a good credential that is not written as documented"
                )
        with exchange.row():
            answer = exchange.attempt(good.editing(name, spoilt), twin=valid)
            if answer is not None:
                answer.refused(proved_again=False)
    exchange.proved_again(valid)


@rule(
    "res-proxy-headers", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9700 4.13", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("forwarded-for-trusted", "forwarded-for-waives-key"),
)  # fmt: skip
def proxy_headers(exchange: Exchange, zone: Zone) -> None:
    """A header that a proxy would set does not stand in for a credential."""
    for valid in exchange.requests(zone):
        for name, value in (
            ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"),
            ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-For", "192.168.0.1"), ("X-Forwarded-For", "::1"),
            ("X-Client-IP", "127.0.0.1"), ("True-Client-IP", "127.0.0.1"),
            ("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"), ("Remote-User", "admin"),
            ("X-Original-URL", "/"), ("X-Rewrite-URL", "/"),
        ):  # fmt: skip
            for fewer in lacking(exchange, zone, valid):
                with exchange.row():
                    exchange.send(fewer.with_headers((name, value)), twin=valid).refused()


@rule(
    "invalid-never-5xx", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9110 15.6", PROFILE),
    applies=protected_zones, control=Control.TWIN, faults=("bearer-tab-crash", "token-non-ascii-crash"),
)  # fmt: skip
@draws(noise=some.header_noise)
def never_a_server_error(exchange: Exchange, zone: Zone, noise: str) -> None:
    """No content of a credential header makes the server fail."""
    for valid in exchange.requests(zone):
        for name, _ in valid.headers:
            scheme = "Bearer " if name == "Authorization" else ""
            for value in (noise, scheme + noise, scheme.strip() + "\t" + noise, "\xff" + noise):
                # What comes back may be a refusal of any kind; a 5xx ends the rule inside `attempt`.
                exchange.attempt(valid.with_header(name, value.strip(" \t")), twin=valid)


def lacking(exchange: Exchange, zone: Zone, valid: Draft) -> list[Draft]:
    """Give a valid request without any credential, and without each of several, as far as the zone needs it."""
    fewer = [replace(valid, headers=())]
    for name, _ in valid.headers if len(valid.headers) > 1 else ():
        draft = valid.without_header(name)
        left = {kind for kind in zone.kinds if exchange.header(kind) in draft.headers}
        if not any(left >= set(way) for way in zone.needs):
            fewer.append(draft)
    return fewer


def never_the_content(answer: Answer, zone: Zone) -> None:
    """Require that an answer does not hold what the valid twin's holds, as far as that stays the same."""
    before = answer.twin_response
    if answer.status < 300 and before is not None:
        leaked = answer.response.body == before.body or _documented(answer, zone) or _alike(answer, before)
        answer.require(not leaked, "never the protected content without credentials")


def _documented(answer: Answer, zone: Zone) -> bool:
    """Whether an answer has every member that the zone's is documented to have, each with a value."""
    names = {*zone.members, *([zone.identity] if zone.identity else [])}
    return bool(names) and all(answer.members.get(name) is not None for name in names)


def _alike(answer: Answer, before: Response) -> bool:
    """Whether an answer differs from the valid one in nothing but what differs from one valid answer to the next."""
    known = before.json()
    if not isinstance(known, dict) or answer.members.keys() != known.keys() or answer.twin_draft is None:
        return False
    again = answer.exchange.send(answer.twin_draft).members
    lasting = [name for name, value in known.items() if value is not None and again.get(name) == value]
    return bool(lasting) and all(answer.members[name] == known[name] for name in lasting)


@rule(
    "res-all-methods", level=Level.MUST, safety=Safety.REVOKE, sources=("RFC 9110 11.4", *NEEDS),
    applies=protected_zones, control=Control.TWIN,
    faults=("method-unprotected", "method-override-unprotected", "method-waives-key"),
)  # fmt: skip
def all_methods(exchange: Exchange, zone: Zone) -> None:
    """Every method of a protected path needs credentials, a method override included."""
    for valid in exchange.requests(zone):
        bare = replace(valid, headers=())
        methods = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE", "APIAUTH", "TRACE", *zone.methods))
        drafts = [replace(fewer, method=method) for method in methods for fewer in lacking(exchange, zone, valid)]
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            drafts += [bare.with_headers((name, method)) for method in ("POST", "DELETE", "OPTIONS", "HEAD")]
        for draft in drafts:
            with exchange.row():
                answer = exchange.attempt(draft, twin=valid)
                if answer is None or answer.status in (404, 405, 411, 415, 501):
                    continue
                if 300 <= answer.status < 400:
                    # Where a route is for that method alone, the way there may be told to anybody.
                    answer.advise(False, "a refusal, whatever the method")
                else:
                    answer.refused()


@rule(
    "res-path-variants", level=Level.MUST, safety=Safety.READ_ONLY,
    sources=("RFC 9110 11.4", "RFC 3986 6.2.2", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("spelling-unprotected", "spelling-unprotected-stamped"),
    wire=True,
)  # fmt: skip
def path_variants(exchange: Exchange, zone: Zone) -> None:
    """A protected path keeps its protection however it is spelt."""
    for valid in exchange.requests(zone):
        path = urlsplit(valid.url).path
        head, _, last = path.rpartition("/")
        spellings = (
            f"/{path}", path.replace("/", "//"), f"/.{path}", f"{path}/", f"{path}//", f"{path}/.", f"{path}.",
            f"{path};x", f"{path};.json", f"{path}.json", f"{path}%20", f"{path}%00", f"{path}?", f"{path}%3f",
            path.upper(), f"{head}/%{ord(last[:1] or '/'):02x}{last[1:]}", f"{head}/./{last}", f"{head}/x/../{last}",
            f"{head}/%2e/{last}", f"{head}%2f{last}", path.replace("/", "\\"),
        )  # fmt: skip
        for target in dict.fromkeys(spellings):
            if target != path:
                answer = exchange.attempt(replace(valid, headers=(), target=target), twin=valid)
                if answer is not None:
                    never_the_content(answer, zone)


@rule(
    "res-not-shared-cacheable", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9111 3.5", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("answer-shared", "answer-cacheable"),
)  # fmt: skip
def not_shared(exchange: Exchange, zone: Zone) -> None:
    """An authorised answer is not kept for others: right after it, a request without credentials is refused."""
    for valid in exchange.requests(zone):
        answer = exchange.send(valid).accepted()
        for draft in (replace(valid, headers=()), valid.editing_all(Edit("reverse"))):
            with exchange.row():
                refused = exchange.attempt(draft, twin=valid)
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
    "res-no-cookie-carry", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("DA-14", "JI-03", "DI-08", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("cookie-session",),
)  # fmt: skip
def no_cookie(exchange: Exchange, zone: Zone) -> None:
    """A cookie set by an authorised answer does not stand in for the credential afterwards."""
    for valid in exchange.requests(zone):
        answer = exchange.send(valid).accepted()
        cookies = [line.partition(";")[0].strip() for line in answer.response.header_lines("set-cookie")]
        if cookies:
            jar = exchange.keep("COOKIES", "; ".join(cookies))
            exchange.send(replace(valid, headers=(("Cookie", jar),)), twin=valid).refused()
        else:
            exchange.send(replace(valid, headers=()), twin=valid).refused()


@rule(
    "res-no-connection-carry", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9110 3.3", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("connection-remembered",), wire=True,
)  # fmt: skip
def no_connection_carry(exchange: Exchange, zone: Zone) -> None:
    """A connection that has carried a good credential gives the next request on it no credit."""
    for valid in exchange.requests(zone):
        bare = replace(valid, headers=(), after=valid)
        wrong = replace(valid.editing_all(Edit("reverse")), after=valid)
        with exchange.connected(valid) as send:
            for draft in (valid, bare, wrong, valid, bare):
                answer = send(draft, twin=valid)
                if draft is valid:
                    answer.accepted()
                else:
                    answer.refused()


@rule(
    "res-http-versions", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9110 2.5", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("old-version-trusted",), wire=True,
)  # fmt: skip
def http_versions(exchange: Exchange, zone: Zone) -> None:
    """HTTP/1.0, and a connection that ends with the answer, change nothing about who is let in."""
    for valid in exchange.requests(zone):
        for how, flags in (({"version": "1.0"}, ("--http1.0",)), ({"close": True}, ("-H", "'Connection: close'"))):
            with exchange.connected(valid) as send:
                good = send(valid, twin=valid, **how)
                good.advise(200 <= good.status < 300, "the valid request answered in HTTP/1.0 too")
            with exchange.connected(valid) as send:
                send(replace(valid, headers=(), flags=flags), twin=valid, **how).refused()


@rule(
    "res-refusal-steady", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9110 15.5.2", *NEEDS),
    applies=protected_zones, control=Control.TWIN, faults=("every-fifth-admitted", "every-second-admitted"),
)  # fmt: skip
def refusal_steady(exchange: Exchange, zone: Zone) -> None:
    """A refusal holds every time: the cheapest bad requests are repeated, for a server that fails now and then."""
    for valid in exchange.requests(zone):
        for draft in (replace(valid, headers=()), valid.editing_all(Edit("reverse"))):
            # Each between two good requests, and several without one: a server may let in every second request.
            for count in range(1, REPETITIONS + IN_A_ROW + 1):
                answer = exchange.attempt(draft, twin=valid)
                if answer is None:
                    break
                if count > 1:
                    words = f"{answer.got} at repetition {count}, intermittent: refused before"
                    answer.require(not answer.is_admitted, "a refusal every time", words)
                answer.refused(proved_again=count not in range(REPETITIONS, REPETITIONS + IN_A_ROW))

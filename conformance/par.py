"""Authorization requests that a client pushes first (RFC 9126): who may push, and what the name that comes back opens.

What a server decides only after a login cannot be seen without one; then a rule does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pytest_apiauth.rules import (
    CONSUME,
    ISSUE,
    ITSELF,
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    Inconclusive,
    OutOfReach,
    Parts,
    Profile,
    Proof,
    Ref,
    Role,
    consent,
    rule,
)

from .authorization import LOGIN_FIRST, STRANGE, stays
from .client_authentication import another_client
from .device import ENTROPY, NEAR_MISSES
from .parts import authenticates, authorization

LOOK = (
    "The pushed authorization request endpoint: it authenticates the client and checks the request as the"
    " authorization endpoint does, and stores it whole under a random name."
)

MADE_UP: Final = "urn:ietf:params:oauth:request_uri:apiauth-no-such-request-0123456789"
OTHER_STATE: Final = "apiauth-another-state-0123456789"


def _pushed(otherwise: str, when: Callable[[Profile], bool] = lambda profile: True) -> Parts:
    """Return the grants whose authorization requests are pushed, of profiles of which something holds."""

    def holds(profile: Profile) -> bool:
        return profile.pushed_authorization_request_url is not None and when(profile)

    return Parts(otherwise, lambda profile: authorization.find(profile) if holds(profile) else {})


pushed_requests = _pushed("authorization requests are not documented to be pushed")
proven_pushes = _pushed(
    "authorization requests are not documented to be pushed, or clients do not authenticate", authenticates
)
required_pushes = _pushed(
    "authorization requests are not documented to be refused if they were not pushed",
    lambda profile: profile.authorization.require_pushed_authorization_requests,
)


def pushing(api: Api, valid: Draft) -> Answer:
    """Push a valid request. Raises Inconclusive if it is refused."""
    answer = api.send(valid.pushed)
    if answer.status >= 400:
        raise Inconclusive(f"the valid pushed authorization request was answered with {answer.got}: {answer.curl}")
    return answer


def name_of(api: Api, valid: Draft) -> Ref:
    """Push a valid request and keep the name that comes back. Raises Inconclusive if there is none."""
    answer = pushing(api, valid)
    found = answer.members.get("request_uri")
    if not isinstance(found, str) or not found:
        raise Inconclusive(f"no request_uri came, which another rule is about: {answer.curl}")
    return api.keep("REQUEST_URI", found)


def gives_no_name(answer: Answer) -> None:
    """Require that nothing was taken that a browser could open."""
    answer.refused().require("request_uri" not in answer.members, "no request_uri", "one")


def takes_nothing(answer: Answer) -> None:
    """Require an answer that is no success and has nothing in it that a browser could open."""
    is_taken = 200 <= answer.status < 300 or "request_uri" in answer.members
    answer.require(not is_taken, "no request_uri, and no success", answer.got)


def leads_nowhere(api: Api, valid: Draft, answer: Answer, expected: str) -> None:
    """Require that what was opened leads to no code. Raises OutOfReach if nothing is decided without a login."""
    back = consent.returned(valid, answer.response)
    answer.require("code" not in (back or {}), expected, "a code")
    is_decided = back is not None or consent.sort_of(valid, answer.response) == "refused"
    if not is_decided and not api.examination.has_browser:
        raise OutOfReach(LOGIN_FIRST)


@rule(
    MUST,
    "RFC 9126 2.2",
    applies=pushed_requests,
    catches=("pushed-status-200", "pushed-expires-in-text", "pushed-answer-cacheable"),
    safety=ISSUE,
    control=ITSELF,
    look="The answer of the endpoint: 201, JSON with request_uri and expires_in as a number, and no-store"
    " (RFC 9126 2.2).",
)
def par_answer(api: Api, grant: GrantType) -> None:
    """What was pushed gets a name, for as many seconds as are said, with 201 and in JSON."""
    answer = pushing(api, api.authorization_request())
    answer.require(answer.status == 201, "201")
    answer.require(answer.response.media_type == "application/json", "JSON", answer.response.media_type)
    found, life = answer.members.get("request_uri"), answer.members.get("expires_in")
    answer.require(isinstance(found, str) and bool(found), "request_uri, a text", type(found).__name__)
    is_seconds = isinstance(life, int) and not isinstance(life, bool) and life > 0
    answer.require(is_seconds, "expires_in, a positive whole number", f"{life!r:.80}")
    # Of the header field the RFC has no more than an example; whoever reads the name in a cache can open it.
    control = (answer.response.header("cache-control") or "").lower()
    answer.advise("no-store" in control, "Cache-Control: no-store", control or "none")


@rule(
    MUST,
    "RFC 9126 2.1",
    "RFC 9126 2",
    applies=proven_pushes,
    catches="pushed-anonymous",
    safety=ISSUE,
    look="The pushed request endpoint authenticates clients as the token endpoint does; client_id alone is"
    " enough for public ones only.",
)
def par_client(api: Api, grant: GrantType) -> None:
    """Nobody pushes a request in a client's name without being that client."""
    valid = api.pushed_request()
    nobody, client = valid.without("client"), valid.carried(Role.CLIENT_ID)
    named = (nobody.setting("client_id", who) for who in (client, "apiauth-nobody"))
    api.each((nobody, *named), gives_no_name)


@rule(
    MUST,
    "RFC 9126 2.1",
    "RFC 9126 2",
    applies=proven_pushes,
    catches="pushed-any-secret",
    safety=LOCKOUT,
    look="The pushed request endpoint compares the secret as the token endpoint does, by the same function.",
)
def par_secret(api: Api, grant: GrantType) -> None:
    """A client that proves itself wrongly pushes nothing."""
    valid = api.pushed_request()
    api.each((valid.proving_wrongly(edit) for edit in (Edit("reverse"), Edit("truncate", at=990))), gives_no_name)


@rule(
    MUST,
    "RFC 9126 2",
    "RFC 9126 2.3",
    applies=pushed_requests,
    catches="pushed-by-get",
    safety=ISSUE,
    look="The methods and the parser of the endpoint: POST, a form, parameters from the body alone.",
)
def par_form(api: Api, grant: GrantType) -> None:
    """A request is pushed as a form in a POST, and whatever else comes harms nobody."""
    valid = api.pushed_request()
    asked = tuple((name, value) for name, value in valid.parameters if isinstance(value, str | Ref))
    in_url = Draft("GET", valid.url, valid.headers, valid.credentials, query=asked)
    empty = Draft("POST", valid.url, valid.headers, valid.credentials, encoding="form")
    # A refusal may be about the method, with a status of its own (RFC 9126 2.3).
    api.each((in_url.beside(valid), empty.beside(valid)), takes_nothing)
    odd = [valid.encoded("json"), valid.labelled("text/plain"), valid.labelled("application/octet-stream")]
    odd += [
        Draft("POST", valid.url, encoding="form", raw_body=text).beside(valid) for text in ("%", "=&=", "\x00", "[]")
    ]
    # Whether such a body is taken is the server's affair; a server error is what `send` looks for by itself.
    api.each(odd, lambda answer: answer)


@rule(
    MUST,
    "RFC 9126 2.1",
    applies=pushed_requests,
    catches="pushed-request-uri-taken",
    safety=ISSUE,
    look="request_uri among what is pushed is refused with invalid_request (RFC 9126 2.1).",
)
def par_nested(api: Api, grant: GrantType) -> None:
    """A pushed request refers to no other one."""
    valid = api.authorization_request()
    names: tuple[str | Ref, ...] = (name_of(api, valid), MADE_UP)
    api.each((valid.pushed.setting("request_uri", name) for name in names), gives_no_name)


@rule(
    SHOULD,
    "RFC 9126 2.1",
    "RFC 9126 2.4",
    "RFC 9126 7.2",
    applies=pushed_requests,
    catches="pushed-redirect-any",
    safety=ISSUE,
    look="redirect_uri is checked when it is pushed, against those of the authenticated client.",
)
def par_redirect(api: Api, grant: GrantType) -> None:
    """A redirect_uri that is not registered leads nowhere if it is pushed, neither then nor when it is opened.

    A server may permit one to clients that prove themselves, so this is no more than noted.
    """
    valid = api.authorization_request()
    stays(api.send(consent.asking(valid, redirect_uri=STRANGE)), STRANGE, consent.asked(valid, "redirect_uri"))


@rule(
    MUST,
    "RFC 9126 2.2",
    "RFC 6749 10.10",
    applies=pushed_requests,
    catches="pushed-counted",
    safety=ISSUE,
    control=ITSELF,
    look="What names a pushed request: urn:ietf:params:oauth:request_uri: and secrets.token_urlsafe(32).",
)
def par_entropy(api: Api, grant: GrantType) -> None:
    """Names differ in more than a counter. An upper bound only: it can show weakness, never strength."""
    valid = api.authorization_request()
    answers = [pushing(api, valid) for _ in range(6)]
    names, last = sorted({str(answer.members.get("request_uri")) for answer in answers}), answers[-1]
    last.require(len(names) == len(answers), "a request_uri of its own for each request", f"{len(names)} for 6")
    varying = [letters for letters in zip(*names, strict=False) if len(set(letters)) > 1]
    longest = len(varying) + max(map(len, names)) - min(map(len, names))
    last.require(longest >= ENTROPY // 2, f"names that vary in {ENTROPY // 2} letters at least", f"{longest} letters")
    last.advise(longest >= ENTROPY, f"names that vary in {ENTROPY} letters or more", f"{longest} letters")


@rule(
    MUST,
    "RFC 9126 2.2",
    "RFC 6749 10.10",
    applies=pushed_requests,
    catches="pushed-case-folded",
    safety=ISSUE,
    look="The lookup of request_uri: the whole value in its case; nothing found is an error page and no"
    " fallback to the query's own parameters.",
)
def par_unknown(api: Api, grant: GrantType) -> None:
    """A made-up request_uri, and a near miss of one, open nothing."""
    valid = api.authorization_request()
    known = name_of(api, valid)
    names: list[str | Ref] = [MADE_UP, *(Ref(known.role, named=known.name, edit=edit) for edit in NEAR_MISSES)]
    for name in names:
        with api.row():
            answer = api.attempt(valid.opening(name))
            if answer is not None:
                leads_nowhere(api, valid, answer, "an error for a request_uri that nobody was given")


@rule(
    MUST,
    "RFC 9126 2.2",
    applies=pushed_requests,
    catches="pushed-any-client",
    safety=ISSUE,
    look="The stored request has its client: compare it with client_id when it is opened (RFC 9126 2.2).",
)
def par_bound(api: Api, grant: GrantType) -> None:
    """A request is opened for the client that has pushed it, and for no other."""
    other = api.ref(Role.CLIENT_ID, another_client(api, api.profile.client_of(grant)))
    valid = api.authorization_request()
    foreign = consent.asking(valid.opening(name_of(api, valid)), client_id=other)
    leads_nowhere(api, valid, api.send(foreign), "an error for another client's request_uri")


@rule(
    SHOULD,
    "RFC 9126 4",
    "RFC 9126 7.3",
    applies=pushed_requests,
    catches="pushed-reusable",
    safety=CONSUME,
    look="A pushed request is deleted or marked once a code was given for it.",
)
def par_single_use(api: Api, grant: GrantType) -> None:
    """A pushed request is opened once; a server may permit a browser to reload it, so this is no more than noted."""
    api.examination.obtaining.need_browser()
    valid = api.authorization_request()
    opening = valid.opening(name_of(api, valid))
    first = api.send(opening)
    if "code" not in (consent.returned(valid, first.response) or {}):
        raise Inconclusive(f"no code came of a valid pushed request: {first.curl}")
    api.take(first)
    leads_nowhere(api, valid, api.send(opening), "an error for a request_uri that has led to a code")


@rule(
    MUST,
    "RFC 9126 4",
    "RFC 9126 2.2",
    applies=pushed_requests,
    catches="pushed-never-expires",
    safety=ISSUE,
    look="The lifetime of the stored request is compared when it is opened.",
)
def par_expires(api: Api, grant: GrantType) -> None:
    """A request_uri is dead when its lifetime is over."""
    api.examination.needs_clock()
    valid = api.authorization_request()
    life = pushing(api, valid).members.get("expires_in")
    if not isinstance(life, int) or isinstance(life, bool):
        raise Inconclusive("no lifetime of a request_uri came, which another rule is about")
    late = valid.opening(name_of(api, valid))
    api.advance(life + api.profile.token.leeway)
    leads_nowhere(api, valid, api.send(late), "an error for a request_uri whose time is over")


@rule(
    MUST,
    "RFC 9101 6.3",
    "RFC 9126 4",
    applies=pushed_requests,
    catches="pushed-overridden",
    safety=ISSUE,
    look="What opens a pushed request takes every parameter from the store: no merge with those of the URL"
    " (RFC 9101 6.3).",
)
def par_overridden(api: Api, grant: GrantType) -> None:
    """What stands beside a request_uri in the URL changes nothing of what was pushed: anybody can have written it."""
    valid = api.authorization_request()
    registered, proof = consent.asked(valid, "redirect_uri"), Proof.fresh()
    is_seen = False
    for name, value in (("redirect_uri", STRANGE), ("state", OTHER_STATE), ("code_challenge", proof.challenge)):
        with api.row():
            answer = api.send(consent.asking(valid.opening(name_of(api, valid)), **{name: value}))
            stays(answer, STRANGE, registered)
            back = consent.returned(valid, answer.response)
            is_seen = is_seen or back is not None or consent.sort_of(valid, answer.response) == "refused"
            if back is None or "code" not in back:
                continue
            pushed = back.get("state") == [consent.asked(valid, "state")]
            answer.require(pushed, "the state that was pushed", "another, or none")
            if name == "code_challenge":
                found = consent.Callback(back["code"][0], registered, proof.verifier)
                api.send(api.redemption(found).in_doubt()).no_token()
    if not is_seen:
        raise OutOfReach(LOGIN_FIRST)


@rule(
    MUST,
    "RFC 9126 4",
    "RFC 9126 5",
    PROFILE,
    applies=required_pushes,
    catches="pushed-optional",
    safety=ISSUE,
    look="The switch that demands pushed requests is looked at before an ordinary one is read"
    " (require_pushed_authorization_requests).",
)
def par_required(api: Api, grant: GrantType) -> None:
    """Where requests have to be pushed, one that was not leads to no code."""
    valid = api.authorization_request()
    answer = api.send(valid.unpushed)
    leads_nowhere(api, valid, answer, "an error for a request that was not pushed")
    error = (consent.returned(valid, answer.response) or {}).get("error", ["invalid_request"])
    answer.advise(error == ["invalid_request"], "the error invalid_request", f"error {error!r:.80}")

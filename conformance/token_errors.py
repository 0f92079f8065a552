"""The token endpoint's answer to a request that deserves no token."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    ITSELF,
    LOCKOUT,
    MAY,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    Inconclusive,
    NotApplicable,
    Role,
    Unchanged,
    draws,
    rule,
)

from . import strategies as some
from .client_authentication import open_to_nobody, others_values, without_client
from .grid.bodies import JSON_VALUES, PIECES, SUFFIXES, TEXTS
from .grid.cells import Class, Slot, fills
from .grid.classes import (
    CASES,
    DRESSES,
    IN_A_ROW,
    NEAR_MISSES,
    REPETITIONS,
    SIZES,
    STAND_INS,
    TWO_WRONG,
    brief,
    is_brief,
    rows,
)
from .grid.standing import LONG, guessed, is_usual
from .parts import (
    body_encoding,
    form_grants,
    guessed_grants,
    refresh_by_clients,
    scoped_grants,
    unattended_grants,
    unattended_logins,
    usual_login,
)
from .token_answer import UNKNOWN_SCOPE, require_without

LOOK = (
    "The error path of the token endpoint: one handler that turns each error into a status of 400 or 401"
    " and a JSON object with a code of RFC 6749 5.2."
)

IN_BODY = (Slot.CLIENT_ID, Slot.USERNAME, Slot.GRANT_TYPE)
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""The grammar of one word of a scope (RFC 6749 3.3)."""
ERROR_CODE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


@rule(
    SHOULD,
    "RFC 6749 5.2",
    applies=unattended_grants,
    catches="error-as-html",
    safety=ISSUE,
    look="The exception handler of the token endpoint: JSON with error and a code of RFC 6749 5.2; the"
    " framework's own pages and validation errors (FastAPI's 422) do not belong there.",
)
def err_shape(api: Api, grant: GrantType) -> None:
    """An error is a JSON object with a legal error code."""
    valid = api.token_request(grant)

    def judge(answer: Answer) -> None:
        answer.require(answer.response.media_type == "application/json", "an error as application/json")
        code = answer.members.get("error")
        answer.require(isinstance(code, str) and bool(ERROR_CODE.fullmatch(code)), "a legal error code", repr(code))

    judge(api.send(valid.setting("grant_type", "urn:example:apiauth")).no_token())
    judge(api.send(valid.omitting("grant_type")).no_token())


GRANT_NAME = re.compile(r"[\w.-]+|[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)
"""What can be a grant type: a name, or an absolute URI (RFC 6749 A.10)."""
BRIEF = 10
"""Rows of the values that are no text, after which a slow server is spared the rest."""
BRIEF_NAMES = brief(NEAR_MISSES, CASES, STAND_INS)


@fills(Slot.GRANT_TYPE, Class.NEAR, Class.CASE, Class.STAND_IN, Class.SIZE)
@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 1.9",
    applies=unattended_grants,
    catches=("any-grant-accepted", "error-succeeds", "grant-type-folded"),
    safety=ISSUE,
    look="The dispatch by grant_type: a lookup of the whole word in its case, unsupported_grant_type and 400"
    " for any other, and no default grant.",
)
@draws(rows(NEAR_MISSES, CASES, STAND_INS, SIZES, name="name"), name=some.unknown_grants)
def err_unsupported_grant(api: Api, grant: GrantType, name: str | Edit) -> None:
    """A grant type that the endpoint does not know gives no token, however near it is to one that it knows."""
    valid = api.token_request(grant)
    spelt = name.apply(str(dict(valid.parameters)["grant_type"])) if isinstance(name, Edit) else name
    if spelt is None or spelt in GRANTS or not (is_usual(api, grant) or isinstance(name, str) or is_brief(name)):
        raise Unchanged("grant_type")
    # Nothing is guessed at, so a valid request after some of them shows as much as one after each.
    answer = api.send(valid.setting("grant_type", spelt)).no_token(again=name in BRIEF_NAMES)
    # What is too long, or no name of a grant at all, is malformed.
    may_be_malformed = name in LONG or not GRANT_NAME.fullmatch(spelt)
    is_told = answer.members.get("error") == "unsupported_grant_type" or may_be_malformed
    answer.advise(is_told, "the error code unsupported_grant_type")


@fills(Slot.GRANT_TYPE, Class.NOTHING)
@rule(
    MUST,
    "RFC 6749 5.2",
    applies=unattended_grants,
    catches="grant-type-optional",
    safety=ISSUE,
    look="What is required of the token request: a missing or empty grant_type is invalid_request with 400,"
    " never a default.",
)
def err_missing_param(api: Api, grant: GrantType) -> None:
    """A request without a grant type, with an empty one, or without what the document demands gives no token."""
    valid = api.token_request(grant)
    empty = replace(valid, parameters=())
    lacking = [valid.omitting("grant_type"), valid.setting("grant_type", ""), empty]
    if GRANTS[grant].is_of_client and api.profile.token.scope_required:
        lacking.append(valid.omitting("scope"))
    api.each(lacking, Answer.no_token)


@rule(
    SHOULD,
    "RFC 6749 3.2",
    "RFC 6749 5.2",
    applies=form_grants,
    catches="repeated-parameter-last-wins",
    safety=ISSUE,
    look="How repeated parameters are read: frameworks take the first or the last; count them (Starlette and"
    " Django: getlist), and answer invalid_request.",
)
def err_duplicate_param(api: Api, grant: GrantType) -> None:
    """A repeated grant_type gives no token, whichever of the two comes first."""
    valid = api.token_request(grant)
    for wrong_first in (True, False):
        with api.row():
            values = ("urn:example:apiauth", grant) if wrong_first else (grant, "urn:example:apiauth")
            rest = valid.omitting("grant_type").parameters
            draft = replace(valid, parameters=(*(("grant_type", value) for value in values), *rest))
            api.send(draft).no_token()


@fills(Slot.SCOPE, Class.NEAR, Class.CASE, Class.STAND_IN, Class.SIZE)
@rule(
    SHOULD,
    "RFC 6749 3.3",
    "RFC 6749 5.2",
    applies=scoped_grants,
    catches="unknown-scope-granted",
    safety=ISSUE,
    look="The validation of scope: words that the client may not have are invalid_scope, or left out of"
    " scope in the answer.",
)
def err_invalid_scope(api: Api, grant: GrantType) -> None:
    """A scope that does not exist is refused, or left out of what is granted."""
    valid = api.token_request(grant)
    known = api.profile.scope_of(grant) or ""
    every = known.split()
    tables = (NEAR_MISSES, CASES, STAND_INS, SIZES)
    edits = [value.edit for table in tables for value in table] if is_usual(api, grant) else brief(*tables)
    altered = [edit.apply(every[0]) for edit in edits]
    words = [word for word in altered if word and word not in every and SCOPE_TOKEN.fullmatch(word)]
    for word in (UNKNOWN_SCOPE, *dict.fromkeys(words)):
        for scope in (word, f"{known} {word}") if word == UNKNOWN_SCOPE else (word,):
            with api.row():
                require_without(api.send(valid.setting("scope", scope)), word, again=word == UNKNOWN_SCOPE)
    api.control(valid)


@fills((Slot.PASSWORD, Slot.REFRESH), Class.NEAR, Class.CASE, Class.DRESS, Class.STAND_IN, Class.SIZE)
@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 10.4",
    PROFILE,
    applies=guessed_grants,
    catches=(
        "password-ignored",
        "password-case-folded",
        "refresh-token-case-folded",
        "refresh-any-token",
        "password-refusal-misnamed",
    ),
    safety=LOCKOUT,
    look="The check of passwords and refresh tokens: the hasher's verify, or a lookup of the whole value in"
    " its case; then 400 with invalid_grant.",
)
@draws(rows(NEAR_MISSES, CASES, DRESSES, STAND_INS, SIZES), edit=some.near_misses | some.case_changes | some.strangers)
def err_invalid_grant(api: Api, grant: GrantType, edit: Edit) -> None:
    """A near miss of a password or of a refresh token gives no token, nor does what stands in for one."""
    draft = api.token_request(grant)
    if not GRANTS[grant].takes_password:
        guessed(api, draft, draft.carried(Role.REFRESH_TOKEN), edit)
        return
    answer = guessed(api, draft, draft.carried(Role.PASSWORD), edit)
    if answer is not None and api.profile.is_oauth and is_brief(edit):
        code = answer.members.get("error")
        answer.advise(
            code == "invalid_grant", "the error code invalid_grant for a wrong password", f"error {code!r:.80}"
        )


@fills((Slot.PASSWORD, Slot.REFRESH), Class.NOTHING, Class.ANOTHERS, Class.TYPES, Class.BYTES)
@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=guessed_grants,
    catches="password-any-secret",
    safety=LOCKOUT,
    look="The lookup of the password or refresh token: by its own table and user; no value of another kind"
    " is found there.",
)
def err_foreign_value(api: Api, grant: GrantType) -> None:
    """Nothing, a value that is no text, and any other credential of the run: none is a password or a refresh token."""
    role = Role.PASSWORD if GRANTS[grant].takes_password else Role.REFRESH_TOKEN
    name = role.name.lower()

    is_json = body_encoding(api.profile) == "json"

    def altered(valid: Draft) -> list[Draft]:
        lacking, spelt = valid.omitting(name), valid.spelt(name)
        others = others_values(api, valid, valid.carried(role))
        if is_json:
            strange = [valid.setting(name, value) for value in (*JSON_VALUES, *TEXTS)]
        else:
            tails = (*(f"{spelt}={piece}" for piece in PIECES), *(f"{spelt}{suffix}=x" for suffix in SUFFIXES))
            strange = [replace(lacking, tail=tail) for tail in tails]
        return [lacking, valid.setting(name, ""), *others, *strange]

    number_of_rows = len(altered(api.token_request(grant)))
    for number in range(number_of_rows):
        if number > BRIEF and api.spares(number_of_rows - number):
            break
        with api.row():
            # Made anew for each row: a refused attempt may have ended what it came with.
            api.send(altered(api.token_request(grant))[number], server_errors=True).no_token()


@fills((Slot.CLIENT_SECRET, Slot.PASSWORD), Class.REPEATED)
@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=unattended_logins,
    catches="third-guess-admitted",
    safety=LOCKOUT,
    look="What differs from one attempt to the next: a counter that admits somebody at its end, a cache of"
    " the last good login, workers with different configurations.",
)
def tok_refusal_steady(api: Api, grant: GrantType) -> None:
    """A wrong secret or password stays wrong, however often it comes, between good ones and in a row."""
    valid = api.token_request(grant)
    for ref in (ref for ref in valid.refs if ref.role in (Role.CLIENT_SECRET, Role.PASSWORD)):
        cause = open_to_nobody(api, grant) if ref.role is Role.CLIENT_SECRET else None
        # Two wrong ones in turn: a server may remember the last one.
        wrong = [valid.editing(ref, edit) for edit in TWO_WRONG]
        for count in range(1, REPETITIONS + IN_A_ROW + 1):
            with api.row():
                answer = api.send(wrong[count % len(wrong)])
                if answer.has_token and count > 1 and not (cause and cause.holds()):
                    answer.fails("a refusal every time", f"a token at repetition {count}, intermittent: none before")
                answer.no_token(cause, again=count <= REPETITIONS)


GUESSES = 30
"""Wrong secrets in a row after which a server in this process is taken to limit nothing."""


@rule(
    MAY,
    "RFC 6585 4",
    "RFC 9110 10.2.3",
    applies=usual_login,
    catches=("limit-without-time", "limit-time-garbled"),
    control=ITSELF,
    look="The limiter's answer: 429 with Retry-After in seconds or as an HTTP date (Django REST framework"
    " sends it; slowapi: headers_enabled=True; flask-limiter: RATELIMIT_HEADERS_ENABLED).",
)
def err_throttle(api: Api, grant: GrantType) -> None:
    """Where a run meets a limited rate, 429 says when to ask again; on a live server none is provoked."""
    met = api.examination.rate_limits
    if not api.examination.target.kind.is_live:
        valid = api.token_request(grant)
        secrets = [ref for ref in valid.refs if ref.role in (Role.CLIENT_SECRET, Role.PASSWORD)]
        # A guess that meets the limit ends this, and so does a server that has other trouble.
        with suppress(Inconclusive):
            for ref in secrets[-1:] * GUESSES:
                api.send(valid.editing(ref, Edit("reverse")))
    if not met.count:
        raise NotApplicable("no request of this run met a limited rate")
    for found in met.untimed:
        api.recommend(found)


@rule(
    SHOULD,
    "RFC 6749 3.2.1",
    applies=refresh_by_clients,
    catches="grant-before-client",
    safety=CONSUME,
    look="The order in the token endpoint: authenticate the client first, look at the code or refresh token"
    " afterwards.",
)
def err_precedence(api: Api, grant: GrantType) -> None:
    """The client is checked before the grant: a stranger cannot find out whether a refresh token is good."""
    cause = open_to_nobody(api)
    good = without_client(api.token_request(grant))
    bad = good.editing(good.carried(Role.REFRESH_TOKEN), Edit("reverse"))
    answers = [api.send(draft).no_token(cause) for draft in (good, bad)]
    codes = [(answer.status, answer.members.get("error")) for answer in answers]
    answers[1].require(codes[0] == codes[1], f"the answer to a good refresh token, {answers[0].got}")

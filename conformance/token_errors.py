"""The token endpoint's answer to a request that deserves no token."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Draft,
    Edit,
    GrantType,
    Role,
    Violation,
    draws,
    rule,
)

from . import strategies as some
from .client_authentication import open_to_nobody, without_client
from .parts import (
    form_grants,
    form_logins,
    guessed_grants,
    json_logins,
    no_password_grant,
    refresh_by_clients,
    scoped_grants,
    unattended_grants,
)
from .token_answer import UNKNOWN_SCOPE, require_without

LONG = 10_000
"""How long a long text is, in characters."""
NESTED = 500
"""How deep a nested value goes: deeper than any real one, and not as deep as to exhaust an honest parser."""
NO_OBJECTS = ("[]", "[[]]", '"apiauth"', "0", "1", "null", "true", "{", '{"a":', "", "[" * NESTED + "]" * NESTED)
"""Bodies that are JSON and no object, or no JSON."""
TEXTS = ("\xe9\u20ac\U0001f511", "\0", "apiauth\0", "x" * LONG)
"""Texts that are none of ours: beyond ASCII, with a NUL, long."""
PIECES = ("%ff", "%00", "apiauth%00", "%", "%zz", "%c3%a9", "\xff", "x" * LONG)
"""Values of a form that are not encoded as the standard says, are not UTF-8, or are no text anybody means."""
PAIRS = (
    "apiauth=%ff", "apiauth=%00", "apiauth=%zz", "\xff=1", "=", "&&&", "apiauth[a][b]=1",
    "&".join(f"apiauth{number}=1" for number in range(1000)),
)  # fmt: skip
"""What may stand beside the parameters of a form without meaning anything to anybody."""
ERROR_CODE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


@rule(SHOULD, "RFC 6749 5.2", applies=unattended_grants, catches="error-as-html", safety=ISSUE)
def err_shape(api: Api, grant: GrantType) -> None:
    """An error is a JSON object with a legal error code."""
    valid = api.token_request(grant)

    def judge(answer: Answer) -> None:
        answer.require(answer.response.media_type == "application/json", "an error as application/json")
        code = answer.members.get("error")
        answer.require(isinstance(code, str) and bool(ERROR_CODE.fullmatch(code)), "a legal error code", repr(code))

    judge(api.send(valid.setting("grant_type", "urn:example:apiauth")).no_token())
    judge(api.send(valid.omitting("grant_type")).no_token())


@rule(MUST, "RFC 6749 5.2", applies=unattended_grants, catches=("any-grant-accepted", "error-succeeds"), safety=ISSUE)
@draws(name=some.unknown_grants)
def err_unsupported_grant(api: Api, grant: GrantType, name: str) -> None:
    """A grant type that the endpoint does not know gives no token."""
    valid = api.token_request(grant)
    answer = api.send(valid.setting("grant_type", name)).no_token()
    answer.advise(answer.members.get("error") == "unsupported_grant_type", "the error code unsupported_grant_type")


@rule(MUST, "RFC 6749 5.2", applies=unattended_grants, catches="grant-type-optional", safety=ISSUE)
def err_missing_param(api: Api, grant: GrantType) -> None:
    """A request without a grant type, with an empty one, or without what the document demands gives no token."""
    valid = api.token_request(grant)
    empty = replace(valid, parameters=())
    lacking = [valid.omitting("grant_type"), valid.setting("grant_type", ""), empty]
    if GRANTS[grant].is_of_client and api.profile.token.scope_required:
        lacking.append(valid.omitting("scope"))
    api.each(lacking, Answer.no_token)


@rule(SHOULD, "RFC 6749 3.2", "RFC 6749 5.2", applies=form_grants, catches="repeated-parameter-last-wins", safety=ISSUE)
def err_duplicate_param(api: Api, grant: GrantType) -> None:
    """A repeated grant_type gives no token, whichever of the two comes first."""
    valid = api.token_request(grant)
    for wrong_first in (True, False):
        with api.row():
            values = ("urn:example:apiauth", grant) if wrong_first else (grant, "urn:example:apiauth")
            rest = valid.omitting("grant_type").parameters
            draft = replace(valid, parameters=(*(("grant_type", value) for value in values), *rest))
            api.send(draft).no_token()


@rule(SHOULD, "RFC 6749 3.3", "RFC 6749 5.2", applies=scoped_grants, catches="unknown-scope-granted", safety=ISSUE)
def err_invalid_scope(api: Api, grant: GrantType) -> None:
    """A scope that does not exist is refused, or left out of what is granted."""
    valid = api.token_request(grant)
    known = api.profile.scope_of(grant)
    for scope in (UNKNOWN_SCOPE, f"{known} {UNKNOWN_SCOPE}"):
        with api.row():
            require_without(api.send(valid.setting("scope", scope)), UNKNOWN_SCOPE)


@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 10.4",
    PROFILE,
    applies=guessed_grants,
    catches=("password-ignored", "password-case-folded", "refresh-token-case-folded", "refresh-any-token"),
    safety=LOCKOUT,
)
@draws(some.NEAR_MISSES_FIRST, edit=some.near_misses | some.case_changes | some.strangers)
def err_invalid_grant(api: Api, grant: GrantType, edit: Edit) -> None:
    """A near miss of a password or of a refresh token gives no token."""
    draft = api.token_request(grant)
    secret = draft.carried(Role.PASSWORD if GRANTS[grant].takes_password else Role.REFRESH_TOKEN)
    answer = api.send(draft.editing(secret, edit)).no_token()
    answer.advise(400 <= answer.status <= 403, "400, 401 or 403")


@rule(MUST, "RFC 6749 5.2", PROFILE, applies=json_logins, catches=("operator-injection", "json-crash"), safety=LOCKOUT)
@draws([{"value": text} for text in ("\ud800", "\udfff", *TEXTS)], value=some.json_values)
def err_body_robust(api: Api, grant: GrantType, value: object) -> None:
    """A JSON body with a value that is no text, or that is no object at all, gives no token and no server error."""
    # Half of a surrogate pair is a string by the grammar, and no text all the same (RFC 8259 8.2).
    valid = api.token_request(grant)
    for name, _ in valid.parameters:
        no_token_unless_idle(api, valid.setting(name, value), valid.omitting(name), valid)
    for body in (*NO_OBJECTS, *hollow(valid)):
        api.send(replace(valid, raw_body=body), server_errors=True).no_token()


def hollow(valid: Draft) -> list[str]:
    """Return bodies in which what should be an object inside the body is none."""
    body = valid.layout.table.body if valid.layout is not None else {}
    outer = [name for name, value in body.items() if isinstance(value, Mapping)]
    wrong: tuple[object, ...] = (None, 1, "apiauth", [])
    return [json.dumps({name: value}) for name in outer for value in wrong]


def no_token_unless_idle(api: Api, draft: Draft, lacking: Draft, valid: Draft) -> None:
    """Require no server error and no token; if the member is not needed at all, it may be overlooked."""
    answer = api.send(draft, server_errors=True)
    if not (answer.has_token and api.send(lacking).has_token):
        answer.no_token()


@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 9110 15.6",
    "RFC 6749 B",
    PROFILE,
    applies=form_logins,
    catches=("form-crash", "form-escape-wildcard"),
    safety=LOCKOUT,
)
def err_form_robust(api: Api, grant: GrantType) -> None:
    """A form with a value that is not encoded as it should gives no token for it, and no server error."""
    valid = api.token_request(grant)
    for name, _ in valid.parameters:
        lacking = valid.omitting(name)
        for piece in PIECES:
            with api.row():
                no_token_unless_idle(api, replace(lacking, tail=f"{valid.spelt(name)}={piece}"), lacking, valid)
    for pairs in PAIRS:
        with api.row():
            try:
                api.send(replace(valid, tail=pairs), server_errors=True)
            except Violation as violation:
                # The request is a valid one with rubbish beside it: whoever trips over that harms nobody else.
                api.recommend(violation.counterexample)


@rule(SHOULD, "RFC 6749 3.2.1", applies=refresh_by_clients, catches="grant-before-client", safety=CONSUME)
def err_precedence(api: Api, grant: GrantType) -> None:
    """The client is checked before the grant: a stranger cannot find out whether a refresh token is good."""
    cause = open_to_nobody(api)
    good = without_client(api.token_request(grant))
    bad = good.editing(good.carried(Role.REFRESH_TOKEN), Edit("reverse"))
    answers = [api.send(draft).no_token(cause) for draft in (good, bad)]
    codes = [(answer.status, answer.members.get("error")) for answer in answers]
    answers[1].require(codes[0] == codes[1], f"the answer to a good refresh token, {answers[0].got}")


@rule(SHOULD, "RFC 9700 2.4", PROFILE, applies=no_password_grant, catches="password-grant-hidden", safety=LOCKOUT)
def pwd_grant_off(api: Api, grant: GrantType) -> None:
    """A password grant that is not documented is not offered either."""
    valid = api.token_request(grant)
    draft = valid.setting("grant_type", "password").setting("username", "apiauth-nobody").setting("password", "wrong-0")
    answer = api.send(draft).no_token()
    code = answer.members.get("error")
    answer.require(code != "invalid_grant", "a refusal of the grant itself", "a refusal of the password, invalid_grant")

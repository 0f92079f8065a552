"""Bodies of token requests that are not as they should be: values of another type, broken forms, no object at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from pytest_apiauth.rules import (
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Api,
    Draft,
    GrantType,
    Violation,
    draws,
    rule,
)

from . import strategies as some
from .grid.bodies import HALVES, JSON_VALUES, NO_OBJECTS, PAIRS, PIECES, SUFFIXES, TEXTS
from .grid.cells import Class, Slot, fills
from .parts import form_logins, json_logins
from .token_errors import IN_BODY

LOOK = "What decodes the body of a token request, form or JSON: it gives texts, or ends in invalid_request."


@fills((*IN_BODY, Slot.CLIENT_SECRET), Class.TYPES)
@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=json_logins,
    catches=("operator-injection", "json-crash"),
    safety=LOCKOUT,
    look="What takes values out of JSON: check that each is text before it reaches a query; a dict in a"
    " MongoDB filter is an operator.",
)
@draws([{"value": value} for value in (*HALVES, *TEXTS, *JSON_VALUES)], value=some.json_values)
def err_body_robust(api: Api, grant: GrantType, value: object) -> None:
    """A JSON body with a value that is no text, or that is no object at all, gives no token and no server error."""
    valid = api.token_request(grant)
    for name, _ in valid.parameters:
        no_token_unless_idle(api, valid.setting(name, value), valid.omitting(name), valid)

    def without_object() -> None:
        for body in (*NO_OBJECTS, *hollow(valid)):
            api.send(replace(valid, raw_body=body), server_errors=True).no_token()

    # They are the same whatever the value is.
    api.once(("bodies without an object", api), without_object)


@fills((Slot.CLIENT_ID, Slot.CLIENT_SECRET, Slot.USERNAME, Slot.PASSWORD, Slot.REFRESH), Class.TYPES)
@rule(
    SHOULD,
    "RFC 6749 5.2",
    PROFILE,
    applies=json_logins,
    catches="json-unwrapped",
    safety=LOCKOUT,
    look="What takes values out of JSON: a list or an object is refused, not converted; look for str(), [0]"
    " and parsers of forms that serve JSON too.",
)
def err_body_wrapped(api: Api, grant: GrantType) -> None:
    """A right value within a list or an object is none: no JSON value is taken for the text that it holds."""
    names = [name for name, value in api.token_request(grant).parameters if not isinstance(value, str)]
    for name in names:
        for wrap in (lambda value: [value], lambda value: {"value": value}):
            with api.row():
                # Made anew for each row: a refused attempt may have ended what it came with.
                valid = api.token_request(grant)
                answer = api.send(valid.setting(name, wrap(dict(valid.parameters)[name])), server_errors=True)
                if not (answer.has_token and api.send(valid.omitting(name)).has_token):
                    answer.no_token()


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


@fills(IN_BODY, Class.BYTES)
@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 9110 15.6",
    "RFC 6749 B",
    PROFILE,
    applies=form_logins,
    catches=("form-crash", "form-escape-wildcard"),
    safety=LOCKOUT,
    look="What decodes the form: a broken percent escape or bytes that are no UTF-8 end in invalid_request,"
    " neither in a traceback nor in another value.",
)
def err_form_robust(api: Api, grant: GrantType) -> None:
    """A form with a value that is not encoded as it should gives no token for it, and no server error."""
    valid = api.token_request(grant)
    for name, _ in valid.parameters:
        lacking = valid.omitting(name)
        spelt = valid.spelt(name)
        for tail in (*(f"{spelt}={piece}" for piece in PIECES), *(f"{spelt}{suffix}=x" for suffix in SUFFIXES)):
            with api.row():
                no_token_unless_idle(api, replace(lacking, tail=tail), lacking, valid)
    for pairs in PAIRS:
        with api.row():
            try:
                api.send(replace(valid, tail=pairs), server_errors=True)
            except Violation as violation:
                # The request is a valid one with rubbish beside it: whoever trips over that harms nobody else.
                api.recommend(violation.counterexample)

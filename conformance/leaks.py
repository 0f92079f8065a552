"""What an answer tells that it should not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import (
    DEFAULT,
    LOCKOUT,
    MAY,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Edit,
    GrantType,
    NotApplicable,
    Ref,
    Role,
    Zone,
    one_line,
    rule,
    spellings,
)

from .client_authentication import open_to_nobody
from .grid.standing import may_guess, with_the_first
from .parts import password_logins, protected_zones, secret_clients, unattended_logins

LOOK = "What error messages are made from: no part of the request, and nothing that says how far the check had got."

CANARY = "apiauthCanary7Q2vX9"
NOBODY = "apiauth-nobody-5R8"
SHORTEST = 8
"""Letters of a value that is looked for: a shorter one may stand anywhere."""
LONG_WORD = 16
"""Letters of what may be a word of any language, and stand in any message: ``password`` is somebody's password."""


def echoes(answer: Answer, value: str) -> bool:
    """Whether an answer repeats a value, in any spelling, in its headers or its body.

    A cookie that is a credential may be given anew, as sessions that slide do.
    """
    own = {good.name for good in answer.draft.credentials if good.place.where == "cookie"}
    lines = [
        f"{name}: {text}"
        for name, text in answer.response.headers
        if name.lower() != "set-cookie" or text.partition("=")[0].strip() not in own
    ]
    headers = "\n".join(lines)
    text = headers + answer.response.body.decode("utf-8", "replace")
    return any(form in text for form in spellings(value))


@rule(
    SHOULD,
    "RFC 9700 4.2",
    "RFC 6749 10.3",
    applies=protected_zones,
    catches="refusal-echoes-credential",
    look="The text of refusals: no message, header or log line sent back repeats the value that was refused"
    " (FastAPI's 422 repeats the input).",
)
def leak_canary(api: Api, zone: Zone) -> None:
    """No answer repeats a credential, good or bad, in any encoding."""
    for valid in api.requests(zone):
        good = api.send(valid).accepted()
        for ref in (ref for ref in valid.refs if not ref.role.is_public):
            with api.row():
                value = api.examination.value(ref)
                is_told = is_recognisable(value) and echoes(good, value)
                good.require(not is_told, "no credential repeated in the answer", f"${ref.name} in it")
                bad = api.send(valid.editing(ref, Edit("whole", text=CANARY))).refused()
                bad.require(not echoes(bad, CANARY), "no credential repeated in a refusal", "the refused one in it")


OTHERS = (
    Role.CLIENT_SECRET, Role.PASSWORD, Role.API_KEY, Role.PERSONAL_ACCESS_TOKEN, Role.ACCESS_TOKEN,
)  # fmt: skip
"""What a run has in its hands that nobody else should learn."""
SENT = (Role.CLIENT_ID, Role.CLIENT_SECRET, Role.USERNAME, Role.PASSWORD)
"""What a token request carries as it is; a key that signs is no text to alter."""


def is_recognisable(value: str) -> bool:
    """Whether a value is long and strange enough for an answer that has it to have it from there."""
    return len(value) >= SHORTEST and not (value.isalpha() and len(value) < LONG_WORD)


def foreign_values(api: Api, answer: Answer, spoilt: Ref | None) -> Iterator[Ref]:
    """Yield the credentials of the run that an answer tells although the request did not carry them.

    What was ``spoilt`` was not carried: the right value beside a wrong one is the worst that an answer can tell.
    """
    carried = {api.examination.value(ref) for ref in answer.draft.refs if ref != spoilt}
    for role in OTHERS:
        for who in (DEFAULT, "second") if role is not Role.ACCESS_TOKEN else (DEFAULT,):
            try:
                ref = api.ref(role, who)
            except NotApplicable:
                continue
            value = api.examination.value(ref)
            if value not in carried and is_recognisable(value) and echoes(answer, value):
                yield ref
    if api.profile.jwt is not None and api.profile.jwt.signing_key is not None:
        key = Ref(Role.JWT_KEY)
        if is_recognisable(api.examination.value(key)) and echoes(answer, api.examination.value(key)):
            yield key


def require_no_foreign_value(api: Api, answer: Answer, spoilt: Ref | None) -> None:
    """Require that an answer tells no credential of the run that its request did not carry."""
    told = [f"${ref.name}" for ref in foreign_values(api, answer, spoilt)]
    answer.require(not told, "no credential but what was sent, in any answer", f"{', '.join(told)} in it")


@rule(
    MUST,
    "RFC 6749 10.3",
    PROFILE,
    "RFC 9110 11.4",
    applies=protected_zones,
    catches=("refusal-tells-right-one", "jwt-key-told"),
    look="The text of refusals: what the server compared with belongs to nobody's answer; look for debug"
    " messages and whole objects in errors.",
)
def leak_foreign(api: Api, zone: Zone) -> None:
    """No answer tells a credential that its request did not carry: the right one, say, beside a wrong one."""
    for valid, is_whole in with_the_first(api, zone):
        edits = (Edit("reverse"), Edit("whole", text=CANARY)) if is_whole else ()
        refs = [ref for good in valid.credentials if may_guess(api, good) for ref in good.refs]
        wrong = [(valid.editing(ref, edit), ref) for ref in refs for edit in edits]
        strange = [(replace(valid.anonymous(), method=method), None) for method in ("GET", "HEAD", "OPTIONS")]
        for draft, spoilt in (*wrong, *strange):
            with api.row():
                answer = api.attempt(draft)
                if answer is not None:
                    require_no_foreign_value(api, answer, spoilt)
        api.control(valid)


@rule(
    MUST,
    "RFC 6749 10.3",
    PROFILE,
    applies=unattended_logins,
    catches="error-tells-right-one",
    safety=LOCKOUT,
    look="The error description of the token endpoint: it names no value from the database.",
)
def leak_foreign_token(api: Api, grant: GrantType) -> None:
    """No error of the token endpoint tells a credential that its request did not carry."""
    valid = api.token_request(grant)
    wrong = [(valid.editing(ref, Edit("reverse")), ref) for ref in valid.refs if ref.role in SENT]
    lacking = [valid.omitting(name) for name, _ in valid.parameters]
    broken = [valid.setting("grant_type", CANARY), replace(valid, raw_body="{"), replace(valid, raw_body="")]
    for draft, spoilt in (*wrong, *((draft, None) for draft in (*lacking, *broken))):
        with api.row():
            answer = api.attempt(draft)
            if answer is not None and not answer.has_token:
                require_no_foreign_value(api, answer, spoilt)
    api.control(valid)


@rule(
    SHOULD,
    "RFC 9700 4.2",
    "RFC 6749 5.2",
    applies=unattended_logins,
    catches=("error-echoes-secret", "token-answer-echoes"),
    safety=LOCKOUT,
    look="The token endpoint's answers and error descriptions are made from fixed texts, never from the"
    " request's parameters.",
)
def leak_canary_token(api: Api, grant: GrantType) -> None:
    """The token endpoint repeats neither password nor client secret, in a refusal or beside a token."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    good = api.send(valid).issued()
    for ref in valid.refs:
        if ref.role in (Role.PASSWORD, Role.CLIENT_SECRET):
            value = api.examination.value(ref)
            is_told = is_recognisable(value) and echoes(good, value)
            good.require(not is_told, "no secret repeated beside a token", f"${ref.name} in it")
            answer = api.send(valid.editing(ref, Edit("whole", text=CANARY)))
            answer.no_token(cause if ref.role is Role.CLIENT_SECRET else None)
            answer.require(not echoes(answer, CANARY), "no secret repeated in a refusal", "the refused one in it")


REASONS: Final = ("error", "error_description")
"""Members that say why a request was refused (RFC 6749 5.2)."""
MESSAGES: Final = (
    *REASONS, "detail", "message", "title", "code", "errors", "msg", "reason", "error_message", "non_field_errors",
)  # fmt: skip
"""The same with those of RFC 9457 and of frameworks: Django REST framework, FastAPI, Flask-Security, Spring."""

VARYING: Final = re.compile(r"\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]+)*\b|\d+")


def differences(one: Answer, other: Answer, names: Iterable[str] = REASONS) -> str:
    """Say in what two refusals differ: status, media type, JSON members (other text may hold a date or an id)."""
    rows = [
        ("status", one.status, other.status),
        ("media type", one.response.media_type, other.response.media_type),
        *((name, _told(one, name), _told(other, name)) for name in names),
    ]
    return ", ".join(f"{name} {second!r} and not {first!r}" for name, first, second in rows if first != second)


def _told(answer: Answer, name: str) -> object:
    """Return what a member says, whatever is in it of the request: the user's name, how many tries are left, an id."""
    said = answer.members.get(name)
    if said is None or (name == "error" and isinstance(said, str)):
        return said
    # A text is told as it came, whatever else as JSON writes it.
    text, is_text = (said, True) if isinstance(said, str) else (json.dumps(said), False)
    refs = [ref for ref in answer.draft.refs if ref.role in (Role.USERNAME, Role.CLIENT_ID)]
    for sent in (NOBODY, *map(answer.api.examination.value, refs)):
        text = text.replace(sent if is_text else json.dumps(sent)[1:-1], "…")
    return VARYING.sub("0", text)


def told_apart(one: Answer, other: Answer) -> bool:
    """Whether two refusals differ."""
    return bool(differences(one, other))


def require_alike(one: Answer, other: Answer, words: str, names: Iterable[str] = REASONS) -> None:
    """Require that two refusals do not differ; what they say is cut short and redacted."""
    found = other.api.examination.redactor.redact(differences(one, other, names))
    other.require(not found, f"the answer to {words}, {one.got}", f"{other.got} with {one_line(found)}")


@rule(
    SHOULD,
    "RFC 6749 5.2",
    "RFC 6819 4.4.3",
    applies=password_logins,
    catches=("unknown-user-named", "unknown-user-detailed"),
    safety=LOCKOUT,
    look="An unknown user takes the same way as a wrong password: one message, one status, and a hash"
    " computed in vain (Django's ModelBackend does).",
)
def leak_enum(api: Api, grant: GrantType) -> None:
    """An unknown user and a wrong password are answered alike."""
    valid = api.token_request(grant)
    wrong = api.send(valid.editing(valid.carried(Role.PASSWORD), Edit("reverse"))).no_token()
    spoilt = valid.setting("username", NOBODY).editing(valid.carried(Role.PASSWORD), Edit("reverse"))
    unknown = api.send(spoilt).no_token()
    require_alike(wrong, unknown, "a wrong password", MESSAGES)


@rule(
    SHOULD,
    "RFC 6749 5.2",
    applies=secret_clients,
    catches="unknown-client-named",
    safety=LOCKOUT,
    look="An unknown client takes the same way as a wrong secret: invalid_client with one description.",
)
def leak_enum_client(api: Api, grant: GrantType) -> None:
    """An unknown client and a wrong secret are answered alike."""
    cause = open_to_nobody(api, grant)
    valid = api.token_request(grant)
    wrong = api.send(valid.editing(valid.carried(Role.CLIENT_SECRET), Edit("reverse"))).no_token(cause)
    unknown = api.send(
        valid.editing(valid.carried(Role.CLIENT_ID), Edit("whole", text=NOBODY)).editing(
            valid.carried(Role.CLIENT_SECRET), Edit("reverse")
        ),
    ).no_token(cause)
    require_alike(wrong, unknown, "a wrong secret", MESSAGES)


@rule(
    MAY,
    "RFC 6750 3.1",
    applies=protected_zones,
    catches="refusal-explains",
    look="One refusal for every bad token: no 'expired', 'signature' or 'not found' in the description.",
)
def leak_refusal_uniform(api: Api, zone: Zone) -> None:
    """A refusal does not say why a credential is bad: a near miss and an unknown one are answered alike."""
    for valid in api.requests(zone):
        for ref in valid.refs:
            with api.row():
                answers = [
                    api.attempt(valid.editing(ref, edit))
                    for edit in (Edit("whole", text=CANARY), Edit("truncate", 900), Edit("replace", 950, "x"))
                ]
                sent = [answer.refused() for answer in answers if answer is not None]
                for answer in sent[1:]:
                    require_alike(sent[0], answer, "an unknown credential")

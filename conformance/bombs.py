"""What is small and takes a server long: known bombs, each against a valid request, and each seen twice."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from pytest_apiauth.rules import (
    ISSUE,
    LOCKOUT,
    MUST,
    PROFILE,
    Api,
    Draft,
    Edit,
    GrantType,
    NotApplicable,
    Parts,
    Role,
    Timed,
    UnreachableError,
    Zone,
    rule,
    timed,
    unanswered,
)

from .grid.bombs import AUTHORIZATIONS, FIELDS, FORMS, JWTS, OBJECTS, SECRET, Bomb
from .parts import (
    TOKENS,
    authorization,
    body_encoding,
    protected_zones,
    token_zones,
    usual_login,
)

LOOK = (
    "Bound the length of what strangers send before anything parses, matches or hashes it; look for"
    " regular expressions with nested repetition, and for work that grows faster than its input."
)

LONG: Final = 1.0
"""Seconds that an answer may take, whatever is asked."""
TIMES: Final = 10
"""How often as long as a harmless request's one that does may take."""
PATIENCE: Final = 3
"""How often a valid request is sent that must be answered after one that was not."""

first_zone = Parts(
    "no zone with a probe needs credentials", lambda profile: dict(list(protected_zones.find(profile).items())[:1])
)


def is_structured(token: str) -> bool:
    """Whether a token is a JWT of any kind, by its looks: signed, or encrypted."""
    return token.count(".") in (2, 4) and token.startswith("eyJ")


@rule(
    MUST,
    "RFC 9110 17.5",
    "RFC 7518 4.8.1.2",
    PROFILE,
    applies=token_zones,
    catches="jwt-iterations-unbounded",
    look="The decoder of encrypted or signed tokens: bound p2c (the count of PBES2), the count of recipients"
    " and the inflated size; accept no algorithm that is not needed.",
)
def res_jwt_bomb(api: Api, zone: Zone) -> None:
    """A token that is made to be read long is answered, and not much later than a good one."""
    valid = next(iter(api.requests(zone, *TOKENS)))
    if not is_structured(api.examination.value(valid.token)):
        raise NotApplicable("the access token is no JWT")
    _each(api, valid, JWTS)


@rule(
    MUST,
    "RFC 9110 17.5",
    PROFILE,
    applies=first_zone,
    catches=("authorization-backtracks", "token-parts-unbounded", "language-backtracks", "basic-hashed-long"),
    look="The regular expression or loop that reads the header named in the request, and the limits of the"
    " server in front (uvicorn --h11-max-incomplete-event-size, gunicorn --limit-request-field_size).",
)
def res_field_bomb(api: Api, zone: Zone) -> None:
    """A header field that is made to be read long is answered, and not much later than a harmless one."""
    _each(api, next(iter(api.requests(zone))), FIELDS)


@rule(
    MUST,
    "RFC 9110 17.5",
    PROFILE,
    applies=usual_login,
    catches=(
        "redirect-uri-backtracks-at-token",
        "content-type-backtracks",
        "parameters-collide",
        "form-depth-unbounded",
        "digits-quadratic",
        "json-depth-unbounded",
        "exponent-expanded",
    ),
    safety=ISSUE,
    look="The parser of the token request's body: bound its size, the count of parameters and the depth of"
    " JSON, before anything is matched or converted (Django: DATA_UPLOAD_MAX_NUMBER_FIELDS).",
)
def tok_body_bomb(api: Api, grant: GrantType) -> None:
    """A token request that is made to be read long is answered, and not much later than a harmless one."""
    _each(api, api.token_request(grant), OBJECTS if body_encoding(api.profile) == "json" else FORMS)


@rule(
    MUST,
    "RFC 9110 17.5",
    PROFILE,
    applies=usual_login,
    catches="long-password-hashed",
    safety=LOCKOUT,
    look="What is hashed: refuse a password or secret beyond some hundred characters before bcrypt, PBKDF2"
    " or Argon2 sees it.",
)
def tok_long_secret(api: Api, grant: GrantType) -> None:
    """A long password, or a long secret in a body, is refused not much later than a short one that is wrong."""
    valid = api.token_request(grant)
    in_header = {ref for each in valid.credentials for ref in each.refs}
    for ref in (ref for ref in valid.refs if ref.role in (Role.CLIENT_SECRET, Role.PASSWORD)):
        if ref not in in_header:
            with api.row():
                _tried(api, valid.editing(ref, SECRET), [valid, valid.editing(ref, Edit("reverse"))])
    api.control(valid)


@rule(
    MUST,
    "RFC 9110 17.5",
    PROFILE,
    applies=authorization,
    catches="redirect-uri-backtracks",
    look="The comparison of redirect_uri: plain equality with registered values needs no regular expression.",
)
def az_redirect_bomb(api: Api, grant: GrantType) -> None:
    """A redirect_uri that is made to be read long is answered, and not much later than a harmless one."""
    _each(api, api.authorization_request().unpushed, AUTHORIZATIONS)


def _each(api: Api, valid: Draft, bombs: Iterable[Bomb]) -> None:
    for bomb in bombs:
        # A slow server is spared; of wrong passwords there may be none left.
        if not api.spares():
            with suppress(NotApplicable), api.row():
                _tried(api, bomb.on(valid), bomb.beside(valid))
    api.control(valid)


def _tried(api: Api, draft: Draft, harmless: list[Draft]) -> None:
    """Send one; again, after harmless requests, if it takes long or is not answered."""
    once = timed(api, draft)
    if once.error is not None:
        api.recommend(once.error)
    if not _is_suspect(once, 0.0):
        return
    _recovered(api, draft)
    usual = max(timed(api, each).seconds for each in harmless)
    again = timed(api, draft) if _is_suspect(once, usual) else once
    if not _is_suspect(again, usual) or again is once or again.error is not None:
        return
    if again.answer is None or once.answer is None:
        unanswered(api, draft)
    words = f"an answer within a second, or {TIMES} times what a harmless request takes"
    again.answer.advise(False, words, f"{again.answer.got} after {again.seconds:.1f} s")


def _recovered(api: Api, draft: Draft) -> None:
    """Send the control, several times if need be: a server may still be at work at what it has not answered."""
    for _ in range(PATIENCE - 1):
        with suppress(UnreachableError):
            return api.control(draft)
    return api.control(draft)


def _is_suspect(found: Timed, usual: float) -> bool:
    is_silent = found.answer is None and found.error is None
    return is_silent or (found.seconds > LONG and found.seconds > TIMES * usual)

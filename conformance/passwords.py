"""A user's password: all of it counts, it is its user's, and nobody asks for it where that is not documented."""

from __future__ import annotations

from contextlib import suppress

from pytest_apiauth.rules import (
    LOCKOUT,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Edit,
    GrantType,
    NotApplicable,
    Role,
    Unchanged,
    rule,
)

from .client_authentication import others_values
from .grid.cells import Class, Slot, fills
from .grid.classes import NAMELESS, NEAR_MISSES, SIZES
from .grid.standing import guessed
from .parts import logins_of_others, no_password_grant, password_logins

LOOK = "The check of a password: the row of the user by the whole name, and a hash of all that was sent."

WHOLE = (Edit("first", 72), Edit("change", 999))
"""What bcrypt sees of a password, and what is last in one."""


@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=logins_of_others,
    catches="password-cut",
    safety=LOCKOUT,
    look="What hashes the password: bcrypt sees 72 bytes, and some columns and forms cut before that; take"
    " Argon2, or refuse what is longer.",
)
def pwd_whole(api: Api, grant: GrantType) -> None:
    """Every letter of a password counts, however long it is, and in those of all users."""
    for who in api.profile.users:
        if who in api.profile.ended_users.values():
            continue
        with suppress(NotApplicable):
            valid = api.token_request(grant, user=who)
            for edit in WHOLE:
                with suppress(Unchanged), api.row():
                    guessed(api, valid, valid.carried(Role.PASSWORD), edit)


@fills(Slot.USERNAME, Class.NEAR, Class.STAND_IN, Class.SIZE, Class.NOTHING, Class.ANOTHERS)
@rule(
    MUST,
    "RFC 6749 5.2",
    PROFILE,
    applies=password_logins,
    catches="username-wildcard",
    safety=LOCKOUT,
    look="The lookup of the user: by the whole name with = and never LIKE, and the password is that row's.",
)
def pwd_username(api: Api, grant: GrantType) -> None:
    """A password is its user's: beside another name, or none, it gives no token."""
    valid = api.token_request(grant)
    name = valid.carried(Role.USERNAME)
    # No change of case, no blanks, no full-width letters: many a server takes a name for the same in any of them.
    for table in (NEAR_MISSES, NAMELESS, SIZES):
        for value in table:
            with suppress(Unchanged), api.row():
                guessed(api, valid, name, value.edit)
    others = list(others_values(api, valid, name))
    with suppress(NotApplicable):
        others.append(valid.replacing(name, api.another(Role.USERNAME)))
    api.each((valid.setting("username", ""), valid.omitting("username"), *others), Answer.no_token)


@rule(
    SHOULD,
    "RFC 9700 2.4",
    PROFILE,
    applies=no_password_grant,
    catches="password-grant-hidden",
    safety=LOCKOUT,
    look="The registered grants: take the password grant out, if it is not documented (Authlib:"
    " register_grant, oauthlib: LegacyApplicationServer or Server).",
)
def pwd_grant_off(api: Api, grant: GrantType) -> None:
    """A password grant that is not documented is not offered either."""
    valid = api.token_request(grant)
    draft = valid.setting("grant_type", "password").setting("username", "apiauth-nobody").setting("password", "wrong-0")
    answer = api.send(draft).no_token()
    code = answer.members.get("error")
    answer.require(code != "invalid_grant", "a refusal of the grant itself", "a refusal of the password, invalid_grant")

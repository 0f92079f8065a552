"""Rotation of refresh tokens: what ends when one is used, when one comes again, and when several are used at once."""

from __future__ import annotations

from pytest_apiauth.rules import (
    CONSUME,
    DOC,
    ITSELF,
    LOAD,
    PROFILE,
    REVOKE,
    SHOULD,
    Api,
    GrantType,
    History,
    NotApplicable,
    Role,
    rule,
)

from .parts import by_oauth, dying_rotation, rotation
from .refresh import bearer_requests

LOOK = (
    "The family of a refresh token: who was given in the place of whom, which of them is used, and what a"
    " reuse ends (RFC 9700 4.14.2)."
)

RACERS, RACES = 4, 3


@rule(
    DOC,
    PROFILE,
    "RFC 9700 4.14.2",
    applies=rotation,
    catches="refresh-token-kept",
    safety=CONSUME,
    control=ITSELF,
    look="The switch for rotation (Django OAuth Toolkit: ROTATE_REFRESH_TOKEN, simplejwt:"
    " ROTATE_REFRESH_TOKENS, Authlib: INCLUDE_NEW_REFRESH_TOKEN).",
)
def ref_rotation(api: Api, grant: GrantType) -> None:
    """Each refresh answers a new refresh token, if that is documented."""
    draft = api.token_request(grant)
    spent = api.examination.value(draft.carried(Role.REFRESH_TOKEN))
    answer = api.send(draft).issued()
    new = answer.members.get("refresh_token")
    answer.require(isinstance(new, str) and bool(new), "a refresh_token with the new access token", "none")
    answer.require(new != spent, "a new refresh token", "the one that was sent")


@rule(
    DOC,
    PROFILE,
    "RFC 9700 4.14.2",
    applies=dying_rotation,
    catches="refresh-old-lives",
    safety=CONSUME,
    look="A refresh marks its token as used, in the transaction that issues the next one (simplejwt:"
    " BLACKLIST_AFTER_ROTATION and its app installed).",
)
def ref_old_dead(api: Api, grant: GrantType) -> None:
    """A refresh token is dead once it has been used, if that is documented."""
    history = History(api)
    first = history.log_in()
    history.refresh(first)
    api.send(history.request(first).in_doubt()).no_token()


@rule(
    DOC,
    PROFILE,
    "RFC 9700 4.14.2",
    applies=dying_rotation,
    catches="refresh-ancestor-revives",
    safety=CONSUME,
    look="A grace for the last token is one generation deep: compare with the direct predecessor, not with"
    " any token of the family.",
)
def ref_ancestor_dead(api: Api, grant: GrantType) -> None:
    """A refresh token two or more generations old is dead, whatever grace its direct successor has."""
    for generations, ancestor in ((2, 0), (3, 0), (3, 1)):
        with api.row():
            history = History(api)
            chain = [history.log_in()]
            for _ in range(generations):
                chain.append(history.refresh(chain[-1]))
            api.send(history.request(chain[ancestor]).in_doubt()).no_token()


@rule(
    SHOULD,
    "RFC 9700 4.14.2",
    applies=by_oauth(dying_rotation),
    catches="reuse-spares-family",
    safety=REVOKE,
    look="What happens when a used refresh token comes: revoke all that has its family (Django OAuth"
    " Toolkit: REFRESH_TOKEN_REUSE_PROTECTION).",
)
def ref_reuse_kills_family(api: Api, grant: GrantType) -> None:
    """When a dead refresh token comes again, the living one of its family ends too."""
    history = History(api)
    first = history.log_in()
    second = history.refresh(first)
    replay = api.send(history.request(first).in_doubt())
    if replay.has_token:
        raise NotApplicable("the old refresh token lives on, which is the matter of ref-old-dead")
    history.keep(replay)
    api.send(history.request(second).in_doubt()).no_token()


@rule(
    SHOULD,
    "RFC 9700 4.14.2",
    applies=by_oauth(rotation),
    catches="family-kill-hits-others",
    safety=REVOKE,
    control=ITSELF,
    look="What a reuse revokes: by the family of the token, not by user or by user and client.",
)
def ref_family_isolation(api: Api, grant: GrantType) -> None:
    """The reuse of a refresh token ends no tokens of another login of the same user."""
    history = History(api)
    first = history.log_in()
    history.refresh(first)
    drafts = bearer_requests(api)
    # The later login, so that a server with one session a user cannot be taken for one that ends too much.
    other = history.log_in()
    opened = history.opened(other, drafts)
    other = history.refresh(other)
    history.keep(api.send(history.request(first), alone=True))
    try:
        for draft in opened:
            api.send(history.using(other, draft).as_control()).accepted()
        api.send(history.request(other)).issued()
    finally:
        api.forget_tokens()


@rule(
    SHOULD,
    "RFC 9700 4.14.2",
    PROFILE,
    applies=dying_rotation,
    catches="refresh-race-lost",
    safety=LOAD,
    control=ITSELF,
    look="Reading and marking a refresh token is one atomic step: UPDATE ... WHERE used = false and a look"
    " at the count of rows, or SELECT ... FOR UPDATE.",
)
def ref_race(api: Api, grant: GrantType) -> None:
    """Of several refreshes at once with one token, one at most leads to a living refresh token."""
    for _ in range(RACES):
        history = History(api)
        winners = history.all_at_once(history.request(history.log_in()), RACERS)
        tokens = dict.fromkeys(tokens.refresh for tokens in winners if tokens.refresh)
        alive = 0
        for token in tokens:
            answer = api.send(history.refresh_request(token), alone=True)
            alive += answer.has_token
            answer.require(alive < 2, "one living refresh token after the race", "a second one")
            history.keep(answer)

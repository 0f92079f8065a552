"""Logins that are not OAuth's: what a login takes and gives, and what is dead after a log-out.

A login here is what ``[login_request]`` says. What holds of passwords, refresh tokens and lifetimes however they are
asked for stands in the chapters on those; what RFC 6749 alone says (error codes, ``token_type``, ``no-store``) is asked
of no login whose profile does not cite it.
"""

from __future__ import annotations

from pytest_apiauth.rules import (
    DOC,
    ISSUE,
    ITSELF,
    LOCKOUT,
    MUST,
    PROFILE,
    REVOKE,
    Answer,
    Api,
    GrantType,
    History,
    NotApplicable,
    Ref,
    Tokens,
    logout_request,
    rule,
)

from .parts import logging_out, other_logins
from .refresh import bearer_requests
from .token_answer import asked

LOOK = "The view that logs in or out: which members it reads, what it answers, and what it deletes or puts on a list."


@rule(
    MUST,
    PROFILE,
    applies=other_logins,
    catches="login-without-password",
    safety=LOCKOUT,
    look="The login view checks that name and password are there and not empty before anything is compared.",
)
def log_lacking(api: Api, grant: GrantType) -> None:
    """A login without a user's name or a password, or with an empty one, gives no token."""
    valid, table = api.token_request(grant), api.profile.request_of(grant)
    assert table is not None
    # A login may take a password alone.
    named = [name for name in ("username", "password") if name in table.members]
    lacking = [valid.omitting(name) for name in named] + [valid.setting(name, "") for name in named]
    api.each([*lacking, valid.omitting(*named)], Answer.no_token)


@rule(
    DOC,
    PROFILE,
    applies=other_logins,
    catches="login-lifetime-text",
    safety=ISSUE,
    control=ITSELF,
    look="The serializer of the login's answer: tokens are text, lifetimes are numbers, where the profile"
    " says that they are.",
)
def log_answer(api: Api, grant: GrantType) -> None:
    """The answer has the tokens and the lifetime where the profile says: tokens are texts, a lifetime is a number."""
    table = api.profile.request_of(grant)
    assert table is not None
    answer = asked(api, grant)
    for name, place in table.answer.items():
        value = answer.members.get(name)
        if name == "expires_in":
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
            answer.require(is_number, f"a positive number in {place.spelt}", repr(value))
        else:
            got = "none" if value is None else "an empty text" if value == "" else type(value).__name__
            answer.require(isinstance(value, str) and bool(value), f"a text in {place.spelt}", got)


@rule(
    DOC,
    PROFILE,
    applies=logging_out,
    catches=("logout-without-effect", "logout-spares-refresh-token"),
    safety=REVOKE,
    look="A log-out of signed tokens takes a list of ended ones, which every view looks at"
    " (flask-jwt-extended: token_in_blocklist_loader, simplejwt: token_blacklist); of stored ones, a"
    " delete.",
)
def log_out_ends(api: Api, grant: GrantType) -> None:
    """What a log-out is documented to end is refused from then on: at every zone, and where a token is renewed."""
    seen = [_ended(api, grant, is_renewed=False)]
    if api.profile.can_refresh:
        seen.append(_ended(api, grant, is_renewed=True))
    if not any(seen):
        raise NotApplicable("no request shows whether the tokens that a log-out ends live")


def _ended(api: Api, grant: GrantType, *, is_renewed: bool) -> int:
    """Log in and out, and use each token that has ended; return how many uses there were."""
    table, history = api.profile.logout_request, History(api)
    assert table is not None
    tokens = history.log_in(grant)
    if is_renewed:
        first, tokens = tokens, history.refresh(tokens)
        # A renewal that gives no new refresh token leaves the old one in force.
        tokens = tokens if tokens.refresh is not None else Tokens(tokens.access, first.refresh, None, None)
    opened = history.opened(tokens, bearer_requests(api)) if table.does_end(access=True) else []
    draft = logout_request(api.profile, _given(tokens))
    answer = api.send(draft, alone=True)
    # A page to go on to is as good an answer as any.
    answer.require(answer.status < 400, "no refusal, as the tokens live")
    history.keep(answer)
    api.forget_tokens()
    for valid in opened:
        api.send(history.using(tokens, valid)).refused()
    is_shown = table.does_end(access=False) and tokens.refresh is not None and api.profile.can_refresh
    if is_shown:
        api.send(history.request(tokens).in_doubt()).no_token()
    return len(opened) + is_shown


def _given(tokens: Tokens) -> dict[str, Ref]:
    both = {"access_token": tokens.access, "refresh_token": tokens.refresh}
    return {name: ref for name, ref in both.items() if ref is not None}

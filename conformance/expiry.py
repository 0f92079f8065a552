"""What time does to tokens and codes. The clock of the target is moved; nothing here ever waits."""

from __future__ import annotations

from pytest_apiauth.rules import (
    CONSUME,
    DOC,
    ISSUE,
    ITSELF,
    PROFILE,
    SHOULD,
    Api,
    GrantType,
    History,
    NotApplicable,
    Tokens,
    Zone,
    rule,
)

from .parts import code_grant, issued_token_zones, unattended_grants
from .refresh import bearer_requests, short_of_end

LOOK = (
    "Where the time of a token or code is compared: with the clock of now at each use, in UTC, and not"
    " only when it is issued or cleaned up."
)

LONGEST_CODE = 600


def lifetime_of(api: Api, grant: GrantType | None, tokens: Tokens) -> tuple[int, bool]:
    """Return the lifetime of a new token and whether it is documented. Raises NotApplicable if none is told."""
    documented = api.profile.answer_of(grant).expires_in if grant else None
    lifetime = tokens.expires_in or documented
    if not lifetime:
        raise NotApplicable("neither the profile nor the answer tells how long a token lives")
    return lifetime, documented is not None


@rule(
    DOC,
    PROFILE,
    "RFC 6749 5.1",
    "RFC 6750 3.1",
    applies=issued_token_zones,
    catches=("token-never-expires", "token-expires-early"),
    safety=ISSUE,
    look="The comparison with exp at each request: now >= expiry refuses, in UTC and in seconds; look for"
    " time zones, for a leeway of minutes and for a clean-up job that alone ends tokens.",
)
def exp_boundary(api: Api, zone: Zone) -> None:
    """A token works for its lifetime and is refused after it, give or take the leeway."""
    api.examination.needs_clock()
    grant = api.profile.usual_grant
    for valid in api.requests(zone, "bearer"):
        # Where each use prolongs a session, its lifetime is that of one which nobody uses. It comes first, as a login
        # may end the one before.
        history = History(api)
        unused, token = history.log_in(grant), history.log_in(grant)
        lifetime, is_documented = lifetime_of(api, grant, token)
        leeway = api.profile.token.leeway
        api.needs_time(lifetime + leeway)
        used = valid.presenting("bearer", token.access)
        passed = 0
        for offset in (0, lifetime // 2, lifetime - short_of_end(lifetime, leeway)):
            if offset:
                api.advance(offset - passed)
            passed = offset
            # Alone: a control may mean a new login, which may end this session.
            answer = api.send(used, alone=True)
            judge = answer.require if is_documented else answer.advise
            judge(answer.status < 300, f"success {offset} s into a lifetime of {lifetime} s")
        api.advance(lifetime + leeway - passed)
        answer = api.send(used, alone=True)
        if answer.is_admitted:
            answer.advise(False, f"a refusal {leeway} s after the end of a lifetime of {lifetime} s, used or not")
            answer = api.send(valid.presenting("bearer", unused.access), alone=True)
        judge = answer.require if is_documented else answer.advise
        judge(answer.is_refusal, f"a refusal {leeway} s after the end of a lifetime of {lifetime} s")
        api.control(valid)


@rule(
    DOC,
    PROFILE,
    "RFC 6749 1.4",
    applies=issued_token_zones,
    catches="token-revives",
    safety=CONSUME,
    look="What prolongs a token: a sliding lifetime that is renewed before the check, or a cache that"
    " forgets that it was over.",
)
def exp_monotone(api: Api, zone: Zone) -> None:
    """A token that was refused since its time is over is never accepted again."""
    api.examination.needs_clock()
    is_opened = False
    for valid in api.requests(zone, "bearer"):
        history = History(api)
        first = history.log_in()
        used = valid.presenting("bearer", first.access)
        lifetime, _ = lifetime_of(api, history.grant(), first)
        if not history.opened(first, [valid]):
            continue
        is_opened = True
        api.send(used, alone=True).accepted()
        api.needs_time(2 * lifetime + api.profile.token.leeway)
        api.advance(lifetime + api.profile.token.leeway)
        # No control yet: it would take a new token, and this is to be refused before there is one.
        answer = api.send(used, alone=True)
        if not answer.is_refusal:
            raise NotApplicable("a token whose time is over is accepted, which is the matter of exp-boundary")
        history.keep(answer)
        later = [history.log_in()]
        if first.refresh is not None:
            refreshed = api.send(history.request(first), alone=True)
            later += [history.taken(refreshed)] if refreshed.has_token else []
        if any(tokens.access == first.access for tokens in later):
            raise NotApplicable("the server hands the same token out again, with a new lifetime")
        api.send(used).refused()
        for tokens in later:
            api.send(valid.presenting("bearer", tokens.access), alone=True)
        api.send(used).refused()
        api.advance(lifetime)
        api.send(used).refused()
    if not is_opened:
        raise NotApplicable("the zone takes no tokens of the grant that gives refresh tokens")


@rule(
    SHOULD,
    "RFC 6749 5.1",
    applies=unattended_grants,
    catches="countdown-frozen",
    safety=ISSUE,
    control=ITSELF,
    look="expires_in of a token that is handed out again: expiry minus now, not the setting.",
)
def exp_honest_countdown(api: Api, grant: GrantType) -> None:
    """A token that is handed out again comes with the lifetime that is left of it."""
    api.examination.needs_clock()
    drafts = bearer_requests(api)
    history = History(api)
    first = history.send(api.token_request(grant))
    lifetime, leeway = first.expires_in, api.profile.token.leeway
    used = history.opened(first, drafts)[:1]
    if not lifetime or not used:
        raise NotApplicable("the answer has no expires_in, or no zone takes the token")
    passed = min(4 * leeway, lifetime // 2) or 1
    api.advance(passed)
    second = history.send(api.token_request(grant))
    if second.access != first.access or not second.expires_in:
        raise NotApplicable("the server gives a new token each time")
    told = passed + second.expires_in
    if told > lifetime + leeway:
        # It may have prolonged the token: what it said last is put to the test.
        api.advance(min(lifetime + leeway, told - leeway) - passed)
        answer = api.send(history.using(second, used[0]), alone=True)
        words = f"the token handed out again to live for the {second.expires_in} s that came with it"
        answer.require(answer.status < 300, words)


@rule(
    SHOULD,
    "RFC 6749 4.1.2",
    applies=code_grant,
    catches="code-never-expires",
    safety=CONSUME,
    look="The lifetime of codes: ten minutes at most, compared at the redemption (Django OAuth Toolkit:"
    " AUTHORIZATION_CODE_EXPIRE_SECONDS).",
)
def exp_code_short(api: Api, grant: GrantType) -> None:
    """An authorization code is good for ten minutes at most."""
    api.examination.needs_clock()
    late = api.token_request(grant)
    api.advance(LONGEST_CODE + api.profile.token.leeway)
    api.send(late.in_doubt()).no_token()

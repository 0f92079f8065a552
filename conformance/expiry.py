"""What time does to tokens and codes. The clock of the target is moved; nothing here ever waits."""

from __future__ import annotations

from pytest_apiauth.profile.model import GrantType, Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, rule
from pytest_apiauth.suite.api import Exchange
from pytest_apiauth.suite.history import History, Tokens
from pytest_apiauth.suite.outcomes import NotApplicable

from .parts import code_grant, issued_token_zones, unattended_grants
from .refresh import bearer_requests

LIFETIME_SOURCES = (PROFILE, "RFC 6749 5.1", "RFC 6750 3.1", "JI-08", "DA-13", "DI-07")
LONGEST_CODE = 600


def lifetime_of(exchange: Exchange, grant: GrantType | None, tokens: Tokens) -> tuple[int, bool]:
    """Give the lifetime of a new token and whether it is documented. Raises NotApplicable where none is told."""
    documented = exchange.profile.answer_of(grant).expires_in if grant else None
    lifetime = tokens.expires_in or documented
    if not lifetime:
        raise NotApplicable("neither the profile nor the answer tells how long a token lives")
    return lifetime, documented is not None


@rule(
    "exp-boundary", level=Level.DOC, safety=Safety.ISSUE, sources=LIFETIME_SOURCES,
    applies=issued_token_zones, control=Control.TWIN, faults=("token-never-expires", "token-expires-early"),
)  # fmt: skip
def lives_as_long_as_told(exchange: Exchange, zone: Zone) -> None:
    """A token works for its lifetime and is refused after it, give or take the leeway."""
    exchange.examination.needs_clock()
    grant = exchange.profile.usual_grant
    for valid in exchange.requests(zone, "bearer"):
        token = History(exchange).log_in(grant)
        lifetime, is_documented = lifetime_of(exchange, grant, token)
        leeway = exchange.profile.token.leeway
        used = valid.with_header(*exchange.header("bearer", token.access))
        passed = 0
        for offset in (0, lifetime // 2, lifetime - min(leeway, lifetime // 4)):
            if offset:
                exchange.advance(offset - passed)
            passed = offset
            answer = exchange.send(used, twin=valid)
            judge = answer.require if is_documented else answer.advise
            judge(answer.status < 300, f"success {offset} s into a lifetime of {lifetime} s")
        exchange.advance(lifetime + leeway - passed)
        answer = exchange.send(used, twin=valid)
        judge = answer.require if is_documented else answer.advise
        judge(answer.is_refusal, f"a refusal {leeway} s after the end of a lifetime of {lifetime} s")
        exchange.proved_again(valid)


@rule(
    "exp-monotone", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "RFC 6749 1.4", "JI-08", "DA-13"),
    applies=issued_token_zones, control=Control.TWIN, faults=("token-revives",),
)  # fmt: skip
def refused_for_good(exchange: Exchange, zone: Zone) -> None:
    """A token that was refused since its time is over is never accepted again."""
    exchange.examination.needs_clock()
    is_opened = False
    for valid in exchange.requests(zone, "bearer"):
        history = History(exchange)
        first = history.log_in()
        used = valid.with_header(*exchange.header("bearer", first.access))
        lifetime, _ = lifetime_of(exchange, history.grant(), first)
        if not history.opened(first, [valid]):
            continue
        is_opened = True
        exchange.send(used, twin=valid).accepted()
        exchange.advance(lifetime + exchange.profile.token.leeway)
        # No twin yet: it would take a new token, and this is to be refused before there is one.
        answer = exchange.send(used, proved=True)
        if not answer.is_refusal:
            raise NotApplicable("a token whose time is over is accepted, which is the matter of exp-boundary")
        history.keep(answer)
        later = [history.log_in()]
        if first.refresh is not None:
            refreshed = exchange.send(history.request(first), proved=True)
            later += [history.taken(refreshed)] if refreshed.has_token else []
        if any(tokens.access == first.access for tokens in later):
            raise NotApplicable("the server hands the same token out again, with a new lifetime")
        exchange.send(used, twin=valid).refused()
        for tokens in later:
            exchange.send(valid.with_header(*exchange.header("bearer", tokens.access)), proved=True)
        exchange.send(used, twin=valid).refused()
        exchange.advance(lifetime)
        exchange.send(used, twin=valid).refused()
    if not is_opened:
        raise NotApplicable("the zone takes no tokens of the grant that gives refresh tokens")


@rule(
    "exp-honest-countdown", level=Level.SHOULD, safety=Safety.ISSUE, sources=("RFC 6749 5.1",),
    applies=unattended_grants, control=Control.ITSELF, faults=("countdown-frozen",),
)  # fmt: skip
def counts_down(exchange: Exchange, grant: GrantType) -> None:
    """A token that is handed out again comes with the lifetime that is left of it."""
    exchange.examination.needs_clock()
    drafts = bearer_requests(exchange)
    history = History(exchange)
    first = history.send(exchange.token_request(grant))
    lifetime, leeway = first.expires_in, exchange.profile.token.leeway
    used = history.opened(first, drafts)[:1]
    if not lifetime or not used:
        raise NotApplicable("the answer has no expires_in, or no zone takes the token")
    passed = min(4 * leeway, lifetime // 2) or 1
    exchange.advance(passed)
    second = history.send(exchange.token_request(grant))
    if second.access != first.access or not second.expires_in:
        raise NotApplicable("the server gives a new token each time")
    told = passed + second.expires_in
    if told > lifetime + leeway:
        # It may have prolonged the token: what it said last is put to the test.
        exchange.advance(min(lifetime + leeway, told - leeway) - passed)
        answer = exchange.send(history.using(second, used[0]), proved=True)
        words = f"the token handed out again to live for the {second.expires_in} s that came with it"
        answer.require(answer.status < 300, words)


@rule(
    "exp-code-short", level=Level.SHOULD, safety=Safety.CONSUME, sources=("RFC 6749 4.1.2",),
    applies=code_grant, control=Control.TWIN, faults=("code-never-expires",),
)  # fmt: skip
def codes_are_short_lived(exchange: Exchange, grant: GrantType) -> None:
    """An authorization code is good for ten minutes at most."""
    exchange.examination.needs_clock()
    late = exchange.token_request(grant)
    exchange.advance(LONGEST_CODE + exchange.profile.token.leeway)
    exchange.send(late, twin=exchange.twin(grant)).no_token()

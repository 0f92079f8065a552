"""Refreshing a token. Each negative test uses a refresh token of its own: a refused one may be dead after it."""

from __future__ import annotations

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.model import GrantType, Profile, Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, rule
from pytest_apiauth.suite.api import Exchange
from pytest_apiauth.suite.history import History
from pytest_apiauth.suite.outcomes import NotApplicable, OutOfReach

from .client_authentication import open_to_nobody, without_client
from .parts import (
    UNATTENDED,
    dying_rotation,
    issued_token_zones,
    lasting_refresh,
    refresh,
    refresh_by_clients,
    refresh_zones,
    rotation,
    scoped_first,
    scoped_refresh,
)
from .revocation import client_of
from .token_answer import (
    UNKNOWN_SCOPE,
    asked,
    require_json,
    require_lifetime,
    require_no_store,
    require_type,
    require_without,
)

NEW_TOKEN = "REFRESHED_ACCESS_TOKEN"
KEPT_SCOPES = ("openid", "offline_access")
"""Scopes that some servers make the refresh itself depend on."""
RACERS, RACES = 4, 3
LONGEST_LIST = 4
"""How many scopes of a profile are tried."""


@rule(
    "ref-success", level=Level.MUST, safety=Safety.CONSUME,
    sources=("RFC 6749 6", "RFC 6749 5.1", "JI-15", "DA-08", PROFILE),
    applies=refresh, control=Control.ITSELF, faults=("refreshed-token-unusable",),
)  # fmt: skip
def refresh_gives_a_token(exchange: Exchange, grant: GrantType) -> None:
    """A live refresh token gives an access token that works."""
    history, client = History(exchange), client_of(exchange, grant)
    drafts = bearer_requests(exchange)
    first = history.log_in(client=client)
    # Used at once and without a twin: to prove one could mean a new login, which may end this session.
    opened = history.opened(first, drafts)
    answer = exchange.send(history.request(first, client=client)).issued()
    answer.require(str(answer.members.get("token_type")).lower() == "bearer", "the token_type Bearer")
    token = exchange.keep(NEW_TOKEN, str(answer.members["access_token"]))
    for draft in opened:
        exchange.send(draft.with_header(*exchange.header("bearer", token))).accepted()
    need_opened(drafts, opened)


def bearer_requests(exchange: Exchange) -> list[Draft]:
    """Give the valid requests of every zone that takes an issued token."""
    zones = issued_token_zones.find(exchange.profile).values()
    return [valid for zone in zones for valid in exchange.requests(zone, "bearer")]


def need_opened(drafts: list[Draft], opened: list[Draft]) -> None:
    """Raise NotApplicable where there are zones, and none of them takes the tokens of the grant at hand."""
    if drafts and not opened:
        raise NotApplicable("no zone takes a token of the grant that gives refresh tokens, refreshed or not")


@rule(
    "ref-not-access", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 1.5", "JI-14", PROFILE),
    applies=refresh_zones, control=Control.TWIN, faults=("refresh-token-as-bearer",),
)  # fmt: skip
def refresh_token_is_no_access_token(exchange: Exchange, zone: Zone) -> None:
    """A refresh token does not authenticate a request."""
    token = exchange.refresh_token()
    for valid in exchange.requests(zone, "bearer"):
        exchange.send(valid.with_header(*exchange.header("bearer", token)), twin=valid).refused()


@rule(
    "acc-not-refresh", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", "JI-16", PROFILE),
    applies=refresh, control=Control.TWIN, faults=("access-token-as-refresh-token",),
)  # fmt: skip
def access_token_is_no_refresh_token(exchange: Exchange, grant: GrantType) -> None:
    """An access token cannot be exchanged for another one."""
    draft = exchange.token_request(grant).setting("refresh_token", exchange.credential("ACCESS_TOKEN"))
    exchange.send(draft, twin=exchange.twin(grant)).no_token()


@rule(
    "ref-client-auth", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", PROFILE),
    applies=refresh_by_clients, control=Control.TWIN, faults=("refresh-without-client",),
)  # fmt: skip
def refresh_needs_the_client(exchange: Exchange, grant: GrantType) -> None:
    """A client that does not authenticate, or wrongly, cannot refresh."""
    cause = open_to_nobody(exchange)
    twin = exchange.twin(grant)
    nobody = without_client(exchange.token_request(grant))
    exchange.send(nobody, twin=twin).no_token(cause)
    draft = exchange.token_request(grant)
    wrong = draft.editing(draft.secret("CLIENT_SECRET"), Edit("reverse"))
    exchange.send(wrong, twin=twin).no_token(cause)


@rule(
    "ref-client-bound", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", "RFC 6749 10.4"),
    applies=refresh_by_clients, control=Control.TWIN, faults=("refresh-any-client",),
)  # fmt: skip
def refresh_token_is_bound(exchange: Exchange, grant: GrantType) -> None:
    """A refresh token works for the client that it was issued to, and for no other."""
    exchange.credential("CLIENT_SECRET", "second")
    # The second client's own request is made first: that it succeeds shows that the client itself is good.
    foreign = exchange.token_request(grant, client="second").setting("refresh_token", exchange.refresh_token())
    exchange.send(foreign, twin=exchange.twin(grant, client="second")).no_token()


@rule(
    "ref-rotation", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "JI-15", "RFC 9700 4.14.2"),
    applies=rotation, control=Control.ITSELF, faults=("refresh-token-kept",),
)  # fmt: skip
def refresh_gives_a_new_refresh_token(exchange: Exchange, grant: GrantType) -> None:
    """Each refresh answers a new refresh token, where that is documented."""
    draft = exchange.token_request(grant)
    spent = exchange.examination.value(draft.secret("REFRESH_TOKEN"))
    answer = exchange.send(draft).issued()
    new = answer.members.get("refresh_token")
    answer.require(isinstance(new, str) and bool(new), "a refresh_token with the new access token", "none")
    answer.require(new != spent, "a new refresh token", "the one that was sent")


@rule(
    "ref-no-store", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 5.1",),
    applies=refresh, control=Control.ITSELF, faults=("refresh-answer-cacheable",),
)  # fmt: skip
def refreshed_answer_is_not_stored(exchange: Exchange, grant: GrantType) -> None:
    """The answer to a refresh says Cache-Control: no-store, as any that holds a token."""
    require_no_store(asked(exchange, grant))


@rule(
    "ref-expires-in", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 5.1", "DA-13", "JI-10", "DI-07"),
    applies=refresh, control=Control.ITSELF, faults=("refresh-expires-in-text",),
)  # fmt: skip
def refreshed_lifetime(exchange: Exchange, grant: GrantType) -> None:
    """expires_in is a positive JSON integer in the answer to a refresh too; it is there where it is documented."""
    require_lifetime(asked(exchange, grant), grant)


@rule(
    "ref-members", level=Level.MUST, safety=Safety.CONSUME,
    sources=("RFC 6749 5.1", "RFC 6749 7.1", "DA-13", "JI-10", "DI-07"),
    applies=refresh, control=Control.ITSELF, faults=("refresh-token-type-missing",),
)  # fmt: skip
def refreshed_members(exchange: Exchange, grant: GrantType) -> None:
    """The answer to a refresh is application/json with status 200, and names the type of the new token."""
    answer = asked(exchange, grant)
    require_json(answer)
    require_type(answer)


@rule(
    "ref-scope-widen", level=Level.SHOULD, safety=Safety.CONSUME, sources=("RFC 6749 6",),
    applies=refresh, control=Control.TWIN, faults=("refresh-scope-widens", "refresh-scope-known"),
)  # fmt: skip
def refresh_does_not_widen(exchange: Exchange, grant: GrantType) -> None:
    """A refresh never adds a scope that was not granted at first, whether the server knows it or not."""
    draft = exchange.token_request(grant).setting("scope", UNKNOWN_SCOPE)
    require_without(exchange.send(draft, twin=exchange.twin(grant)), UNKNOWN_SCOPE)
    for first in (name for name in UNATTENDED if exchange.profile.answer_of(name).refresh_token):
        if first in exchange.profile.grants:
            _widened(exchange, grant, first)


def _widened(exchange: Exchange, grant: GrantType, first: GrantType) -> None:
    """Begin with one scope of those that the profile names, and ask for another when the token is refreshed."""
    own = (exchange.profile.scope_of(first) or "").split()
    words = [word for word in dict.fromkeys([*own, *_scopes(exchange.profile)]) if word not in KEPT_SCOPES]
    if not own or len(words) < 2:
        return
    narrow = exchange.token_request(first).setting("scope", words[0])
    for word in words[1:LONGEST_LIST]:
        history = History(exchange)
        answer = exchange.send(narrow, proved=True)
        if not answer.has_token:
            return  # the scope is no part of what this grant is asked for here
        tokens = history.taken(answer)
        # A server that knows of no parts of a scope may grant more than was asked for; what it tells is what counts.
        granted = (tokens.scope or words[0]).split()
        if word not in granted and tokens.refresh is not None:
            draft = history.request(tokens).setting("scope", " ".join([*granted, word]))
            require_without(exchange.send(draft, twin=exchange.twin(grant)), word)


def _scopes(profile: Profile) -> list[str]:
    """Give every scope that the profile names for any grant."""
    texts = [text for name in profile.grants for text in (profile.scope_of(name), profile.answer_of(name).scope)]
    return [word for text in texts for word in (text or "").split()]


@rule(
    "ref-scope-narrow", level=Level.SHOULD, safety=Safety.CONSUME, sources=("RFC 6749 6", "RFC 6749 3.3"),
    applies=scoped_refresh, control=Control.TWIN, faults=("refresh-scope-kept-wide",),
)  # fmt: skip
def refresh_may_narrow(exchange: Exchange, grant: GrantType) -> None:
    """A refresh that asks for a part of the scope gets no more than that part; one that asks for all of it gets it."""
    profile, target = exchange.profile, exchange.examination.target
    history = History(exchange)
    wide = [name for name in scoped_first(profile) if name != "authorization_code" or target.has_browser]
    if not wide:
        raise OutOfReach("the grant authorization_code needs a browser, which this run does not have")
    first = history.log_in(wide[0])
    granted = (first.scope or profile.scope_of(wide[0]) or "").split()
    narrow = [word for word in granted if word not in KEPT_SCOPES][:1]
    if not narrow or len(granted) < 2:
        raise NotApplicable("the scope granted has one word, of which nothing can be left out")
    draft = history.request(first).setting("scope", narrow[0])
    answer = exchange.send(draft, twin=exchange.twin(grant)).issued()
    reported = answer.members.get("scope", narrow[0])
    answer.require(str(reported).split() == narrow, f"the scope {narrow[0]!r}", f"the scope {reported!r}")
    same = history.request(history.log_in(wide[0])).setting("scope", " ".join(granted))
    exchange.send(same, twin=exchange.twin(grant)).issued()


@rule(
    "ref-old-dead", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "RFC 9700 4.14.2"),
    applies=dying_rotation, control=Control.TWIN, faults=("refresh-old-lives",),
)  # fmt: skip
def old_refresh_token_is_dead(exchange: Exchange, grant: GrantType) -> None:
    """A refresh token is dead once it has been used, where that is documented."""
    history = History(exchange)
    first = history.log_in()
    history.refresh(first)
    exchange.send(history.request(first), twin=exchange.twin(grant)).no_token()


@rule(
    "ref-ancestor-dead", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "RFC 9700 4.14.2"),
    applies=dying_rotation, control=Control.TWIN, faults=("refresh-ancestor-revives",),
)  # fmt: skip
def ancestors_stay_dead(exchange: Exchange, grant: GrantType) -> None:
    """A refresh token two or more generations old is dead, whatever grace its direct successor has."""
    for generations, ancestor in ((2, 0), (3, 0), (3, 1)):
        with exchange.row():
            history = History(exchange)
            chain = [history.log_in()]
            for _ in range(generations):
                chain.append(history.refresh(chain[-1]))
            exchange.send(history.request(chain[ancestor]), twin=exchange.twin(grant)).no_token()


@rule(
    "ref-reuse-kills-family", level=Level.SHOULD, safety=Safety.REVOKE, sources=("RFC 9700 4.14.2",),
    applies=dying_rotation, control=Control.TWIN, faults=("reuse-spares-family",),
)  # fmt: skip
def reuse_ends_the_family(exchange: Exchange, grant: GrantType) -> None:
    """When a dead refresh token comes again, the living one of its family ends too."""
    history = History(exchange)
    first = history.log_in()
    second = history.refresh(first)
    replay = exchange.send(history.request(first), twin=exchange.twin(grant))
    if replay.has_token:
        raise NotApplicable("the old refresh token lives on, which is the matter of ref-old-dead")
    history.keep(replay)
    exchange.send(history.request(second), twin=exchange.twin(grant)).no_token()


@rule(
    "ref-family-isolation", level=Level.SHOULD, safety=Safety.REVOKE, sources=("RFC 9700 4.14.2",),
    applies=rotation, control=Control.ITSELF, faults=("family-kill-hits-others",),
)  # fmt: skip
def reuse_spares_other_families(exchange: Exchange, grant: GrantType) -> None:
    """The reuse of a refresh token ends no tokens of another login of the same user."""
    history = History(exchange)
    first = history.log_in()
    history.refresh(first)
    drafts = bearer_requests(exchange)
    # The later login, so that a server with one session a user cannot be taken for one that ends too much.
    other = history.log_in()
    opened = history.opened(other, drafts)
    other = history.refresh(other)
    history.keep(exchange.send(history.request(first), proved=True))
    try:
        for draft in opened:
            exchange.send(history.using(other, draft)).accepted()
        exchange.send(history.request(other)).issued()
    finally:
        exchange.examination.forget_tokens()


@rule(
    "ref-race", level=Level.SHOULD, safety=Safety.LOAD, sources=("RFC 9700 4.14.2", PROFILE),
    applies=dying_rotation, control=Control.ITSELF, faults=("refresh-race-lost",),
)  # fmt: skip
def one_refresh_wins(exchange: Exchange, grant: GrantType) -> None:
    """Of several refreshes at once with one token, one at most leads to a living refresh token."""
    for _ in range(RACES):
        history = History(exchange)
        winners = history.all_at_once(history.request(history.log_in()), RACERS)
        tokens = dict.fromkeys(tokens.refresh for tokens in winners if tokens.refresh)
        alive = 0
        for token in tokens:
            answer = exchange.send(history.refresh_request(token), proved=True)
            alive += answer.has_token
            answer.require(alive < 2, "one living refresh token after the race", "a second one")
            history.keep(answer)


@rule(
    "ref-lifetime", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "JI-13", "RFC 9700 4.14.2"),
    applies=lasting_refresh, control=Control.TWIN, faults=("refresh-never-expires", "refresh-expires-early"),
)  # fmt: skip
def refresh_token_lifetime(exchange: Exchange, grant: GrantType) -> None:
    """A refresh token works until its documented lifetime is over, and not after it."""
    exchange.examination.needs_clock()
    settings = exchange.profile.token
    lifetime = settings.refresh_expires_in or 0
    slack = min(settings.leeway, lifetime // 4)
    history = History(exchange)
    first = history.log_in()
    exchange.advance(lifetime - slack)
    exchange.send(history.request(first)).issued()
    history = History(exchange)
    second = history.log_in()
    exchange.advance(lifetime + settings.leeway)
    exchange.send(history.request(second), twin=exchange.twin(grant)).no_token()

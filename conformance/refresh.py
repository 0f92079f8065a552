"""Refreshing a token. Each negative test uses a refresh token of its own: a refused one may be dead after it."""

from __future__ import annotations

from pytest_apiauth.rules import (
    CONSUME,
    DOC,
    ISSUE,
    ITSELF,
    MUST,
    PROFILE,
    SHOULD,
    Api,
    Draft,
    GrantType,
    History,
    NotApplicable,
    OutOfReach,
    Profile,
    Role,
    Zone,
    rule,
)

from .client_authentication import WRONG, another_client, open_to_nobody, without_client
from .parts import (
    UNATTENDED,
    issued_token_zones,
    lasting_refresh,
    own_refresh,
    refresh,
    refresh_by_clients,
    refresh_zones,
    renewal,
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

LOOK = (
    "The refresh grant: the row of the refresh token, whose client, scope, family and state of use are"
    " looked at before anything is issued."
)

NEW_TOKEN = "REFRESHED_ACCESS_TOKEN"
KEPT_SCOPES = ("openid", "offline_access")
"""Scopes that some servers make the refresh itself depend on."""
LONGEST_LIST = 4
"""How many scopes of a profile are tried."""


@rule(
    MUST,
    "RFC 6749 6",
    "RFC 6749 5.1",
    PROFILE,
    applies=renewal,
    catches="refreshed-token-unusable",
    safety=CONSUME,
    control=ITSELF,
    look="The token that a refresh gives: it is stored or signed as that of a login is, before the answer leaves.",
)
def ref_success(api: Api, grant: GrantType) -> None:
    """A live refresh token gives an access token that works."""
    history, client = History(api), client_of(api, grant)
    drafts = bearer_requests(api)
    first = history.log_in(client=client)
    # Used at once and alone: a control could mean a new login, which may end this session.
    opened = history.opened(first, drafts)
    answer = api.send(history.request(first, client=client)).issued()
    token = api.keep(NEW_TOKEN, str(answer.members["access_token"]), Role.ACCESS_TOKEN)
    for draft in opened:
        api.send(draft.presenting("bearer", token).as_control()).accepted()
    need_opened(drafts, opened)


def bearer_requests(api: Api) -> list[Draft]:
    """Return the valid requests of every zone that takes an issued token."""
    zones = issued_token_zones.find(api.profile).values()
    return [valid for zone in zones for valid in api.requests(zone, "bearer")]


def need_opened(drafts: list[Draft], opened: list[Draft]) -> None:
    """Raise NotApplicable if there are zones, and none of them takes the tokens of the grant at hand."""
    if drafts and not opened:
        raise NotApplicable("no zone takes a token of the grant that gives refresh tokens, refreshed or not")


@rule(
    MUST,
    "RFC 6749 1.5",
    PROFILE,
    applies=refresh_zones,
    catches="refresh-token-as-bearer",
    safety=ISSUE,
    look="The lookup at the resource finds refresh tokens too: filter by type (JWT: a claim for the type,"
    " which flask-jwt-extended and simplejwt check).",
)
def ref_not_access(api: Api, zone: Zone) -> None:
    """A refresh token does not authenticate a request."""
    token = api.refresh_token()
    for valid in api.requests(zone, "bearer"):
        api.send(valid.presenting("bearer", token)).refused()


@rule(
    MUST,
    "RFC 6749 6",
    PROFILE,
    applies=own_refresh,
    catches="access-token-as-refresh-token",
    safety=CONSUME,
    look="The lookup of the refresh grant finds access tokens too: filter by type (JWT: a claim for the type).",
)
def acc_not_refresh(api: Api, grant: GrantType) -> None:
    """An access token cannot be exchanged for another one."""
    draft = api.token_request(grant).setting("refresh_token", api.ref(Role.ACCESS_TOKEN))
    api.send(draft).no_token()


@rule(
    MUST,
    "RFC 6749 6",
    PROFILE,
    applies=refresh_by_clients,
    catches="refresh-without-client",
    safety=CONSUME,
    look="The refresh grant authenticates the client as every other does, before the token is looked at (RFC 6749 6).",
)
def ref_client_auth(api: Api, grant: GrantType) -> None:
    """A client that does not authenticate, or wrongly, cannot refresh."""
    cause = open_to_nobody(api)
    nobody = without_client(api.token_request(grant))
    api.send(nobody).no_token(cause)
    draft = api.token_request(grant)
    api.send(draft.proving_wrongly(WRONG)).no_token(cause)


@rule(
    MUST,
    "RFC 6749 6",
    "RFC 6749 10.4",
    applies=refresh_by_clients,
    catches="refresh-any-client",
    safety=CONSUME,
    look="The row of the refresh token has its client: compare it with the authenticated one (RFC 6749 10.4).",
)
def ref_client_bound(api: Api, grant: GrantType) -> None:
    """A refresh token works for the client that it was issued to, and for no other."""
    other = another_client(api, api.profile.client_of(grant), grant)
    # The other client's own request is made first: that it succeeds shows that the client itself is good.
    foreign = api.token_request(grant, client=other).setting("refresh_token", api.refresh_token())
    api.send(foreign).no_token()


@rule(
    MUST,
    "RFC 6749 5.1",
    applies=refresh,
    catches="refresh-answer-cacheable",
    safety=CONSUME,
    control=ITSELF,
    look="The headers of the refresh answer: the same Cache-Control: no-store as for a login.",
)
def ref_no_store(api: Api, grant: GrantType) -> None:
    """The answer to a refresh says Cache-Control: no-store, as any that holds a token."""
    require_no_store(asked(api, grant))


@rule(
    MUST,
    "RFC 6749 5.1",
    applies=refresh,
    catches="refresh-expires-in-text",
    safety=CONSUME,
    control=ITSELF,
    look="expires_in of the refresh answer: int(seconds), by the same function as for a login.",
)
def ref_expires_in(api: Api, grant: GrantType) -> None:
    """expires_in is a positive JSON integer in the answer to a refresh too; it is there where it is documented."""
    require_lifetime(asked(api, grant), grant)


@rule(
    MUST,
    "RFC 6749 5.1",
    "RFC 6749 7.1",
    applies=refresh,
    catches="refresh-token-type-missing",
    safety=CONSUME,
    control=ITSELF,
    look="The members of the refresh answer: by the same function as for a login, with token_type.",
)
def ref_members(api: Api, grant: GrantType) -> None:
    """The answer to a refresh is application/json with status 200, and names the type of the new token."""
    answer = asked(api, grant)
    require_json(answer)
    require_type(answer)


@rule(
    SHOULD,
    "RFC 6749 6",
    applies=refresh,
    catches=("refresh-scope-widens", "refresh-scope-known"),
    safety=CONSUME,
    look="The scope of a refresh is checked against that of the grant, not against what the client may have"
    " at all (RFC 6749 6).",
)
def ref_scope_widen(api: Api, grant: GrantType) -> None:
    """A refresh never adds a scope that was not granted at first, whether the server knows it or not."""
    draft = api.token_request(grant).setting("scope", UNKNOWN_SCOPE)
    require_without(api.send(draft), UNKNOWN_SCOPE)
    for first in (name for name in UNATTENDED if api.profile.answer_of(name).refresh_token):
        if first in api.profile.grants:
            _widened(api, grant, first)


def _widened(api: Api, grant: GrantType, first: GrantType) -> None:
    """Begin with one scope of those that the profile names, and ask for another when the token is refreshed."""
    own = (api.profile.scope_of(first) or "").split()
    words = [word for word in dict.fromkeys([*own, *_scopes(api.profile)]) if word not in KEPT_SCOPES]
    if not own or len(words) < 2:
        return
    narrow = api.token_request(first).setting("scope", words[0])
    for word in words[1:LONGEST_LIST]:
        history = History(api)
        answer = api.send(narrow, alone=True)
        if not answer.has_token:
            return  # the scope is no part of what this grant is asked for here
        tokens = history.taken(answer)
        # A server that knows of no parts of a scope may grant more than was asked for; what it tells is what counts.
        granted = (tokens.scope or words[0]).split()
        if word not in granted and tokens.refresh is not None:
            draft = history.request(tokens).setting("scope", " ".join([*granted, word]))
            require_without(api.send(draft), word)


def _scopes(profile: Profile) -> list[str]:
    """Return every scope that the profile names for any grant."""
    texts = [text for name in profile.grants for text in (profile.scope_of(name), profile.answer_of(name).scope)]
    return [word for text in texts for word in (text or "").split()]


@rule(
    SHOULD,
    "RFC 6749 6",
    "RFC 6749 3.3",
    applies=scoped_refresh,
    catches="refresh-scope-kept-wide",
    safety=CONSUME,
    look="The scope parameter of a refresh is ignored: issue the access token for the part that was asked for.",
)
def ref_scope_narrow(api: Api, grant: GrantType) -> None:
    """A refresh that asks for a part of the scope gets no more than that part; one that asks for all of it gets it."""
    profile, history = api.profile, History(api)
    wide = [name for name in scoped_first(profile) if api.examination.can_use(name)]
    if not wide:
        raise OutOfReach("the grant authorization_code needs a browser, which this run does not have")
    first = history.log_in(wide[0])
    granted = (first.scope or profile.scope_of(wide[0]) or "").split()
    narrow = [word for word in granted if word not in KEPT_SCOPES][:1]
    if not narrow or len(granted) < 2:
        raise NotApplicable("the scope granted has one word, of which nothing can be left out")
    draft = history.request(first).setting("scope", narrow[0])
    answer = api.send(draft).issued()
    reported = answer.members.get("scope", narrow[0])
    answer.require(str(reported).split() == narrow, f"the scope {narrow[0]!r}", f"the scope {reported!r}")
    same = history.request(history.log_in(wide[0])).setting("scope", " ".join(granted))
    api.send(same).issued()


def short_of_end(lifetime: int, leeway: int) -> int:
    """Return how many seconds before its end a token is still to work.

    That is the leeway, or a quarter of a short lifetime; but never none, as it is over at its end (RFC 7519 4.1.4).
    """
    return max(1, min(leeway, lifetime // 4))


@rule(
    DOC,
    PROFILE,
    "RFC 9700 4.14.2",
    applies=lasting_refresh,
    catches=("refresh-never-expires", "refresh-expires-early"),
    safety=CONSUME,
    look="The expiry of refresh tokens is compared at each refresh (Django OAuth Toolkit:"
    " REFRESH_TOKEN_EXPIRE_SECONDS, which is unset by default).",
)
def ref_lifetime(api: Api, grant: GrantType) -> None:
    """A refresh token works until its documented lifetime is over, and not after it."""
    api.examination.needs_clock()
    settings = api.profile.token
    lifetime = settings.refresh_expires_in or 0
    slack = short_of_end(lifetime, settings.leeway)
    api.needs_time(2 * lifetime - slack + settings.leeway)
    history = History(api)
    first = history.log_in()
    api.advance(lifetime - slack)
    api.send(history.request(first)).issued()
    history = History(api)
    second = history.log_in()
    api.advance(lifetime + settings.leeway)
    api.send(history.request(second).in_doubt()).no_token()

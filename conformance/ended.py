"""What was good once: credentials that the profile names as revoked or expired, wherever their like is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_apiauth.rules import (
    CONSUME,
    GRANTS,
    ISSUE,
    LOCKOUT,
    MUST,
    PROFILE,
    Answer,
    Api,
    Draft,
    Ending,
    Kind,
    OutOfReach,
    Parts,
    Profile,
    Ref,
    Role,
    rule,
)

from .client_authentication import open_to_nobody
from .parts import protected_zones, renewal, unattended_logins
from .revocation import asking, client_of, introspection

LOOK = (
    "The lookup of the credential: a query that finds it has to ask for its state too (revoked, replaced,"
    " expired, inactive), and no cache may answer in its place."
)

SECRET = ("client_secret", "password")
"""What is guessed at, so that an account may lock."""
TOKENS = ("access_token", "refresh_token", "personal_access_token")
"""What an authorization server can be asked about."""
SPENT = frozenset(grant.spends for grant in GRANTS.values() if grant.refreshes)
"""What renews a token."""


def _ended(wanted: Callable[[Profile, str], bool]) -> Callable[[Profile], Mapping[str, tuple[Ending, str]]]:
    return lambda profile: {
        f"{ending}.{name}": (ending, name) for ending, name in profile.ended if wanted(profile, name)
    }


def _kinds(profile: Profile, name: str) -> list[Kind]:
    """Return the kinds of credentials that a value is one of, or a part of one."""
    return [
        kind for kind, row in profile.kinds.items() if kind == name or any(name.upper() in roles for roles in row.roles)
    ]


def _opens_zones(profile: Profile, name: str) -> bool:
    taken = {kind for zone in protected_zones.find(profile).values() for kind in zone.kinds}
    return not taken.isdisjoint(_kinds(profile, name)) or not set(profile.token_route_keys).isdisjoint([name])


ended_keys = Parts(
    "the profile names no key or token of a zone that is revoked or expired",
    _ended(lambda profile, name: name not in SECRET and _opens_zones(profile, name)),
)
ended_secrets = Parts(
    "the profile names no secret or password that is revoked or expired",
    _ended(lambda profile, name: name in SECRET),
)
ended_tokens = Parts(
    "the profile names no token that is revoked or expired, or nobody can be asked about one",
    _ended(lambda profile, name: name in TOKENS and bool(asking.find(profile))),
)
ended_users = Parts(
    "the profile names no user who was deactivated",
    lambda profile: {f"{ending}.{user}": user for ending, user in profile.ended_users.items()},
)
ended_refresh_tokens = Parts(
    "the profile names no refresh token that is revoked or expired, or no grant takes one",
    _ended(lambda profile, name: name in SPENT and bool(renewal.find(profile))),
)


def _at_zones(api: Api, name: str, ended: Ref) -> Iterator[Draft]:
    """Yield the valid requests of every zone that takes a kind of credential, with one that has ended in its place."""
    kinds = _kinds(api.profile, name)
    for zone in protected_zones.find(api.profile).values():
        if zone.kinds.isdisjoint(kinds):
            continue
        for valid in api.requests(zone, *kinds):
            for ref in valid.refs:
                if ref.role is ended.role and ref.kind == ended.kind:
                    yield valid.replacing(ref, ended)


def _token_requests(api: Api, ended: Ref) -> Iterator[Draft]:
    """Yield the valid token requests that carry a secret of the role, with the one that has ended in its place."""
    for grant in unattended_logins.find(api.profile).values():
        valid = api.token_request(grant)
        for ref in valid.refs:
            if ref.role is ended.role and ref.kind == ended.kind:
                yield valid.replacing(ref, ended)


def _tried(count: int, where: str) -> None:
    if not count:
        raise OutOfReach(f"nothing that can be asked here takes it: {where}")


@rule(
    MUST,
    "RFC 6750 3.1",
    "RFC 9110 15.5.2",
    PROFILE,
    applies=ended_keys,
    catches=("ended-key-accepted", "ended-token-accepted"),
    safety=ISSUE,
    look="The lookup of keys and tokens: filter by revoked and expired, and see how long caches keep a good answer.",
)
def ended_refused(api: Api, which: tuple[Ending, str]) -> None:
    """A key or a token that was revoked, or whose time is over, opens no zone and no token endpoint."""
    ended = api.ended(*which)
    at_zones, at_token_route = [*_at_zones(api, which[1], ended)], [*_token_requests(api, ended)]
    _tried(len(at_zones) + len(at_token_route), which[1])
    api.each(at_zones, Answer.refused)
    api.each(at_token_route, Answer.no_token)


@rule(
    MUST,
    "RFC 6749 2.3.1",
    "RFC 6749 5.2",
    "RFC 7617 2",
    PROFILE,
    applies=ended_secrets,
    catches=("ended-secret-accepted", "ended-password-accepted"),
    safety=LOCKOUT,
    look="A change of a secret or password replaces the old one, or gives it an end that the check looks at.",
)
def ended_secret_refused(api: Api, which: tuple[Ending, str]) -> None:
    """A client's secret or a user's password that was changed, or whose time is over, is a wrong one."""
    ended = api.ended(*which)
    at_zones, requests = [*_at_zones(api, which[1], ended)], [*_token_requests(api, ended)]
    _tried(len(at_zones) + len(requests), which[1])
    cause = open_to_nobody(api) if ended.role is Role.CLIENT_SECRET else None
    api.each(at_zones, Answer.refused)
    api.each(requests, lambda answer: answer.no_token(cause))


@rule(
    MUST,
    "RFC 6749 5.2",
    "RFC 6749 10.4",
    PROFILE,
    applies=ended_refresh_tokens,
    catches="ended-refresh-token-accepted",
    safety=CONSUME,
    look="The lookup of the refresh grant: filter by revoked and expired.",
)
def ended_refresh_token(api: Api, which: tuple[Ending, str]) -> None:
    """A refresh token that was revoked, or whose time is over, gives no token."""
    ended = api.ended(*which)
    for grant in renewal.find(api.profile).values():
        valid = api.token_request(grant)
        api.send(valid.replacing(valid.carried(Role.REFRESH_TOKEN), ended)).no_token()


@rule(
    MUST,
    "RFC 7662 2.2",
    PROFILE,
    applies=ended_tokens,
    catches="introspection-ended-active",
    safety=ISSUE,
    look='The introspection view looks at the same state as resources do: revoked and expired are {"active": false}.',
)
def ended_inactive(api: Api, which: tuple[Ending, str]) -> None:
    """Whoever asks about a token that was revoked, or whose time is over, is not told that it is active."""
    ended, grant = api.ended(*which), api.profile.usual_grant
    assert grant is not None
    token = api.ref(Role.ACCESS_TOKEN)
    told = api.send(introspection(api, token, client_of(api, grant)).replacing(token, ended))
    active = told.members.get("active")
    told.require(active is not True, "no active: true of a token that has ended", f"{told.got}, active: true")
    told.advise(told.status == 200 and active is False, "200 with active: false", f"{told.got}, active: {active}")


@rule(
    MUST,
    "RFC 6749 4.3.2",
    PROFILE,
    applies=ended_users,
    catches="ended-user-accepted",
    safety=LOCKOUT,
    look="The login looks at the user's state as well as the password (Django: is_active, which ModelBackend"
    " checks and a hand-written check_password does not).",
)
def ended_user(api: Api, user: str) -> None:
    """Nobody logs in as a user who was deactivated, with a password that is right in every letter."""
    former = {role: api.ref(role, user) for role in (Role.USERNAME, Role.PASSWORD)}
    zones = protected_zones.find(api.profile).values()
    kinds = _kinds(api.profile, "password")
    at_zones = [valid for zone in zones if not zone.kinds.isdisjoint(kinds) for valid in api.requests(zone, *kinds)]
    requests = [api.token_request(grant) for grant in unattended_logins.find(api.profile).values()]
    as_former = [[_as(valid, former) for valid in found if _logs_in(valid)] for found in (at_zones, requests)]
    _tried(sum(map(len, as_former)), "password")
    api.each(as_former[0], Answer.refused)
    api.each(as_former[1], Answer.no_token)


def _logs_in(valid: Draft) -> bool:
    roles = {ref.role for ref in valid.refs}
    return {Role.USERNAME, Role.PASSWORD} <= roles


def _as(valid: Draft, former: Mapping[Role, Ref]) -> Draft:
    for role, ref in former.items():
        valid = valid.replacing(valid.carried(role), ref)
    return valid

"""Zones: which credentials each part of an API needs, alone and together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from pytest_apiauth.rules import (
    DEFAULT,
    DOC,
    ISSUE,
    ITSELF,
    MAY,
    MUST,
    PROFILE,
    SHOULD,
    STATED,
    Answer,
    Api,
    Credential,
    Draft,
    History,
    Inconclusive,
    Kind,
    NotApplicable,
    Parts,
    Profile,
    Ref,
    Role,
    Text,
    Zone,
    equivalent,
    rule,
)

from .content import never_the_content
from .grid.cells import Class, Slot, fills
from .needs import WRONG, as_user, naming, others_credentials, surplus_of, truth_table
from .parts import (
    TOKENS,
    all_zones,
    identity_zones,
    issued_token_zones,
    open_zones,
    protected_zones,
    unattended_logins,
)

LOOK = (
    "The table of routes and what they need: authentication is declared per router or view, so compare"
    " what a new route inherits with what the profile promises."
)


@rule(
    DOC,
    PROFILE,
    applies=open_zones,
    catches="open-zone-closed",
    control=ITSELF,
    look="Authentication that is global: an open route has to be taken out of it (Django REST framework:"
    " permission_classes = [AllowAny] and authentication_classes = []).",
)
def zone_open(api: Api, zone: Zone) -> None:
    """An open zone serves anyone."""
    for probe in zone.probe:
        answer = api.send(api.request(probe))
        api.admit(answer, zone, (), is_due=True)
        answer.accepted()


@rule(
    DOC,
    STATED,
    applies=all_zones,
    catches="surplus-credential-refused",
    look="An open or weaker route that still reads the other credential: whatever it does not need it should"
    " not look at.",
)
def zone_surplus_ok(api: Api, zone: Zone) -> None:
    """Valid credentials that a route does not need cause no error."""
    surplus = surplus_of(api, zone)
    if not surplus:
        raise NotApplicable("the zone needs every kind of credential that the profile has")
    for valid in api.requests(zone):
        for count in range(1, len(surplus) + 1):
            api.each((valid.adding(*chosen) for chosen in itertools.combinations(surplus, count)), Answer.like_control)


@rule(
    MAY,
    STATED,
    applies=all_zones,
    catches="surplus-invalid-refused",
    look="An open or weaker route authenticates if it can, and refuses what is bad (Django REST framework"
    " does unless authentication_classes = []).",
)
def zone_surplus_bad(api: Api, zone: Zone) -> None:
    """Invalid credentials that a route does not need cause no error either, as far as the document goes."""
    surplus = surplus_of(api, zone)
    if not surplus:
        raise NotApplicable("the zone needs every kind of credential that the profile has")
    for valid in api.requests(zone):
        api.each((valid.adding(good.editing(WRONG)) for good in surplus), Answer.like_control)


@rule(
    DOC,
    PROFILE,
    applies=protected_zones,
    catches=("any-credential-suffices", "other-zones-needs-suffice"),
    look="How needs are combined: 'key and token' by two dependencies that both refuse; a list of"
    " authentication classes means any of them, and one that is global goes for every route.",
)
def zone_truth_table(api: Api, zone: Zone) -> None:
    """A zone admits each set of credentials that it documents, and none that does not meet its need."""
    for valid in api.requests(zone):
        for row in truth_table(api, zone):
            with api.row():
                answer = api.attempt(replace(valid, credentials=row.credentials))
                if answer is None:
                    continue
                is_open = row.meets(zone) and not row.is_way(zone)
                api.admit(answer, zone, row.good, is_due=answer.is_admitted if is_open else row.meets(zone))
                if not row.meets(zone):
                    answer.refused()
                elif row.is_way(zone):
                    answer.like_control()
        for good, is_own in others_credentials(api, zone):
            with api.row():
                answer = api.attempt(replace(valid, credentials=(good,)))
                if answer is not None and not is_own:
                    _judge_swapped(answer, zone, good.kind)
                elif answer is not None and answer.is_admitted:
                    # One value may have two names: a token that is configured as an API key too is no other's.
                    answer.unless_open().advise(False, "a refusal of a credential that belongs elsewhere")


def _keyed_token_route(profile: Profile) -> dict[str, str]:
    grant = profile.usual_grant
    return {grant: grant} if grant and profile.token_route_keys else {}


@rule(
    DOC,
    PROFILE,
    applies=Parts("the token route lies in no zone that needs a key", _keyed_token_route),
    catches="token-route-without-key",
    safety=ISSUE,
    look="The token route lies in a zone of its own: whatever guards its siblings (the key) has to guard it too.",
)
def zone_token_route(api: Api, grant: str) -> None:
    """A token route in a zone that needs a key gives no token without a good key."""
    valid = api.token_request(grant)  # type: ignore[arg-type]
    for kind in api.profile.token_route_keys:
        wrong = valid.editing(valid.credential(kind).refs[0], WRONG)
        api.each((valid.without(kind), valid.dressed(kind, ""), wrong), Answer.no_token)


@fills((Slot.BEARER, Slot.PERSONAL, Slot.KEY, Slot.NAMED, Slot.BASIC_USER), Class.ANOTHERS)
@rule(
    MUST,
    "RFC 6750 2.1",
    PROFILE,
    applies=protected_zones,
    catches="slots-interchangeable",
    look="The readers of credentials: each looks in its own place for its own kind, and the lookup is by kind.",
)
def zone_swap(api: Api, zone: Zone) -> None:
    """A credential in another one's place counts for nothing."""
    documented = [(good.slot, good.text) for good in map(api.credential, zone.kinds)]
    for valid in api.requests(zone):
        for right in valid.credentials:
            own = [] if right.is_pair else [api.examination.value(ref) for ref in right.refs]
            for other, kind in foreign(api):
                text = _in_place_of(right, other)
                # One value may have two names: a token that is configured as an API key too is no other's.
                is_own = any(equivalent(api.examination.value(other), value) for value in own)
                if is_own or (right.slot, text) in documented:
                    continue
                with api.row():
                    answer = api.attempt(valid.dressed(right.kind, text))
                    if answer is not None:
                        _judge_swapped(answer, zone, kind)


def foreign(api: Api) -> Iterator[tuple[Ref, Kind | None]]:
    """Yield what is tried in another's place and is at hand, and the kind of credential that it is at a resource."""
    whole = [kind for kind, row in api.profile.kinds.items() if len(row.roles[0]) == 1]
    found: list[tuple[Ref, Kind | None]] = [(api.credential(kind).refs[0], kind) for kind in whole]
    roles = (Role.CLIENT_SECRET, Role.PASSWORD, Role.CLIENT_ID, Role.USERNAME)
    for ref, kind in (*found, *((Ref(role), None) for role in roles)):
        try:
            api.examination.value(ref)
        except NotApplicable:
            continue
        yield ref, kind


def _in_place_of(right: Credential, other: Ref) -> Text:
    """Write a credential as the one is written whose place it takes; in that of Basic, as a token."""
    return ("Bearer ", other) if right.is_pair else right.presenting(other).text


def _judge_swapped(answer: Answer, zone: Zone, kind: Kind | None) -> None:
    """Require a refusal; recommend it of what opens the zone too, or is a bearer token like what opens it.

    Such credentials may well lie in one store, in which a server finds them wherever they come from.
    """
    is_kin = kind in TOKENS and bool({*TOKENS} & zone.kinds)
    if not is_kin and (kind is None or (kind,) not in zone.needs):
        answer.refused()
    elif answer.is_admitted:
        answer.unless_open().advise(False, "a refusal of a credential that belongs elsewhere")


def _stronger(profile: Profile) -> dict[str, Zone]:
    zones = profile.zones.values()
    return {
        name: zone
        for name, zone in protected_zones.find(profile).items()
        if any(other.kinds < zone.kinds for other in zones)
    }


stronger_zones = Parts("no zone needs less than another", _stronger)


@rule(
    DOC,
    "RFC 3986 5.2.4",
    PROFILE,
    applies=stronger_zones,
    catches="zone-by-raw-path",
    look="The layer that decides by path sees '..' and %2e before they are resolved: decide behind the"
    " router, or normalise first. A proxy that takes a prefix away (nginx: alias, proxy_pass) leads to all behind it.",
)
def zone_path_escape(api: Api, zone: Zone) -> None:
    """No path through a weaker zone leads into a stronger one without its credentials."""
    base = urlsplit(api.profile.base_url).path.rstrip("/")
    weaker = [other.path.rstrip("/") for other in api.profile.zones.values() if other.kinds < zone.kinds]
    public = [other.path.rstrip("/") for other in api.profile.zones.values() if not other.kinds]
    # Without credentials all ways to a route are one.
    done: set[str] = set()
    for valid in api.requests(zone):
        path = urlsplit(valid.url).path
        if path in done:
            continue
        done.add(path)
        inner = path.removeprefix(base)
        spellings = [f"{base}{up}/{dots}{inner}" for up in weaker for dots in ("..", "%2e%2e", ".%2e", "x/../..")]
        spellings += [f"{base}{up}/..%2f{inner.lstrip('/')}" for up in weaker]
        # A prefix that a proxy takes away, and one that it forgets to end with a slash (nginx: alias).
        spellings += [f"{base}{up}{step}{inner}" for up in public if up for step in ("", "..")]
        for target in dict.fromkeys(spellings):
            with api.row():
                answer = api.attempt(replace(valid.anonymous(), target=target))
                if answer is not None:
                    never_the_content(answer, zone)


@rule(
    DOC,
    PROFILE,
    applies=identity_zones,
    catches=("identity-mixed", "identity-from-query", "identity-from-header"),
    control=ITSELF,
    look="Whom the request acts for: the user of its own token, from the request's state, never from a"
    " global, a cache keyed by path or a parameter.",
)
def zone_identity(api: Api, zone: Zone) -> None:
    """A request acts as the user whose token or name it carries, whoever else it names."""
    member, told = str(zone.identity), False
    grant = api.profile.usual_grant
    usual = api.profile.grants[grant].user if grant else DEFAULT
    for valid in api.requests(zone, "bearer", "basic"):
        kinds = [api.profile.kinds[each.kind] for each in valid.credentials if each.kind in api.profile.kinds]
        is_issued = any(kind.is_issued for kind in kinds)
        other = api.another(Role.ACCESS_TOKEN, than=usual) if is_issued else api.another(Role.PASSWORD)
        answers = [api.send(as_user(api, valid, who)).accepted() for who in (DEFAULT, other.who, DEFAULT)]
        names = [answer.members.get(member) for answer in answers]
        if None in names:
            continue
        told = True
        answers[1].require(names[0] != names[1], "another user for another user's token", "the same one")
        answers[2].require(names[0] == names[2], "the same user for the same token", "another one")
        for draft in naming(api, as_user(api, valid, DEFAULT), other.who, str(names[1])):
            with api.row():
                answer = api.attempt(draft)
                if answer is not None and answer.is_admitted:
                    is_other = answer.members.get(member) not in (None, names[0])
                    answer.require(not is_other, "the user of the token, whoever else is named", "another one")
    if not told:
        # The profile says that one of the probes has it: one of the two is wrong, and nobody can tell who the user is.
        raise Inconclusive(f"no probe's answer has the member {member!r}, which the profile names")


@rule(
    SHOULD,
    PROFILE,
    applies=protected_zones,
    catches="surplus-key-refused",
    look="The order of authenticators: the first that finds something decides, and a surplus credential is"
    " found by the wrong one.",
)
def zone_monotone(api: Api, zone: Zone) -> None:
    """More good credentials never turn an acceptance into a refusal, fewer never a refusal into an acceptance."""
    surplus = surplus_of(api, zone)
    for valid in api.requests(zone):
        every = (*valid.credentials, *surplus)
        admitted: dict[frozenset[str], bool] = {}
        for count in range(len(every), -1, -1):
            for chosen in itertools.combinations(every, count):
                with api.row():
                    answer = api.send(replace(valid, credentials=chosen))
                    names = frozenset(each.kind for each in chosen)
                    admitted[names] = answer.is_admitted
                    if not admitted[names]:
                        less = [fewer for fewer in admitted if fewer < names and admitted[fewer]]
                        is_more = names >= {good.kind for good in valid.credentials}
                        answer.require(not less and not is_more, "no refusal for more")
                        answer.refused()


def _bound_keys(profile: Profile) -> dict[str, str]:
    return {name: name for name, key in profile.keys.items() if key.denied and profile.api_key}


@rule(
    DOC,
    PROFILE,
    applies=Parts("no API key is documented as bound to a part of the API", _bound_keys),
    catches="key-unbound",
    look="The row of the key has what it may open: compare it with the route after the key was found good.",
)
def key_bound(api: Api, name: str) -> None:
    """A key that is made for one part of the API does not open another."""
    if api.examination.value(api.ref(Role.API_KEY, name)) == api.examination.value(Ref(Role.API_KEY)):
        raise NotApplicable(f"the key {name} is the default one, by its value")
    for path in api.profile.keys[name].denied:
        zone = api.profile.zone_at(urlsplit(api.profile.url(path)).path)
        for way in api.examination.ways_into(zone) if zone is not None else ():
            with api.row():
                valid = api.request(path, way)
                bound = api.credential("api_key").presenting(api.ref(Role.API_KEY, name))
                api.send(valid.holding(bound)).refused()


def _bound_clients(profile: Profile) -> dict[str, str]:
    return {name: name for name, client in profile.clients.items() if client.denied and profile.grants}


@rule(
    DOC,
    PROFILE,
    applies=Parts("no client is documented as bound to a part of the API", _bound_clients),
    catches="client-unbound",
    safety=ISSUE,
    look="The token has its client or audience: compare it with what the route is for.",
)
def client_bound(api: Api, name: str) -> None:
    """A token of a client that is made for one part of the API does not open another."""
    if api.examination.value(api.ref(Role.CLIENT_ID, name)) == api.examination.value(Ref(Role.CLIENT_ID)):
        raise NotApplicable(f"the client {name} is the default one, by its value")
    denied = api.profile.clients[name].denied
    others = [
        valid
        for zone in issued_token_zones.find(api.profile).values()
        for valid in api.requests(zone, "bearer")
        if not any(urlsplit(valid.url).path == urlsplit(api.profile.url(path)).path for path in denied)
    ]
    history, tried = History(api), 0
    for grant in unattended_logins.find(api.profile).values():
        answer = api.send(api.token_request(grant, client=name)) if api.profile.may_use(name, grant) else None
        # What opens nothing at all says nothing where it is refused.
        tokens = history.taken(answer) if answer is not None and answer.has_token else None
        if tokens is None or not any(history.opened(tokens, [valid]) for valid in others):
            continue
        for valid in (valid for path in denied for valid in _with_tokens(api, path)):
            tried += 1
            with api.row():
                api.send(history.using(tokens, valid)).refused()
    if not tried:
        raise NotApplicable(f"no token of the client {name} opens anything here, so a refusal says nothing")


def _with_tokens(api: Api, path: str) -> Iterator[Draft]:
    """Yield the valid requests of a path that carry an issued token."""
    zone = api.profile.zone_at(urlsplit(api.profile.url(path)).path)
    for way in api.examination.ways_into(zone) if zone is not None else ():
        if any(api.profile.kinds[kind].is_issued for kind in way):
            yield api.request(path, way)

"""What is sent where a zone needs something: its own credentials in all states, those of others, other users' names.

Tables of requests that the rules about zones share; no rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.rules import (
    Api,
    Credential,
    Draft,
    Edit,
    Kind,
    NotApplicable,
    Role,
    Text,
    Zone,
    equivalent,
)  # fmt: skip

from .grid.trusted import FIRST_USERS, USER_FIELDS, USER_PARAMETERS

WRONG: Final = Edit("reverse")
LONGEST_NAME: Final = 200
"""Characters of what an answer calls a user, to be sent as a user's name: a server may tell a megabyte."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a truth table: what stands in each slot, and which kinds of it are good."""

    credentials: tuple[Credential, ...]
    good: frozenset[Kind]

    def meets(self, zone: Zone) -> bool:
        """Whether the good credentials meet one of the zone's alternatives."""
        return any(set(way) <= self.good for way in zone.needs or ((),))

    def is_way(self, zone: Zone) -> bool:
        """Whether it is one of the zone's alternatives and nothing else.

        Beside a good credential a bad one, or a second good one, is refused by whoever looks at what comes first.
        """
        return len(self.credentials) == len(self.good) and any(set(way) == self.good for way in zone.needs or ((),))


def truth_table(api: Api, zone: Zone) -> Iterator[Row]:
    """Yield every combination of absent, bad and good in each slot that the zone reads."""
    kinds = sorted({kind for way in api.examination.ways_into(zone) for kind in way})
    slots: dict[tuple[str, str], list[tuple[Kind | None, Credential | None]]] = {}
    for kind in kinds:
        good = api.credential(kind)
        # Of a user and a password the password alone is spoilt: a known user is what it must be checked for.
        bad = good.editing(WRONG, good.refs[-1])
        slots.setdefault(good.slot, [(None, None)]).extend([(None, bad), (kind, good)])
    for choice in itertools.product(*slots.values()):
        credentials = tuple(each for _, each in choice if each is not None)
        yield Row(credentials, frozenset(kind for kind, _ in choice if kind is not None))


def surplus_of(api: Api, zone: Zone) -> list[Credential]:
    """Return the credentials that the profile has and the zone does not need."""
    found: dict[tuple[str, str], Credential] = {}
    taken = {api.credential(kind).slot for kind in zone.kinds}
    for other in api.profile.zones.values():
        for way in api.examination.ways_into(other):
            for kind in way:
                more = api.credential(kind)
                if kind not in zone.kinds and more.slot not in taken:
                    found.setdefault(more.slot, more)
    return list(found.values())


def others_credentials(api: Api, zone: Zone) -> Iterator[tuple[Credential, bool]]:
    """Yield the credentials that other zones need and this one does not, each as it is sent there.

    With each comes whether its value is one that this zone takes, in another place or by another name.
    """
    own = {zone_kind: api.credential(zone_kind) for zone_kind in zone.kinds}
    documented = [(good.slot, good.text) for good in own.values()]
    values = [api.examination.value(ref) for good in own.values() for ref in good.refs]
    ways = (way for other in api.profile.zones.values() for way in api.examination.ways_into(other))
    for kind in dict.fromkeys(kind for way in ways for kind in way if kind not in own):
        good = api.credential(kind)
        if (good.slot, good.text) not in documented:
            yield good, any(equivalent(api.examination.value(ref), value) for ref in good.refs for value in values)


def as_user(api: Api, valid: Draft, who: str) -> Draft:
    """Return a request as a user makes it: with their token, or their name and password."""
    kinds = [each.kind for each in valid.credentials if each.kind in api.profile.kinds]
    for kind in (kind for kind in kinds if api.profile.kinds[kind].is_issued):
        return valid.presenting(kind, api.ref(Role.ACCESS_TOKEN, who)).as_control()
    return valid.presenting("basic", (api.ref(Role.USERNAME, who), ":", api.ref(Role.PASSWORD, who))).as_control()


def naming(api: Api, valid: Draft, who: str, told: str) -> Iterator[Draft]:
    """Yield a user's own request that names another one: as answers tell who that is, as they log in, by number."""
    names: dict[str, Text] = {name: name for name in (told, *FIRST_USERS) if len(name) <= LONGEST_NAME}
    with suppress(NotApplicable):
        # Under its own name in a curl line, which has no value of a credential.
        username = api.ref(Role.USERNAME, who)
        names[api.examination.value(username)] = username
    for name in names.values():
        yield valid.with_query(*((parameter, name) for parameter in USER_PARAMETERS))
        yield valid.with_headers(*((field, name) for field in USER_FIELDS))

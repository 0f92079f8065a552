"""API keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_apiauth.rules import (
    DOC,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    Credential,
    Draft,
    Edit,
    Kind,
    Zone,
    draws,
    rule,
)

from . import strategies as some
from .content import still_opens
from .grid.cells import Class, Slot, fills
from .grid.classes import CASES, DRESSES, NEAR_MISSES, SIZES, STAND_INS, rows
from .grid.standing import edited, refused_in_turn
from .parts import key_zones, keys_in, query_zones

LOOK = (
    "The function that reads the key: one documented place, and a lookup of the whole value in its exact"
    " case (hmac.compare_digest)."
)

CASE_CHANGES = ("toggle", "upper", "lower", "swapcase")


def keyed(api: Api, zone: Zone) -> list[tuple[Kind, list[Draft]]]:
    """Return the valid requests into a zone by the kinds of keys that they carry, those that are at hand.

    Raises OutOfReach if none is.
    """
    kinds, ways = keys_in(api.profile, zone), api.examination.ways_into(zone)
    at_hand = [kind for kind in kinds if any(kind in way for way in ways)]
    return [(kind, list(api.requests(zone, kind))) for kind in at_hand or kinds]


@fills((Slot.KEY, Slot.NAMED), Class.NOTHING)
@rule(
    DOC,
    PROFILE,
    "RFC 9110 15.5.2",
    applies=key_zones,
    catches="key-optional",
    look="The key dependency's handling of none and of an empty text (FastAPI's"
    " APIKeyHeader(auto_error=False) returns None and refuses nobody).",
)
def key_missing(api: Api, zone: Zone) -> None:
    """A route that needs a key refuses a request without one, or with an empty one."""
    for kind, drafts in keyed(api, zone):
        for valid in drafts:
            api.each((valid.without(kind), valid.dressed(kind, "")), Answer.refused)


@fills((Slot.KEY, Slot.NAMED), Class.NEAR, Class.CASE, Class.DRESS, Class.STAND_IN, Class.SIZE)
@rule(
    MUST,
    PROFILE,
    applies=key_zones,
    catches=("key-prefix-compare", "key-case-folded"),
    look="The comparison of the key: of the whole value in its case (hmac.compare_digest, hash_equals, a query with =);"
    " look for prefixes, patterns without an end, LIKE, and nginx's map, whose texts match in any case.",
)
@draws(
    rows(NEAR_MISSES, CASES, DRESSES, STAND_INS, SIZES),
    edit=some.near_misses | some.case_changes | some.wildcards | some.strangers,
)
def key_bad(api: Api, zone: Zone, edit: Edit) -> None:
    """A near miss of a valid key is no key, and nothing else stands in for one."""
    for kind, _ in keyed(api, zone):
        place = api.profile.place_of(kind)
        if place.is_authorization and not place.prefix and edit.operation in CASE_CHANGES:
            continue  # the key may then begin with a scheme word, whose case does not count (RFC 9110 11.1)
        edited(api, zone, (kind,), edit)


@rule(
    SHOULD,
    PROFILE,
    applies=key_zones,
    catches="key-name-folded",
    look="How the header or parameter is looked up: by its exact name; WSGI makes one name of X-Api-Key and"
    " X_Api_Key unless the server drops underscores.",
)
def key_name_strict(api: Api, zone: Zone) -> None:
    """The key counts under its documented name only, not under look-alikes."""
    for kind, drafts in keyed(api, zone):
        key = api.credential(kind)
        # The name of another key is the name of another key.
        taken = {good.name.lower() for good in map(api.credential, keys_in(api.profile, zone))}
        for valid in drafts:
            names = sorted(name for name in look_alikes(key) if name.lower() not in taken)
            places = [replace(key.place.bare, name=name) for name in names]
            alone = valid.without(kind)
            refused_in_turn(api, valid, (alone.adding(replace(key, place=place)) for place in places))


@rule(
    MUST,
    PROFILE,
    applies=query_zones,
    catches="key-list-trusted",
    look="What the framework makes of name[]: PHP, Rack and Express give a list or a table, and a comparison of"
    " that ends in an error, or in a result that nobody looks at. Ask for a text before it is compared.",
)
def key_list(api: Api, zone: Zone) -> None:
    """A credential in the query that comes as a list, as a table or twice, with nothing good in it, is refused."""
    kinds = tuple(name for name, row in api.profile.kinds.items() if row.place.where == "query" and not row.is_signed)
    for valid in api.requests(zone, *kinds):
        for good in (each for each in valid.credentials if each.kind in kinds):
            alone, name = valid.without(good.kind), good.name
            if still_opens(zone, alone):
                continue
            lists: list[tuple[tuple[str, str], ...]]
            lists = [((f"{name}{mark}", value),) for mark in BRACKETS for value in ("x", "")]
            lists += [((name, ""), (name, "")), ((name, "x"), (name, "y"))]
            api.each((alone.with_query(*pairs) for pairs in lists), _refused_or_unknown)


def _refused_or_unknown(answer: Answer) -> None:
    """Require a refusal; a server may be strict about parameters that it does not know, and say so by any 4xx."""
    if not 400 <= answer.status < 500:
        answer.refused()


BRACKETS: Final = ("[]", "[][]", "[a]", "[0]", "[$ne]")
"""What stands behind a name where a framework makes a list or a table of it."""


def look_alikes(key: Credential) -> set[str]:
    """Return names that are nearly the documented one, and those that APIs usually have."""
    documented = key.name
    bare = documented.lower().removeprefix("x-")
    names = {
        documented.replace("-", "_"), documented.replace("-", ""), bare, bare.replace("-", "_"), f"X-{bare}-X",
        "Api-Key", "ApiKey", "X-APIKEY", "X_API_KEY", "X-Api-Token", "X-Auth-Token", "X-Access-Token",
    }  # fmt: skip
    if key.place.where != "header":
        names |= {documented.replace("_", "-"), documented.replace("_", ""), f"x-{bare}"}
    return names


@rule(
    SHOULD,
    PROFILE,
    applies=key_zones,
    catches="key-from-query",
    look="The key reader's list of places: the documented one alone; a query ends in logs.",
)
def key_place_strict(api: Api, zone: Zone) -> None:
    """The key counts in its documented place only: not in the query, in a cookie, or behind the word Bearer."""
    for kind, drafts in keyed(api, zone):
        key = api.credential(kind)
        name, where = key.name, key.place.where
        documented = [good.place for good in map(api.credential, zone.kinds)]
        taken = {place.name.lower() for place in documented if place.where == "query"}
        parameters = [each for each in ("api_key", "apikey", "key", name, name.lower()) if each.lower() not in taken]
        takes_cookie = any(place.where == "cookie" and place.name == name for place in documented)
        for valid in drafts:
            alone = valid.without(kind)
            elsewhere = [alone.with_query((parameter, key.value)) for parameter in parameters]
            if where != "cookie" and not takes_cookie:
                elsewhere.append(alone.adding(replace(key, place=replace(key.place.bare, where="cookie"))))
            # Another kind of the zone may be documented to travel there, with the same value.
            if not any(place.is_authorization for place in documented):
                bearer = replace(key.place.bare, where="header", name="Authorization", prefix="Bearer ")
                elsewhere.append(alone.adding(replace(key, place=bearer)))
            refused_in_turn(api, valid, elsewhere)

"""API keys."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.rules import DOC, MUST, PROFILE, SHOULD, Answer, Api, Edit, Role, Zone, draws, rule

from . import strategies as some
from .parts import key_zones


@rule(DOC, PROFILE, "RFC 9110 15.5.2", applies=key_zones, catches="key-optional")
def key_missing(api: Api, zone: Zone) -> None:
    """A route that needs a key refuses a request without one, or with an empty one."""
    for valid in api.requests(zone, "api_key"):
        api.each((valid.without("api_key"), valid.dressed("api_key", "")), Answer.refused)


@rule(MUST, PROFILE, applies=key_zones, catches=("key-prefix-compare", "key-case-folded"))
@draws(some.NEAR_MISSES_FIRST, edit=some.near_misses | some.case_changes | some.wildcards | some.strangers)
def key_bad(api: Api, zone: Zone, edit: Edit) -> None:
    """A near miss of a valid key is no key."""
    place = api.profile.place_of("api_key")
    if place.is_authorization and not place.prefix and edit.operation in ("toggle", "upper", "lower"):
        return  # the key may then begin with a scheme word, whose case does not count (RFC 9110 11.1)
    for valid in api.requests(zone, "api_key"):
        api.send(valid.editing(valid.carried(Role.API_KEY), edit)).refused()


@rule(SHOULD, PROFILE, applies=key_zones, catches="key-name-folded")
def key_name_strict(api: Api, zone: Zone) -> None:
    """The key counts under its documented name only, not under look-alikes."""
    key = api.credential("api_key")
    documented = key.name
    bare = documented.lower().removeprefix("x-")
    names = {
        documented.replace("-", "_"), documented.replace("-", ""), bare, bare.replace("-", "_"), f"X-{bare}-X",
        "Api-Key", "ApiKey", "X-APIKEY", "X_API_KEY", "X-Api-Token", "X-Auth-Token", "X-Access-Token",
    }  # fmt: skip
    if key.place.where != "header":
        names |= {documented.replace("_", "-"), documented.replace("_", ""), f"x-{bare}"}
    for valid in api.requests(zone, "api_key"):
        for name in sorted(name for name in names if name.lower() != documented.lower()):
            with api.row():
                place = replace(key.place, name=name, prefix="")
                answer = api.attempt(valid.without("api_key").adding(replace(key, place=place)))
                if answer is not None:
                    answer.refused()


@rule(SHOULD, PROFILE, applies=key_zones, catches="key-from-query")
def key_place_strict(api: Api, zone: Zone) -> None:
    """The key counts in its documented place only, not in another parameter of the query or in a cookie."""
    key = api.credential("api_key")
    name, where = key.name, key.place.where
    parameters = ["api_key", "apikey", "key", name, name.lower()]
    if where == "query":
        parameters = [parameter for parameter in parameters if parameter.lower() != name.lower()]
    for valid in api.requests(zone, "api_key"):
        alone = valid.without("api_key")
        api.each((alone.with_query((parameter, key.text)) for parameter in parameters), Answer.refused)
        if where != "cookie":
            api.send(alone.adding(replace(key, place=replace(key.place, where="cookie", prefix="")))).refused()

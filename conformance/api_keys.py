"""API keys."""

from __future__ import annotations

from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.model import Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, draws, rule
from pytest_apiauth.suite.api import Exchange

from . import strategies as some
from .parts import key_zones

NEEDS_KEY = (PROFILE, "JI-02", "JI-03", "JI-04")


def key_header(exchange: Exchange) -> str:
    """Name the documented header of the key."""
    return exchange.header("api_key")[0]


@rule(
    "key-missing", level=Level.DOC, safety=Safety.READ_ONLY, sources=(*NEEDS_KEY, "RFC 9110 15.5.2"),
    applies=key_zones, control=Control.TWIN, faults=("key-optional",),
)  # fmt: skip
def key_missing(exchange: Exchange, zone: Zone) -> None:
    """A route that needs a key refuses a request without one, or with an empty one."""
    for valid in exchange.requests(zone, "api_key"):
        name = key_header(exchange)
        for draft in (valid.without_header(name), valid.with_header(name, "")):
            with exchange.row():
                exchange.send(draft, twin=valid).refused()


@rule(
    "key-bad", level=Level.MUST, safety=Safety.READ_ONLY, sources=NEEDS_KEY,
    applies=key_zones, control=Control.TWIN, faults=("key-prefix-compare", "key-case-folded"),
)  # fmt: skip
@draws(some.NEAR_MISSES_FIRST, edit=some.near_misses | some.case_changes | some.wildcards | some.strangers)
def key_bad(exchange: Exchange, zone: Zone, edit: Edit) -> None:
    """A near miss of a valid key is no key."""
    travels = exchange.profile.api_key
    is_in_authorization = travels is not None and travels.header.lower() == "authorization" and not travels.scheme
    if is_in_authorization and edit.operation in ("toggle", "upper", "lower"):
        return  # the key may then begin with a scheme word, whose case does not count (RFC 9110 11.1)
    for valid in exchange.requests(zone, "api_key"):
        exchange.send(valid.editing("API_KEY", edit), twin=valid).refused()


@rule(
    "key-name-strict", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("JI-06", PROFILE),
    applies=key_zones, control=Control.TWIN, faults=("key-name-folded",),
)  # fmt: skip
def key_name(exchange: Exchange, zone: Zone) -> None:
    """The key counts in its documented header only, not under look-alike names."""
    documented = key_header(exchange)
    bare = documented.lower().removeprefix("x-")
    names = {
        documented.replace("-", "_"), documented.replace("-", ""), bare, bare.replace("-", "_"), f"X-{bare}-X",
        "Api-Key", "ApiKey", "X-APIKEY", "X_API_KEY", "X-Api-Token", "X-Auth-Token", "X-Access-Token",
    }  # fmt: skip
    for valid in exchange.requests(zone, "api_key"):
        for name in sorted(name for name in names if name.lower() != documented.lower()):
            with exchange.row():
                draft = valid.without_header(documented).with_headers((name, exchange.credential("API_KEY")))
                answer = exchange.attempt(draft, twin=valid)
                if answer is not None:
                    answer.refused()


@rule(
    "key-place-strict", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("JI-06", PROFILE),
    applies=key_zones, control=Control.TWIN, faults=("key-from-query",),
)  # fmt: skip
def key_place(exchange: Exchange, zone: Zone) -> None:
    """The key counts in its header only, not in the query, a cookie or another header."""
    name, key = exchange.header("api_key")
    for valid in exchange.requests(zone, "api_key"):
        alone = valid.without_header(name)
        for parameter in ("api_key", "apikey", "key", name, name.lower()):
            with exchange.row():
                exchange.send(alone.with_query((parameter, key)), twin=valid).refused()
        exchange.send(
            alone.with_headers(("Cookie", (f"{name}=", exchange.credential("API_KEY")))), twin=valid
        ).refused()

"""Where a credential stands, and how its header is spelt."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.drafts import Ref
from pytest_apiauth.edits import Edit
from pytest_apiauth.exchange import Exchange
from pytest_apiauth.profile import Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, draws, rule

from . import strategies as some
from .parts import TOKENS, all_zones, protected_zones, token_zones
from .resource import token_of

WRONG = Edit("reverse")


@rule(
    "hdr-scheme-case", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("RFC 9110 11.1",),
    applies=token_zones, control=Control.TWIN, faults=("scheme-case-sensitive",),
)  # fmt: skip
@draws(mask=some.case_masks)
def scheme_case(exchange: Exchange, zone: Zone, mask: list[bool]) -> None:
    """The word Bearer works in any case."""
    scheme = "".join(letter.swapcase() if flip else letter for letter, flip in zip("Bearer", mask, strict=True))
    for valid in exchange.requests(zone, *TOKENS):
        token = Ref(token_of(valid))
        exchange.send(valid.with_header("Authorization", (f"{scheme} ", token)), twin=valid).like_twin()


@rule(
    "hdr-unrelated-inert", level=Level.MUST, safety=Safety.READ_ONLY, sources=("RFC 9110 5.1", "DI-05"),
    applies=all_zones, control=Control.TWIN, faults=("extra-header-refused", "content-type-on-get-refused"),
)  # fmt: skip
@draws(name=some.header_names, value=some.header_values)
def unrelated_headers(exchange: Exchange, zone: Zone, name: str, value: str) -> None:
    """A header that has nothing to do with authentication changes nothing."""
    extra = (name, "application/json" if name == "Content-Type" else value)
    for valid in exchange.requests(zone):
        exchange.send(valid.with_headers(extra), twin=valid).like_twin()
        if zone.is_protected:
            exchange.send(replace(valid, headers=(extra,)), twin=valid).refused()


@rule(
    "hdr-duplicate-credential", level=Level.MUST, safety=Safety.READ_ONLY,
    sources=("RFC 9110 5.3", "RFC 9110 11.6.2", PROFILE),
    applies=protected_zones, control=Control.TWIN, faults=("duplicate-last-wins",),
)  # fmt: skip
def duplicate_credential(exchange: Exchange, zone: Zone) -> None:
    """A bad credential in front of a good one of the same kind is not overlooked."""
    for valid in exchange.requests(zone):
        for name, good in valid.headers:
            bad = dict(valid.editing_all(WRONG).headers)[name]
            alone = valid.without_header(name)
            bad_first = exchange.attempt(alone.with_headers((name, bad), (name, good)), twin=valid)
            if bad_first is not None:
                bad_first.refused()
            good_first = exchange.attempt(alone.with_headers((name, good), (name, bad)), twin=valid)
            if good_first is not None:
                words = "a refusal of two credentials of one kind, whichever comes first"
                good_first.advise(not 200 <= good_first.status < 300, words)


@rule(
    "tok-in-url-refused", level=Level.SHOULD, safety=Safety.READ_ONLY,
    sources=("RFC 9700 4.3.2", "RFC 6750 2.3"),
    applies=token_zones, control=Control.TWIN, faults=("token-from-query",),
)  # fmt: skip
def token_in_url(exchange: Exchange, zone: Zone) -> None:
    """A token in the query of the URL, where it ends in logs, authenticates nothing."""
    for valid in exchange.requests(zone, *TOKENS):
        token = Ref(token_of(valid))
        for name in ("access_token", "token", "bearer", "auth", "Authorization"):
            exchange.send(valid.without_header("Authorization").with_query((name, token)), twin=valid).refused()


@rule(
    "tok-two-places", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("RFC 6750 2", "RFC 6750 3.1"),
    applies=token_zones, control=Control.TWIN, faults=("query-token-beats-header",),
)  # fmt: skip
def token_in_two_places(exchange: Exchange, zone: Zone) -> None:
    """A good token in the query does not rescue a bad one in the header."""
    for valid in exchange.requests(zone, *TOKENS):
        name = token_of(valid)
        token = Ref(name)
        spoilt = valid.editing(name, WRONG).with_query(("access_token", token))
        exchange.send(spoilt, twin=valid).refused()

"""Where a credential stands, and how its header is spelt."""

from __future__ import annotations

from dataclasses import replace

from pytest_apiauth.auth.drafts import Draft, Ref, Text
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.model import Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Parts, Safety, draws, rule
from pytest_apiauth.suite.api import Answer, Exchange

from . import strategies as some
from .parts import TOKENS, all_zones, protected_zones, token_zones
from .resource import token_of

WRONG = Edit("reverse")

cors_zones = Parts(
    "the document names no origins for browsers",
    lambda profile: protected_zones.find(profile) if profile.allowed_origins else {},
)


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
    applies=protected_zones, control=Control.TWIN, faults=("duplicate-last-wins",), wire=True,
)  # fmt: skip
def duplicate_credential(exchange: Exchange, zone: Zone) -> None:
    """A bad credential in front of a good one of the same kind is not overlooked."""
    for valid in exchange.requests(zone):
        for name, good in valid.headers:
            with exchange.row():
                bad = dict(valid.editing_all(WRONG).headers)[name]
                alone = valid.without_header(name)
                bad_first = exchange.attempt(alone.with_headers((name, bad), (name, good)), twin=valid)
                if bad_first is not None:
                    bad_first.refused()
                    usual = exchange.send(alone.with_headers((name, bad)), twin=valid).refused()
                    lacks = bad_first.status == 401 and not _challenges(bad_first) and _challenges(usual)
                    bad_first.advise(not lacks, "a challenge with the 401, as with the bad one alone", "none")


def _challenges(answer: Answer) -> bool:
    return answer.response.header("www-authenticate") is not None


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
            with exchange.row():
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


@rule(
    "hdr-name-case", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("RFC 9110 5.1",),
    applies=protected_zones, control=Control.TWIN, faults=("header-name-case-sensitive",),
)  # fmt: skip
@draws(mask=some.name_masks)
def name_case(exchange: Exchange, zone: Zone, mask: list[bool]) -> None:
    """The name of a credential's header works in any case."""

    def masked(name: str) -> str:
        return "".join(letter.swapcase() if flip else letter for letter, flip in zip(name, mask, strict=False))

    for valid in exchange.requests(zone):
        lines: tuple[tuple[str, Text], ...] = tuple((masked(name) + name[len(mask) :], v) for name, v in valid.headers)
        exchange.send(replace(valid, headers=lines), twin=valid).like_twin()


@rule(
    "cors-preflight", level=Level.SHOULD, safety=Safety.READ_ONLY, sources=("DA-04", PROFILE),
    applies=cors_zones, control=Control.ITSELF, faults=("preflight-needs-credentials", "cors-any-origin"),
)  # fmt: skip
def preflight(exchange: Exchange, zone: Zone) -> None:
    """A browser's preflight needs no credentials, and permits documented origins what they need, and no others."""
    origins = exchange.profile.allowed_origins
    for valid in exchange.requests(zone):
        names = ", ".join(name.lower() for name, _ in valid.headers)
        # The header fields of a preflight make no preflight of another method (Fetch standard, 4.8).
        for origin in origins:
            with exchange.row():
                lookalike = (("Origin", origin), ("Access-Control-Request-Method", "GET"))
                exchange.send(replace(valid, headers=lookalike), twin=valid).refused()
        for origin in (*origins, "null", "https://apiauth.invalid", *(f"{known}.apiauth.invalid" for known in origins)):
            with exchange.row():
                asked = (("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", names))
                answer = exchange.send(Draft("OPTIONS", valid.url, (("Origin", origin), *asked)))
                permitted = answer.response.header("access-control-allow-origin")
                if origin in origins:
                    answer.require(answer.status not in (401, 403), "a preflight answered without credentials")
                    answer.require(permitted in (origin, "*"), f"Access-Control-Allow-Origin: {origin}", str(permitted))
                    answer.advise(200 <= answer.status < 300, "a 2xx status, without which a browser stops here")
                    lacking = _forbidden(answer, {name.lower() for name, _ in valid.headers})
                    answer.advise(not lacking, f"Access-Control-Allow-Headers with {', '.join(lacking)}", "none of it")
                else:
                    words = "no permission for another origin"
                    answer.require(permitted != origin, words, f"permission for {permitted}")
                credentials = answer.response.header("access-control-allow-credentials")
                is_wide = (permitted, credentials) == ("*", "true")
                answer.require(not is_wide, "no wildcard origin together with credentials")


def _forbidden(answer: Answer, names: set[str]) -> list[str]:
    """Give which of the header fields a preflight does not permit; ``*`` does not mean Authorization."""
    lines = answer.response.header_lines("access-control-allow-headers")
    permitted = {name.strip().lower() for line in lines for name in line.split(",")}
    return sorted(names - permitted if "*" not in permitted else names & {"authorization"} - permitted)

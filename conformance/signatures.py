"""Requests that are signed, each as it leaves: a signature is good for what was signed, and as often as documented.

How a request is signed nobody knows but the project's own function, which a profile names. What its signature covers is
the profile's to say, and nothing else of a request is altered. A request that was altered elsewhere is signed anew, so
what is wrong with those below is the signature alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.rules import (
    DOC,
    PROFILE,
    Answer,
    Api,
    Draft,
    Edit,
    Inconclusive,
    Kind,
    NotApplicable,
    Parts,
    Profile,
    Zone,
    rule,
)

from .parts import protected_zones

LOOK = (
    "The function that verifies signatures: what is signed covers method, path, query and body, and the"
    " comparison is of the whole value."
)

EDITS: Final = (Edit("reverse"), Edit("truncate", at=500), Edit("whole", text="apiauth"))
"""What becomes of a signature. Single letters of it stay: what stands around it in its place may count for nothing."""
WRITING: Final = ("POST", "PUT", "PATCH")


def signed_kinds(profile: Profile, zone: Zone) -> tuple[Kind, ...]:
    """Return the kinds of signatures that a zone takes."""
    return tuple(name for name, row in profile.kinds.items() if row.is_signed and name in zone.kinds)


def _signed(reason: str, wanted: Callable[[Profile, Kind], object]) -> Parts:
    """Find the zones that take a signature of which something is documented."""

    def zones(profile: Profile) -> dict[str, Zone]:
        return {
            name: zone
            for name, zone in protected_zones.find(profile).items()
            if any(wanted(profile, kind) for kind in signed_kinds(profile, zone))
        }

    return Parts(reason, zones)


signed_zones = _signed("no zone with a probe needs a signature", lambda profile, kind: True)
covering_zones = _signed("no profile says what a signature covers", lambda profile, kind: profile.schemes[kind].covers)
once_zones = _signed("no signature is documented as good once only", lambda profile, kind: profile.schemes[kind].once)
timed_zones = _signed(
    "no lifetime of a signature that may be sent again is documented",
    lambda profile, kind: profile.schemes[kind].lifetime and not profile.schemes[kind].once,
)


def signed(api: Api, zone: Zone) -> Iterator[tuple[Draft, Kind]]:
    """Yield each valid request into a zone with each kind of signature that it has."""
    for kind in signed_kinds(api.profile, zone):
        for valid in api.requests(zone, kind):
            yield valid, kind


@rule(
    DOC,
    PROFILE,
    applies=signed_zones,
    catches=("signature-unchecked", "signature-beginning-compared"),
    look="The comparison of the signature: hmac.compare_digest over all of it, and a missing one is refused before.",
)
def sig_altered(api: Api, zone: Zone) -> None:
    """A signature that was altered, or taken out of what goes with it, is none."""
    for valid, kind in signed(api, zone):
        rows = [valid.signing(kind, edit=edit) for edit in EDITS]
        api.each([*rows, valid.signing(kind, is_left_out=True)], Answer.refused)


@rule(
    DOC,
    PROFILE,
    applies=covering_zones,
    catches=(
        "signature-of-any-method", "signature-of-any-path", "signature-of-any-query", "signature-of-any-body",
    ), look="The text that is signed: it has method, path, query and body as they came, with separators, as"
" documented.",
)  # fmt: skip
def sig_of_another(api: Api, zone: Zone) -> None:
    """A signature is good for no request that differs in what it is documented to cover."""
    for valid, kind in signed(api, zone):
        for part in api.profile.schemes[kind].covers:
            api.each(OTHERS[part](valid, kind, zone), Answer.refused)


def _another_method(valid: Draft, kind: Kind, zone: Zone) -> list[Draft]:
    return [valid.signing(kind, over=(("method", method),)) for method in ("POST", "DELETE")]


def _another_path(valid: Draft, kind: Kind, zone: Zone) -> list[Draft]:
    path = urlsplit(valid.url).path
    others = dict.fromkeys((f"{path.rstrip('/').rpartition('/')[0]}/", f"{path}/apiauth"))
    return [valid.signing(kind, over=(("path", other),)) for other in others if other != path]


def _another_query(valid: Draft, kind: Kind, zone: Zone) -> list[Draft]:
    own = urlsplit(valid.url).query
    more = f"{own}&apiauth=1" if own else "apiauth=1"
    return [
        valid.with_query(("apiauth", "1")).signing(kind, over=(("query", own),)),
        valid.signing(kind, over=(("query", more),)),
    ]


def _another_body(valid: Draft, kind: Kind, zone: Zone) -> list[Draft]:
    """Return requests that have a body: of a GET's nobody need take notice."""
    methods = [method for method in WRITING if method in zone.methods]
    written = [replace(valid, method=method).setting("apiauth", "1").encoded("json") for method in methods]
    return [each.signing(kind, over=(("body", "{}"),)) for each in written]


OTHERS: Final = {"method": _another_method, "path": _another_path, "query": _another_query, "body": _another_body}
"""Requests with the signature of another, by the part in which that differs."""


@rule(
    DOC,
    PROFILE,
    applies=once_zones,
    catches="signature-replayable",
    look="A store of nonces or signatures until their time is over, shared by all workers.",
)
def sig_once(api: Api, zone: Zone) -> None:
    """A signature that is documented as good once opens nothing a second time."""
    for valid, kind in signed(api, zone):
        if api.profile.schemes[kind].once:
            _let_in(api, again := api.examination.signed_once(valid, kind))
            api.send(again).refused()


@rule(
    DOC,
    PROFILE,
    applies=timed_zones,
    catches="signature-outlived",
    look="The signed time is compared with now, in both directions, within the documented lifetime.",
)
def sig_outlived(api: Api, zone: Zone) -> None:
    """A signature opens nothing when its documented lifetime is over."""
    lifetimes = {
        kind: lifetime
        for kind in signed_kinds(api.profile, zone)
        if (lifetime := api.profile.schemes[kind].lifetime) is not None and not api.profile.schemes[kind].once
    }
    for valid, kind in signed(api, zone):
        if kind in lifetimes:
            _let_in(api, again := api.examination.signed_once(valid, kind))
            api.advance(lifetimes[kind] + api.profile.token.leeway)
            if api.examination.signed_once(valid, kind) == again:
                raise Inconclusive("the function makes the very same signature now: its time did not pass")
            api.send(again).refused()
            return
    raise NotApplicable("no signature with a lifetime is at hand")


def _let_in(api: Api, request: Draft) -> None:
    """Send a signature for the first time."""
    if not api.send(request).is_admitted:
        raise Inconclusive("a signature that was made a moment ago was refused when it came first")

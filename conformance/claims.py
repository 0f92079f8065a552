"""What a good signature does not say: whom a token is for, who has issued it, from when and until when, and what it is.

Each token is the valid one with other claims, signed anew by the key that the profile has for it, or one at hand that
the profile names. A token that only says the same again, signed anew, is the control.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from pytest_apiauth.rules import (
    MUST,
    PROFILE,
    Answer,
    Api,
    CredentialError,
    Draft,
    Inconclusive,
    Minted,
    NotApplicable,
    OutOfReach,
    Parts,
    Profile,
    Ref,
    Role,
    Zone,
    assignment,
    is_jwt,
    jwt_parts,
    rule,
)

from .forging import FAR, NO_KEY, PAST
from .parts import TOKENS, token_zones

LOOK = (
    "The options of the call that verifies the token: audience, issuer, required claims and type are"
    " arguments of it (PyJWT: audience=, issuer=, options={'require': [...]}), and their defaults check"
    " little."
)

ELSEWHERE: Final = "https://apiauth.example"
HOUR: Final = 3600
"""More than any leeway: clocks differ by no more than a few minutes (RFC 7519 4.1.4)."""
DAY: Final = 86400


def _when(reason: str) -> Callable[[Profile], Mapping[str, Zone]]:
    def find(profile: Profile) -> Mapping[str, Zone]:
        jwt = profile.jwt
        has = jwt is not None and (jwt.signing_key or (reason and getattr(jwt.unfit, reason)))
        return token_zones.find(profile) if has else {}

    return find


def _zones(reason: str = "") -> Parts:
    more = f", and no token of another {reason}" if reason else ""
    return Parts(f"the profile's [jwt] names no signing_key{more}", _when(reason), waits_for=NO_KEY)


def at_hand(api: Api, valid: Draft, reason: str) -> Iterator[Draft]:
    """Yield the valid request with the token that the profile names for a reason, if it names one."""
    ref = Ref(Role.UNFIT, own="UNFIT", kind=reason)
    if api.profile.jwt is not None and getattr(api.profile.jwt.unfit, reason, None) and api.examination.value(ref):
        yield valid.replacing(valid.token, ref)


def minting(api: Api, valid: Draft) -> Callable[[Minted], Draft] | None:
    """Return what makes a request with another token; None if the profile has no key to sign one with.

    Raises Inconclusive if a token that says the same as the valid one, signed by that key, is refused.
    """
    if api.profile.jwt is None or api.profile.jwt.signing_key is None:
        return None
    key = api.examination.value(Ref(Role.JWT_KEY))
    token = api.examination.value(valid.token)
    if not is_jwt(token):
        raise NotApplicable("the access token is no signed JWT to look at")

    def request(minted: Minted) -> Draft:
        try:
            made = minted.made(token, key)
        except CredentialError as error:
            raise OutOfReach(f"jwt.{error}") from None
        line = assignment("MINTED", minted, valid.token.name, Role.JWT_KEY.value)
        api.steps[:] = [f"{line}  # {minted}"]
        return valid.replacing(valid.token, api.keep("MINTED", made))

    same = request(Minted())
    if not api.send(same).is_admitted:
        raise Inconclusive(
            "a token that says what the valid one says is refused, signed by jwt.signing_key: another key"
        )
    return request


def examined(
    api: Api,
    zone: Zone,
    reason: str,
    must: Callable[[Draft], Iterable[Minted]],
    best: Callable[[Draft], Iterable[Minted]],
) -> None:
    """Try each token of a kind: what is to be refused, and what is best refused too."""
    for valid in api.requests(zone, *TOKENS):
        api.each(at_hand(api, valid, reason) if reason else (), Answer.refused)
        request = minting(api, valid)
        if request is None:
            continue
        for minted in must(valid):
            with api.row():
                api.send(request(minted)).refused()
        for minted in best(valid):
            with api.row():
                answer = api.send(request(minted))
                answer.advise(not answer.is_admitted, f"a refusal of a token with {minted}")


def claims_of(api: Api, valid: Draft) -> dict[str, object]:
    """Return what the valid token says."""
    return jwt_parts(api.examination.value(valid.token))[1]


def said(*claims: tuple[str, object]) -> Minted:
    """Return a token with other claims."""
    return Minted(claims=claims)


@rule(
    MUST,
    "RFC 7519 4.1.3",
    "RFC 8725 3.9",
    "RFC 9068 4",
    PROFILE,
    applies=_zones("audience"),
    catches=("jwt-audience-ignored", "jwt-audience-prefix", "jwt-audience-ending"),
    look="The expected audience of the decode call: without audience= PyJWT refuses only tokens that have"
    " one, other libraries check nothing; compare whole values, not beginnings or ends.",
)
def res_jwt_audience(api: Api, zone: Zone) -> None:
    """A token that is for another API is refused; one that is for nobody in particular is best refused too."""

    is_promised = any(each.startswith("RFC 9068") for each in api.profile.standards)

    def foreign(valid: Draft) -> Iterator[Minted]:
        yield said(("aud", ELSEWHERE))
        yield said(("aud", [ELSEWHERE, f"{ELSEWHERE}/other"]))
        own = claims_of(api, valid).get("aud")
        for each in own if isinstance(own, list) else [own]:
            if isinstance(each, str):
                yield said(("aud", f"{each}.apiauth.example"))
                yield said(("aud", f"{ELSEWHERE}/?{each}"))

    def has_audience(valid: Draft) -> bool:
        return is_promised or "aud" in claims_of(api, valid)

    def must(valid: Draft) -> Iterator[Minted]:
        # RFC 7519 4.1.3: whoever does not find himself in an audience that is there rejects the token. An API whose
        # own tokens have none knows of no other that its key signs for, and good ones do not look.
        yield from foreign(valid) if has_audience(valid) else ()

    def best(valid: Draft) -> Iterator[Minted]:
        if not has_audience(valid):
            yield from foreign(valid)
        elif "aud" in claims_of(api, valid):
            yield said(("aud", None))
            yield said(("aud", []))

    examined(api, zone, "audience", must, best)


@rule(
    MUST,
    "RFC 8725 3.8",
    "RFC 9068 4",
    PROFILE,
    applies=_zones("issuer"),
    catches=("jwt-issuer-ignored", "jwt-issuer-among-others", "jwt-issuer-ending"),
    look="The expected issuer of the decode call: one whole string (PyJWT: issuer=), required in the token,"
    " and the key looked up among that issuer's.",
)
def res_jwt_issuer(api: Api, zone: Zone) -> None:
    """A token of another issuer is refused, although the key is right; one without an issuer is best refused too."""

    def must(valid: Draft) -> Iterator[Minted]:
        own = claims_of(api, valid).get("iss")
        if isinstance(own, str):
            yield said(("iss", ELSEWHERE))
            yield said(("iss", f"{own}.apiauth.example"))
            yield said(("iss", f"{ELSEWHERE}/?{own}"))
            # RFC 7519 4.1.1: one text, and no list of them (CVE-2025-30144).
            yield said(("iss", [ELSEWHERE, own]))

    def best(valid: Draft) -> Iterator[Minted]:
        if "iss" in claims_of(api, valid):
            yield said(("iss", None))

    examined(api, zone, "issuer", must, best)


@rule(
    MUST,
    "RFC 7519 4.1.4",
    "RFC 7519 4.1.5",
    "RFC 9068 4",
    PROFILE,
    applies=_zones(),
    catches=("jwt-expiry-ignored", "jwt-not-before-ignored", "jwt-hours-of-leeway"),
    look="The time options of the decode call: verify_exp and verify_nbf on, exp required, a leeway of"
    " seconds and not of hours.",
)
def res_jwt_time(api: Api, zone: Zone) -> None:
    """A token whose time is over is refused, and so is one whose time has not come, by what it says itself."""
    now = int(time.time())
    is_promised = any(each.startswith("RFC 9068") for each in api.profile.standards)

    def moment(valid: Draft, name: str) -> int | None:
        told = claims_of(api, valid).get(name)
        return int(told) if isinstance(told, int | float) and not isinstance(told, bool) else None

    def over(valid: Draft) -> Iterator[Minted]:
        yield said(("exp", PAST))
        yield said(("exp", PAST), ("iat", 0), ("nbf", 0))
        # By the server's own clock, which need not be this one's: it was not earlier than the valid token's beginning,
        # and is not later than its end.
        start = moment(valid, "iat")
        if start is not None:
            yield said(("exp", start - HOUR))
        yield said(("exp", (start or now) - DAY))

    def early(valid: Draft) -> Iterator[Minted]:
        yield said(("nbf", FAR), ("exp", FAR + DAY))
        start, end = moment(valid, "iat"), moment(valid, "exp")
        if end is not None:
            yield said(("nbf", end + HOUR), ("exp", FAR))
        yield said(("nbf", max(now, start or 0, end or 0) + DAY * 30), ("exp", FAR))

    def must(valid: Draft) -> Iterator[Minted]:
        # A claim that the server's own tokens have not is one that it need not understand (RFC 7519 4).
        yield from over(valid) if is_promised or "exp" in claims_of(api, valid) else ()
        yield from early(valid) if is_promised or "nbf" in claims_of(api, valid) else ()

    def best(valid: Draft) -> Iterator[Minted]:
        yield from () if is_promised or "nbf" in claims_of(api, valid) else early(valid)
        yield from [said(("exp", None))] if "exp" in claims_of(api, valid) else over(valid)

    examined(api, zone, "", must, best)


@rule(
    MUST,
    "RFC 8725 3.11",
    "RFC 8725 3.12",
    "RFC 9068 4",
    "RFC 7515 4.1.11",
    PROFILE,
    applies=_zones("type"),
    catches="jwt-type-ignored",
    look="The header before the claims: typ is at+jwt where that is documented (RFC 9068), an ID token is no"
    " access token, and an unknown member of crit is refused.",
)
def res_jwt_type(api: Api, zone: Zone) -> None:
    """A token of another type is no access token: an ID token, say; nor is one with a member that nobody knows."""

    is_promised = any(each.startswith("RFC 9068") for each in api.profile.standards)

    def other_types(valid: Draft) -> Iterator[Minted]:
        header, _ = jwt_parts(api.examination.value(valid.token))
        if str(header.get("typ", "JWT")).lower() != "jwt":
            # A token of this very type is what RFC 7519 5.1 recommends, where no RFC 9068 has another.
            yield from (Minted((("typ", "JWT"),)),) if is_promised else ()
            yield Minted((("typ", "logout+jwt"),))

    def must(valid: Draft) -> Iterator[Minted]:
        yield from other_types(valid) if is_promised else ()

    def best(valid: Draft) -> Iterator[Minted]:
        yield from () if is_promised else other_types(valid)
        yield Minted((("crit", ["apiauth"]), ("apiauth", 1)))

    examined(api, zone, "type", must, best)

"""The issuer that answers of the authorization endpoint name (RFC 9207), against servers that are mixed up."""

from __future__ import annotations

from pytest_apiauth.rules import (
    ISSUE,
    MUST,
    PROFILE,
    Answer,
    Api,
    Draft,
    GrantType,
    OutOfReach,
    Parts,
    consent,
    parts_of,
    rule,
)

from .authorization import LOGIN_FIRST, both
from .parts import authorization

LOOK = (
    "Where the answer of the authorization endpoint is put together: iss is a constant of the"
    " configuration, added to codes and errors alike (RFC 9207 2)."
)

STRANGER = "https://apiauth.example"
named_issuers = Parts(
    "the profile does not promise that answers of the authorization endpoint name their issuer",
    lambda profile: authorization.find(profile) if profile.authorization.names_issuer else {},
)


def issuer_of(api: Api) -> str | None:
    """Return the issuer that the profile or the server's metadata name; None if neither does."""
    promised, place = api.profile.authorization.issuer, api.profile.metadata_url
    if promised is not None or place is None:
        return promised
    answer = api.send(Draft("GET", api.profile.url(place), (("Accept", "application/json"),)))
    found = answer.members.get("issuer")
    return found if answer.status == 200 and isinstance(found, str) else None


@rule(
    MUST,
    "RFC 9207 2",
    "RFC 9207 2.3",
    PROFILE,
    applies=named_issuers,
    catches=("issuer-dropped", "issuer-dropped-on-error", "issuer-echoed", "issuer-not-its-own"),
    safety=ISSUE,
)
def iss_named(api: Api, grant: GrantType) -> None:
    """Every answer of the authorization endpoint names its issuer, and no other: with a code, with an error.

    What a request says in a parameter of that name is no matter.
    """
    valid = api.authorization_request()
    expected = api.once("its issuer", lambda: issuer_of(api))
    is_seen = False
    for draft in both(valid):
        for asked in (draft, consent.asking(draft, iss=STRANGER)):
            with api.row():
                answer = api.send(asked)
                back = consent.returned(answer.draft, answer.response)
                if back is not None:
                    is_seen = True
                    judge(answer, back.get("iss", []), expected)
    api.control(valid)
    if not is_seen:
        raise OutOfReach(LOGIN_FIRST)


def judge(answer: Answer, came: list[str], expected: str | None) -> None:
    """Require one issuer: the server's, or if nobody says which that is, what can be one (RFC 9207 2)."""
    answer.require(len(came) == 1, "one iss in the answer, as documented", f"{len(came)} of them")
    (issuer,) = came
    if expected is not None:
        answer.require(issuer == expected, f"iss={expected} in the answer", f"iss {issuer!r:.200}")
        return
    parts = parts_of(issuer)
    is_url = parts.scheme in ("https", "http") and bool(parts.netloc) and not parts.query and not parts.fragment
    answer.require(is_url, "a URL without query and fragment as iss", f"iss {issuer!r:.200}")
    answer.require(issuer != STRANGER, "an iss of the server's own", "the one that the request says")

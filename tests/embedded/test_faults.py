"""Each fault shows, in the way its name says, on a server that is otherwise in order.

`SHOWS` has for each fault a profile and a question whose answer is yes on the faulty server and no on a good one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.embedded import FAULTS, VARIANTS
from pytest_apiauth.embedded.places import Spot
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.messages import Request
from tests.embedded.caller import BUILT_IN, PROFILES, Caller, swapped
from tests.embedded.shows import SHOWS, SPACES, USER, Question, access, admitted, challenge, got_token
from tests.sharing import about

# The valid requests that a fault has refused because that is what the fault is.
BREAKS = {
    ("open-zone-closed", "jindexe", "open zone"),
    ("open-zone-closed", "mill", "open zone"),
    ("basic-not-decoded", "dastra", "client special"),
    ("basic-split-last-colon", "mill", "client special"),
    ("refreshed-token-unusable", "dastra", "refreshed"),
    ("refreshed-token-unusable", "jindexe", "refreshed"),
    ("refreshed-token-unusable", "harbour", "refreshed"),
}


def broken_valid_requests(caller: Caller) -> set[str]:
    """Send every valid request that a profile has; give the names of those that are refused."""
    profile = caller.profile
    tokens = {grant: caller.token(grant) for grant in profile.grants if grant != "refresh_token"}
    passed = {}
    for name in profile.clients:
        if name != "app" and "client_credentials" in profile.grants:
            passed[f"client {name}"] = got_token(caller.ask("client_credentials", name))
    for zone in profile.zones.values():
        place = zone.probe[0]
        if not zone.is_protected:
            passed["open zone"] = admitted(caller.get(place))
        for alternative in zone.needs:
            key = caller.key() if "api_key" in alternative else None
            if "personal_access_token" in alternative:
                passed["personal"] = admitted(caller.get(place, token=caller.personal()))
            elif "bearer" in alternative:
                for grant, answer in tokens.items():
                    passed[f"bearer {grant}"] = admitted(caller.get(place, token=answer["access_token"], key=key))
            elif "basic" in alternative:
                text = base64.b64encode(":".join(caller.user()).encode()).decode()
                passed["basic"] = admitted(caller.get(place, authorization=f"Basic {text}"))
            else:
                passed["key"] = admitted(caller.get(place, key=key))
    for answer in tokens.values():
        if "refresh_token" in answer and "refresh_token" in profile.grants:
            fresh = caller.token("refresh_token", refresh_token=answer["refresh_token"], scope=None)
            zone = next(zone for zone in reversed(profile.zones.values()) if "bearer" in zone.kinds)
            key = caller.key() if profile.api_key else None
            passed["refreshed"] = admitted(caller.get(zone.probe[0], token=fresh["access_token"], key=key))
    return {name for name, is_good in passed.items() if not is_good}


def test_every_fault_is_shown() -> None:
    """Each fault has a line that says what it breaks; those with a question here exist.

    That every fault, these and all others, is seen by the rule that owns it, `tests/faults` proves.
    """
    assert FAULTS.keys() >= SHOWS.keys()
    assert all(fault.description and fault.name == name for name, fault in FAULTS.items())
    assert all(variant.description and variant.name == name for name, variant in VARIANTS.items())


@pytest.mark.parametrize("name", SHOWS)
def test_fault_shows(name: str) -> None:
    """A fault is seen on the faulty server and on no other."""
    profile, shows = SHOWS[name]

    assert shows(Caller(profile, name))
    assert not shows(Caller(profile))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", SHOWS)
def test_fault_leaves_valid_requests_alone(name: str, profile: str) -> None:
    """Whatever a fault breaks, valid requests that it is not about still succeed."""
    expected = {request for fault, where, request in BREAKS if (fault, where) == (name, profile)}

    assert expected == broken_valid_requests(Caller(profile, name))


# What a fault cannot help breaking as well, by what it is: who takes any token takes a near miss too.
INCLUDES = {
    "token-any-accepted": {"token-prefix-compare", "token-case-folded", "query-token-beats-header"},
    "secret-ignored": {"secret-prefix-compare", "secret-case-folded"},
    "client-auth-optional": {"refresh-without-client"},
    "password-ignored": {"password-case-folded"},
    "refresh-any-token": {"refresh-token-case-folded"},
    "zone-open": {"key-optional"},
    "key-optional": {"key-name-folded", "key-from-query", "token-route-without-key"},
    "any-credential-suffices": {"refresh-token-as-bearer"},
    "open-zone-closed": {"surplus-invalid-refused"},
    "surplus-credential-refused": {"surplus-invalid-refused"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=about(FAULTS[name].mixin, Policy, Spot)) for name in SHOWS])
def test_fault_breaks_nothing_else(name: str) -> None:
    """No other fault's question is answered with yes, save where one fault includes the other."""
    others = {
        other
        for other, (profile, shows) in SHOWS.items()
        if other != name and other not in INCLUDES.get(name, set()) and _answer(shows, profile, name)
    }

    assert set() == others


def _answer(shows: Question, profile: str, fault: str) -> bool:
    """Ask; a question that cannot be asked at all counts as no."""
    try:
        return shows(Caller(profile, fault))
    except AssertionError:
        return False


# What a question takes for a fault though it is none: a scope that is left out, a token whose case cannot change.
SEEMS = {
    "unknown-scope-ignored": {"unknown-scope-granted", "refresh-scope-widens"},
    "token-decimal": {"token-case-folded"},
}


# Grants whose tokens a variant keeps out of zones that the usual grant's open, and what is refreshed with them.
CLOSES = {
    ("other-grants-forbidden", "dastra"): {"bearer authorization_code", "refreshed"},
    ("other-grants-forbidden", "harbour"): {"bearer client_credentials"},
}


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=about(VARIANTS[name].mixin, Policy, Spot))
        for name in sorted(VARIANTS.keys() - {"gzip"})
    ],
)
def test_variants_are_good_servers(name: str, profile: str) -> None:
    """A variant admits every valid request and shows no fault; this caller does not unpack what is compressed."""
    caller = Caller(profile, variants=(name,))
    yes = {fault for fault, (where, shows) in SHOWS.items() if where == profile and shows(_variant(profile, name))}

    assert CLOSES.get((name, profile), set()) == broken_valid_requests(caller)
    assert set() == yes - SEEMS.get(name, set())


def _variant(profile: str, name: str) -> Caller:
    return Caller(profile, variants=(name,))


@pytest.mark.parametrize(
    ("name", "profile", "shows"),
    [
        ("403-refusal", "dastra", lambda caller: caller.get(SPACES, token="bad").status == 403),
        ("no-challenge-params", "dastra", lambda caller: challenge(caller.get(SPACES, token="x")).count("=") == 1),
        ("rotation", "dastra", lambda caller: "refresh_token" in refreshed(caller)),
        ("old-refresh-token-dies", "jindexe", lambda caller: not reusable(caller)),
        ("expires-in-absent", "dastra", lambda caller: "expires_in" not in caller.token("authorization_code")),
        ("extra-members", "jindexe", lambda caller: len(caller.token()) > 5),
        ("jwt-tokens", "jindexe", lambda caller: access(caller).count(".") == 2),
        ("token-type-lower-case", "dastra", lambda caller: caller.token()["token_type"] == "bearer"),
        (
            "invalid-client-400",
            "digishare",
            lambda caller: caller.ask("client_credentials", client_secret="x").status == 400,
        ),
        ("json-charset", "dastra", lambda caller: "charset" in str(caller.ask("client_credentials").headers)),
    ],
)
def test_variant_shows(name: str, profile: str, shows: Question) -> None:
    """A variant differs from the plain server."""
    assert shows(_variant(profile, name))
    assert not shows(Caller(profile))


def refreshed(caller: Caller) -> dict[str, Any]:
    """Refresh once."""
    return caller.token("refresh_token", refresh_token=caller.token("authorization_code")["refresh_token"])


def reusable(caller: Caller) -> bool:
    """Whether a refresh token may be used twice."""
    token = caller.token()["refresh_token"]
    return [caller.ask("refresh_token", refresh_token=token).status for _ in range(2)] == [200, 200]


def test_faults_combine() -> None:
    """Several faults at once each show."""
    caller = Caller("jindexe", "key-optional", "token-any-accepted", "password-ignored")

    assert admitted(caller.get(USER, token="anything"))
    assert got_token(caller.ask("password", password="x"))


@pytest.mark.parametrize("line", ["Bearer \xe9", "Basic \xe9\xff", "\xe9", "Bearer " + "x" * 100_000, "Bearer \x01"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_good_server_never_crashes(name: str, line: str) -> None:
    """Whatever stands in Authorization, the good server refuses it in an orderly way."""
    caller = Caller(name)
    zone = next(zone for zone in reversed(caller.profile.zones.values()) if zone.is_protected)
    body = json.dumps(caller.parameters(caller.profile.usual_grant or "")).encode()
    request = Request("POST", caller.profile.token_endpoint, (("Authorization", line),), body)

    assert caller.get(zone.probe[0], authorization=line).status == 401
    assert 400 <= caller.server.handle(request).status < 500


@pytest.mark.parametrize(
    ("fault", "place", "spell"),
    [
        ("token-prefix-compare", -1, swapped),
        ("key-prefix-compare", -1, swapped),
    ],
)
def test_prefixes_are_still_compared(fault: str, place: int, spell: Callable[[str, int], str]) -> None:
    """The faults that compare a prefix refuse a change within it."""
    caller = Caller("jindexe", fault)
    token = access(caller)

    assert not admitted(caller.get(USER, token=spell(token, 2), key=caller.key()))
    assert not admitted(caller.get(USER, token=token, key=spell(caller.key(), 2)))
    assert caller.get(USER, token=token[:place], key="").status == 401

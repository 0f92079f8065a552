"""Cookies that a server sets: a session that nobody has documented is advice, a documented credential is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_apiauth.embedded.faults.surroundings import LoginSessionBesideKey
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from tests.faults.examining import PROFILES

from .test_good_servers import judged

RULES = ("res-no-cookie-carry", "tok-no-cookie-carry")


class BeginsSession(Policy):
    """Sets the cookie of a session with every answer, and with every token."""

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 200:
            return answer
        value = next(iter(self.state.named["sid"]))
        return replace(answer, headers=(*answer.headers, ("Set-Cookie", f"sid={value}; Path=/; HttpOnly")))


class TakesSession(BeginsSession):
    """Lets a session in wherever a token is asked for, whatever the profile says."""

    def is_admitted_unseen(self, request: Request) -> bool:
        return "sid=" in (request.header("cookie") or "") or super().is_admitted_unseen(request)


class BesideKey(LoginSessionBesideKey):
    """Sets the cookie that stands for a token beside a key with what the API answers."""

    def begins_session(self, request: Request) -> bool:
        return request.method == "GET"


def shop(*needs: list[str], name: str = "sid", token_url: str = "/token") -> Profile:
    """Return a profile of a shop that knows tokens, and sessions in a cookie."""
    table: dict[str, Any] = {
        "schema": 1, "name": "shop", "api_url": "https://shop.example", "token_url": token_url,
        "credentials": {"client_id": {"env": "SHOP_ID"}, "client_secret": {"env": "SHOP_SECRET"}},
        "grants": {"client_credentials": {}},
        "schemes": {"sid": {"in": "cookie", "name": name, "value": {"env": "SHOP_SESSION"}}},
        "zones": {"all": {"path": "/", "needs": list(needs), "probe": ["/things"]}},
    }  # fmt: skip
    return Profile.model_validate(table)


def part_of(rule_id: str, profile: Profile, zone: str = "all") -> str:
    """Return the part of a profile that a rule is about: a zone, or the grant that logs in."""
    return zone if rule_id.startswith("res") else str(profile.usual_grant)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_cookie_that_the_profile_documents_is_a_credential(rule_id: str) -> None:
    """Where a session may stand for a token, whoever logs in may be given one, and it opens what it should."""
    profile, fault = shop(["bearer"], ["sid"]), Fault("begins", "", BeginsSession)

    assert judged(rule_id, profile, part_of(rule_id, profile), faults=[fault]).verdict is Verdict.PASS


@pytest.mark.parametrize("rule_id", RULES)
def test_a_cookie_that_opens_unasked_is_advice(rule_id: str) -> None:
    """One that the zone does not take, and that opens what needs a token, is told."""
    profile, fault = shop(["bearer"], name="other"), Fault("takes", "", TakesSession)
    outcome = judged(rule_id, profile, part_of(rule_id, profile), faults=[fault])

    assert outcome.verdict is Verdict.WARNING
    assert "sid=${COOKIE_1}" in str(outcome.counterexample)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_session_that_stands_for_the_token_alone_is_seen(rule_id: str) -> None:
    """Where a key is needed too, a cookie is tried beside the key."""
    profile = PROFILES["reference"]
    (zone,) = (name for name, zone in profile.zones.items() if zone.needs == (("api_key", "bearer"),))
    fault = "login-session-beside-key" if rule_id.startswith("tok") else Fault("beside", "", BesideKey)

    assert judged(rule_id, profile, part_of(rule_id, profile, zone), faults=[fault]).verdict is Verdict.WARNING


@pytest.mark.parametrize(
    ("line", "token_url", "verdict"),
    [
        ("sid=1234; Path=/", "/token", Verdict.WARNING),
        ("sid=1234; Path=/", "https://id.example/token", Verdict.PASS),
        ("sid=1234; Path=/admin", "/token", Verdict.PASS),
        ("sid=; Path=/; Max-Age=0", "/token", Verdict.PASS),
    ],
)
def test_a_cookie_goes_where_a_browser_sends_it(line: str, token_url: str, verdict: Verdict) -> None:
    """One of another host or path, or one that is taken away, is no session here."""

    class Session(TakesSession):
        def revise(self, request: Request, response: Response) -> Response:
            is_login = request.path == urlsplit(self.profile.token_endpoint).path
            return replace(response, headers=(*response.headers, *([("Set-Cookie", line)] if is_login else [])))

    profile, fault = shop(["bearer"], name="other", token_url=token_url), Fault("session", "", Session)

    assert judged("tok-no-cookie-carry", profile, "client_credentials", faults=[fault]).verdict is verdict


def test_a_zone_that_may_do_without_is_not_asked() -> None:
    """Where a token may be left out, a request without one is no finding."""
    rule = REGISTRY["tok-no-cookie-carry"]

    assert rule.applies.find(shop(["bearer"]))
    assert not rule.applies.find(shop(["bearer"], []))

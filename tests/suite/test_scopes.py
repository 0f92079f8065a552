"""Scopes of zones: where a lesser token comes from, and what says nothing of a server."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Fault
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Challenge, Refusal
from pytest_apiauth.profile.model import GrantType, Profile, Zone
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES, QUICK
from tests.here import USUAL

RULE = REGISTRY["res-insufficient-scope"]
ANSWER = {"token_type": "Bearer", "expires_in": 600}


def shop(grant: str, **more: Any) -> Profile:
    """Give a profile with one grant that asks for two scopes, of which a zone needs one."""
    return Profile.model_validate({
        "schema": 1, "name": "shop", "api_url": "https://shop.example", "token_url": "/token",
        "authorize_url": "/authorize", "grants": {grant: {"scope": "read write"}}, "token": {"answer": ANSWER},
        "credentials": {
            "client_id": "shop", "client_secret": {"env": "SHOP_SECRET"}, "username": "alice",
            "password": {"env": "SHOP_PASSWORD"}, "redirect_uri": "https://app.shop.example/callback",
        },
        "zones": {"list": {"path": "/list/", "needs": ["bearer"], "probe": ["/list/1"]},
                  "edit": {"path": "/edit/", "needs": ["bearer"], "probe": ["/edit/1"], "scope": "write"}},
        **more,
    })  # fmt: skip


def judged(profile: Profile, *policies: type[Policy], faults: tuple[str, ...] = (), part: str = "edit") -> Outcome:
    """Judge the rule on a zone of a server with faults, or decisions of its own."""
    redactor = Redactor()
    own = [Fault(policy.__name__, "", policy) for policy in policies]
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(*faults, *own), variants=())
    return judge(RULE, Examination(target, redactor), RULE.applies.find(profile)[part], QUICK)


@pytest.mark.parametrize("grant", ["password", "authorization_code"])
def test_a_grant_is_asked_for_less_than_its_scope(grant: str) -> None:
    """One grant is enough: a token without the word that the zone needs, asked for where the grant is."""
    assert judged(shop(grant)).verdict is Verdict.PASS
    assert judged(shop(grant), faults=("scope-ignored",)).verdict is Verdict.FAIL
    warned = judged(shop(grant), faults=("scope-refused-as-invalid",))
    assert (warned.verdict, warned.reason[:14]) == (Verdict.WARNING, "advised 403 fo")


class GrantsAll(Policy):
    """Grants what the client may have, whatever it asks for (RFC 6749 3.3)."""

    def granted_scope(self, grant: GrantType, requested: str | None) -> str:
        return "read write"


class NamesScopesItsOwnWay(Policy):
    """Asks for short names, and answers with long ones."""

    def granted_scope(self, grant: GrantType, requested: str | None) -> str:
        return " ".join(f"https://shop.example/{word}" for word in ("read", "write"))

    def has_scope(self, token: Any, zone: Zone) -> bool:
        return True


@pytest.mark.parametrize("policy", [GrantsAll, NamesScopesItsOwnWay])
def test_a_server_that_grants_another_scope_shows_nothing(policy: type[Policy]) -> None:
    """Where the server says that the token has more than was asked for, that it gets in is no fault."""
    outcome = judged(shop("password"), policy)

    assert (outcome.verdict, outcome.reason) == (
        Verdict.SKIP, "no grant gives a token without the scope that is needed here",
    )  # fmt: skip


class OtherWords(Policy):
    """Names another error with the 403."""

    def scope_refusal(self, zone: Zone) -> Refusal:
        return Refusal(403, "forbidden", challenges=[Challenge("Bearer", {"error": "invalid_token"})])


def test_what_a_refusal_says_is_advice() -> None:
    """A 403 that calls the token invalid warns."""
    warned = judged(PROFILES["scoped"], OtherWords)
    assert (warned.verdict, warned.reason.split(",")[0]) == (
        Verdict.WARNING, "advised the error insufficient_scope",
    )  # fmt: skip

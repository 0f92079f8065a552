"""Cookies that a server sets: a session that nobody has documented is advice, a documented credential is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Verdict

from .test_good_servers import judged


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


def shop(*needs: list[str], name: str = "sid") -> Profile:
    """Return a profile of a shop that knows tokens, and sessions in a cookie."""
    table: dict[str, Any] = {
        "schema": 1, "name": "shop", "api_url": "https://shop.example", "token_url": "/token",
        "credentials": {"client_id": {"env": "SHOP_ID"}, "client_secret": {"env": "SHOP_SECRET"}},
        "grants": {"client_credentials": {}},
        "schemes": {"sid": {"in": "cookie", "name": name, "value": {"env": "SHOP_SESSION"}}},
        "zones": {"all": {"path": "/", "needs": list(needs), "probe": ["/things"]}},
    }  # fmt: skip
    return Profile.model_validate(table)


@pytest.mark.parametrize("rule_id", ["res-no-cookie-carry", "tok-no-cookie-carry"])
def test_a_cookie_that_the_profile_documents_is_a_credential(rule_id: str) -> None:
    """Where a session may stand for a token, whoever logs in may be given one, and it opens what it should."""
    profile = shop(["bearer"], ["sid"])

    assert judged(rule_id, profile, "all", faults=[Fault("begins", "", BeginsSession)]).verdict is Verdict.PASS


@pytest.mark.parametrize("rule_id", ["res-no-cookie-carry", "tok-no-cookie-carry"])
def test_a_cookie_that_opens_unasked_is_advice(rule_id: str) -> None:
    """One that the profile does not know, and that opens what needs a token, is told."""
    outcome = judged(rule_id, shop(["bearer"], name="other"), "all", faults=[Fault("takes", "", TakesSession)])

    assert outcome.verdict is Verdict.WARNING
    assert "COOKIES" in str(outcome.counterexample)

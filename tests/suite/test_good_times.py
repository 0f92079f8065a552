"""What good servers do at the ends of lifetimes, and with what is no grant type at all."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth.embedded.jws import Jws
from pytest_apiauth.embedded.jwt import JwtPolicy
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Verdict
from tests.faults.examining import PROFILES
from tests.suite.test_good_servers import judged, profile_of


def short_lived(lifetime: int, **token: Any) -> Profile:
    """Give a profile whose access and refresh tokens live for so many seconds."""
    return profile_of(
        token_url="/token",
        standards=["RFC 6749", "RFC 6750"],
        credentials={"client_id": "shop", "client_secret": {"env": "SHOP_SECRET"}},
        users={"other": {"username": {"env": "U"}, "password": {"env": "P"}}},
        grants={"password": {"user": "other"}, "refresh_token": {}},
        token={"answer": {"expires_in": lifetime, "refresh_token": True}, "refresh_expires_in": lifetime, **token},
        zones={"all": {"path": "/", "needs": ["bearer"], "probe": ["/things"]}},
    )


@pytest.mark.parametrize("lifetime", [1, 2, 3, 3600])
@pytest.mark.parametrize("leeway", [0, 30])
@pytest.mark.parametrize(("rule", "part"), [("exp-boundary", "all"), ("ref-lifetime", "refresh_token")])
def test_a_token_is_over_at_its_end(lifetime: int, leeway: int, rule: str, part: str) -> None:
    """A token that is refused from the last second on is refused in time (RFC 7519 4.1.4: on or after)."""
    outcome = judged(rule, short_lived(lifetime, leeway=leeway), part)

    assert outcome.verdict is Verdict.PASS, outcome.reason


class Timeless(JwtPolicy):
    """Looks at the end of a token, and not at when its time begins, of which its own tokens say nothing."""

    def has_begun(self, token: Jws) -> bool:
        return True


def test_a_claim_that_no_token_has_need_not_be_understood() -> None:
    """Who issues tokens without nbf may ignore one (RFC 7519 4), unless RFC 9068 is promised: that is a warning."""
    promised, fault = PROFILES["jwt"], Fault("timeless", "", Timeless)
    unpromised = promised.replaced(standards=[each for each in promised.standards if each != "RFC 9068"])

    assert judged("res-jwt-time", promised, "api", faults=[fault]).verdict is Verdict.FAIL
    assert judged("res-jwt-time", unpromised, "api", faults=[fault]).verdict is Verdict.WARNING


class Grammarian(Policy):
    """Says that a grant type is malformed which is no name of one, and no URI (RFC 6749 A.10)."""

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        name = str(request.form().get("grant_type"))
        if answer.status != 400 or re.fullmatch(r"[A-Za-z0-9._-]+|[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", name):
            return answer
        return replace(answer, body=json.dumps({"error": "invalid_request"}).encode())


def test_what_is_no_grant_type_is_malformed() -> None:
    """Who answers invalid_request to a percent sign in the place of a grant type is right (RFC 6749 5.2)."""
    outcome = judged(
        "err-unsupported-grant", PROFILES["dastra"], "client_credentials", faults=[Fault("grammarian", "", Grammarian)]
    )

    assert outcome.verdict is Verdict.PASS, outcome.advice

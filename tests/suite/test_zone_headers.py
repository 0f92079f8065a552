"""Headers that an API asks for beside the credentials: the suite's requests have them, altered or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL
from tests.suite.test_good_servers import judged, profile_of


def shop(**headers: str) -> Profile:
    """Give a profile with a zone that has headers, and one that has none."""
    zone: dict[str, Any] = {"needs": ["api_key"], "probe": ["/things"]}
    return profile_of(
        api_key={"header": "X-Key"},
        credentials={"api_key": {"env": "SHOP_KEY"}},
        zones={
            "all": {"path": "/", **zone, "headers": headers},
            "plain": {"path": "/plain", **zone, "probe": ["/plain/things"]},
        },
    )


class Negotiates(Policy):
    """Refuses whoever wants JSON, and sends everybody else to a page."""

    def revise(self, request: Request, response: Response) -> Response:
        answer = super().revise(request, response)
        if answer.status != 401 or request.header("accept") == "application/json":
            return answer
        return replace(answer, status=302, headers=(*answer.headers, ("Location", "/login")))


@pytest.mark.parametrize("rule", ["res-no-cred-401", "key-missing", "zone-truth-table"])
def test_what_negotiates_is_asked_as_clients_ask_it(rule: str) -> None:
    """A server that sends browsers to a page keeps its promise to whoever asks for JSON."""
    faults = [Fault("negotiates", "", Negotiates)]

    assert judged(rule, shop(), "all", faults=faults).verdict is Verdict.FAIL
    assert judged(rule, shop(Accept="application/json"), "all", faults=faults).verdict is Verdict.PASS


def test_each_request_of_the_zone_has_them() -> None:
    """Valid requests and altered ones have the headers, and those of another zone have not."""
    profile = shop(**{"X-Version": "2026-01-01"})
    target = EmbeddedTarget.build(profile, redactor=Redactor(), library=USUAL, faults=(), variants=())
    for zone, came in (("all", {"2026-01-01"}), ("plain", {None})):
        target.server.requests.clear()
        request = Examination(target, Redactor()).request(profile.zones[zone].probe[0], ("api_key",))
        for draft in (request, request.anonymous()):
            Examination(target, Redactor()).send(draft)
        assert {each.header("x-version") for each in target.server.requests} == came
        assert len(target.server.requests) == 2


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"X Version": "1"}, "zones.all.headers: 'X Version': expected the name of a header"),
        ({"X-Version": "1\r\nX-Key: 2"}, "zones.all.headers: 'X-Version': expected the name of a header, and a line"),
        ({"x-key": "abc"}, "zones.all.headers: x-key is where a credential travels"),
        ({"Authorization": "Bearer abc"}, "zones.all.headers: Authorization is where a credential travels"),
        ({"Host": "elsewhere"}, "Host is where a credential travels, which needs names, or the HTTP library's own"),
    ],
)
def test_what_is_no_such_header_is_told(headers: dict[str, str], words: str) -> None:
    """A credential is none of them, and a header is one line."""
    with pytest.raises(ValidationError, match="headers") as error:
        shop(**headers)
    assert words in str(error.value)

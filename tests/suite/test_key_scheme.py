"""API keys that travel behind a word: ``Authorization: ApiKey …``."""

from __future__ import annotations

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.selection import Plans
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL

bundled.load_chapters()


def keyed(**changes: str) -> Profile:
    """Give a profile whose key travels in Authorization behind a word."""
    return Profile.model_validate(
        {
            "schema": 1,
            "name": "keyed",
            "api_url": "https://api.keyed.example",
            "api_key": {"header": "Authorization", "scheme": "ApiKey", **changes},
            "credentials": {"api_key": {"env": "KEYED_KEY"}},
            "zones": {"all": {"path": "/", "needs": ["api_key"], "probe": ["/things"]}},
        }
    )


def outcomes(*faults: str) -> dict[str, Verdict]:
    """Judge every rule about the zone on a server with these faults; give what was not skipped."""
    profile, redactor = keyed(), Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=faults, variants=())
    examination = Examination(target, redactor)
    make_ready(examination)
    found = {
        rule.id: judge(rule, examination, argument, Conditions(20, 0)).verdict
        for rule in REGISTRY
        if not rule.wire
        for argument in rule.applies.find(profile).values()
    }
    return {rule_id: verdict for rule_id, verdict in found.items() if verdict is not Verdict.SKIP}


def test_no_rule_alarms_and_the_keys_own_rules_apply() -> None:
    """On a good server everything passes, the case of the key's letters included."""
    found = outcomes()
    assert set(found.values()) == {Verdict.PASS}
    assert {"key-missing", "key-bad", "key-name-strict", "key-place-strict", "zone-truth-table"} <= set(found)


@pytest.mark.parametrize(("fault", "rule_id"), [("key-case-folded", "key-bad"), ("key-optional", "key-missing")])
def test_the_faults_of_keys_are_caught_behind_a_word_too(fault: str, rule_id: str) -> None:
    """A near miss is one of the key and not of the word before it."""
    assert outcomes(fault)[rule_id] is Verdict.FAIL


@pytest.mark.parametrize(
    ("written", "status"), [("ApiKey {}", 200), ("apikey {}", 200), ("{}", 401), ("Token {}", 401), ("ApiKey{}", 401)]
)
def test_the_embedded_server_wants_the_word(written: str, status: int) -> None:
    """The word counts, in any case (RFC 9110 11.1); without it there is no key."""
    server = Server(keyed())
    lines = (("Authorization", written.format(server.environment["KEYED_KEY"])),)
    assert server.handle(Request("GET", "https://api.keyed.example/things", lines)).status == status


def test_clients_write_the_word() -> None:
    """A client sends the key behind its word."""
    profile = keyed()
    identities = Identities(profile, lambda label, reference: "k-1", Redactor())
    plans = Plans(Requester(identities, client="default", user="default"), None)
    assert plans.at("/things").headers == {"Authorization": "ApiKey k-1"}


def test_the_word_is_one_word() -> None:
    """A scheme is a token (RFC 9110 11.1); the key itself never stands in a profile."""
    with pytest.raises(ValueError, match="scheme"):
        keyed(scheme="ApiKey k-1")

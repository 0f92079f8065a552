"""What was good once is taken nowhere: which places are tried, and what a profile may get wrong about it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.auth.texts import Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.loading import explained
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.api import Api
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.outcomes import NotApplicable
from pytest_apiauth.targets.apps.supplied import Supplied
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES
from tests.here import USUAL
from tests.suite.test_good_servers import judged

OLD = {"env": "OLD"}
SHOP: dict[str, Any] = {
    "schema": 1,
    "name": "shop",
    "api_url": "https://shop.example",
    "schemes": {"app_key": {"name": "X-App-Key", "value": {"env": "APP_KEY"}, "revoked": OLD}},
    "credentials": {
        "personal_access_token": {"env": "TOKEN"}, "username": "alice", "password": {"env": "WORD"},
        "expired": {"personal_access_token": OLD, "password": OLD}, "revoked": {"user": "former"},
    },
    "users": {"former": {"username": "carol", "password": {"env": "CAROLS"}}},
    "zones": {
        "mine": {"path": "/mine", "needs": ["personal_access_token"], "probe": ["/mine"]},
        "keyed": {"path": "/keyed", "needs": ["app_key"], "probe": ["/keyed"]},
        "basic": {"path": "/basic", "needs": ["basic"], "probe": ["/basic"]},
    },
}  # fmt: skip
CASES = [
    ("ended-refused", "revoked.app_key", "ended-key-accepted"),
    ("ended-refused", "expired.personal_access_token", "ended-token-accepted"),
    ("ended-secret-refused", "expired.password", "ended-password-accepted"),
    ("ended-user", "revoked.former", "ended-user-accepted"),
]


@pytest.mark.parametrize(("rule_id", "part", "fault"), CASES)
def test_each_kind_is_tried_where_its_like_is_taken(rule_id: str, part: str, fault: str) -> None:
    """A server that knows what has ended passes, and one that takes it is failed."""
    profile = Profile.model_validate(SHOP)

    assert judged(rule_id, profile, part).verdict is Verdict.PASS
    found = judged(rule_id, profile, part, faults=[fault])
    assert found.verdict is Verdict.FAIL
    assert found.counterexample is not None
    shown = "FORMER_PASSWORD" if "former" in part else part.replace(".", "_").upper()
    assert f"${{{shown}}}" in found.counterexample.curl


def test_a_password_is_tried_at_zones_and_at_the_token_endpoint() -> None:
    """Every place that takes one of its kind has been asked with the old one."""
    redactor = Redactor()
    target = EmbeddedTarget.build(PROFILES["reference"], redactor=redactor, library=USUAL, faults=(), variants=())
    old = target.server.environment["REFERENCE_OLD_PASSWORD"]
    rule = REGISTRY["ended-secret-refused"]

    outcome = judge(rule, Examination(target, redactor), ("expired", "password"), Conditions(1, 0))

    assert outcome.verdict is Verdict.PASS
    assert {each.path for each in target.server.requests if carries(each, old)} == {"/token", "/basic/items"}


def carries(request: Request, value: str) -> bool:
    """Whether a request carries a password, in its body or as HTTP Basic."""
    import base64

    word, _, rest = (request.header("authorization") or "").partition(" ")
    pair = base64.b64decode(rest).decode() if word == "Basic" else ""
    return value in f"{request.body.decode()} {pair}"


def test_what_is_in_use_has_not_ended() -> None:
    """A profile that names the key in use as revoked has a mistake in it, which is said and is no finding."""
    named = SHOP | {"schemes": {"app_key": SHOP["schemes"]["app_key"] | {"revoked": {"env": "APP_KEY"}}}}

    outcome = judged("ended-refused", Profile.model_validate(named), "revoked.app_key")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.reason == "the revoked app_key is the one in use, by its value: name one that was revoked"


def test_a_project_gives_what_has_ended_too() -> None:
    """``apiauth_credentials`` may return it, and it is redacted."""
    profile, redactor = Profile.model_validate(SHOP), Redactor()
    supplied = Supplied(profile, {"expired": {"password": "word-of-last-year"}}, redactor)

    identities = Identities(supplied.completed(profile), supplied.lookup(lambda label, reference: None), redactor)

    ended = identities.ended("expired", "password")
    assert ended is not None
    assert ended.reveal() == "word-of-last-year"
    assert "word-of-last-year" not in redactor.redact("it is word-of-last-year")


def test_a_user_who_was_deactivated_is_nobodys_other_user() -> None:
    """Who logs in no more is tried where the default user logs in, and is no second user of other rules."""
    profile, redactor = PROFILES["reference"], Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    rule = REGISTRY["ended-user"]

    outcome = judge(rule, Examination(target, redactor), "former", Conditions(1, 0))

    assert outcome.verdict is Verdict.PASS
    old = target.server.environment["REFERENCE_FORMER_PASSWORD"]
    assert {each.path for each in target.server.requests if carries(each, old)} == {"/token", "/basic/items"}
    gone = {"credentials": SHOP["credentials"] | {"revoked": {"user": "second"}}}
    alone = Profile.model_validate(SHOP | gone | {"users": {"second": SHOP["users"]["former"]}})
    target = EmbeddedTarget.build(alone, redactor=redactor, library=USUAL, faults=(), variants=())
    with pytest.raises(NotApplicable, match="the user second was deactivated"):
        Api(Examination(target, redactor), rule.id).another(Role.PASSWORD)


def test_a_user_who_was_deactivated_is_one_of_the_profiles() -> None:
    """A name that is none of ``[users]`` is told in one line."""
    with pytest.raises(ProfileError, match=r"credentials.expired.user: no 'carol' in \[users\]"), explained("shop"):
        Profile.model_validate(SHOP | {"credentials": {"expired": {"user": "carol"}}})


def test_an_ended_token_is_not_active() -> None:
    """Introspection that calls a revoked token active is failed; one that knows nothing of it is right."""
    profile = PROFILES["reference"]

    assert judged("ended-inactive", profile, "revoked.access_token").verdict is Verdict.PASS
    found = judged("ended-inactive", profile, "revoked.refresh_token", faults=["introspection-ended-active"])
    assert found.verdict is Verdict.FAIL

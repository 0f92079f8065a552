"""The chapters on revocation and metadata where servers differ: what is a breach, what a warning, what neither."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import VARIANTS
from pytest_apiauth.embedded.metadata_policy import MetadataPolicy
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import CONDITIONS, PROFILES, about_variants, examine
from tests.here import USUAL

CHAPTERS = ("revocation", "metadata")
RULES = [rule for rule in REGISTRY if rule.chapter in CHAPTERS]


def outcome_of(rule_id: str, part: str, **changes: Any) -> Outcome:
    """Judge one rule on one part of the reference profile with some keys changed, on a good server."""
    profile, rule, redactor = PROFILES["reference"].replaced(**changes), REGISTRY[rule_id], Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())
    return judge(rule, Examination(target, redactor), rule.applies.find(profile)[part], CONDITIONS)


def without_grants(*names: str) -> dict[str, Any]:
    """Give the change that takes grants away from the reference profile."""
    grants = PROFILES["reference"].model_dump(by_alias=True, exclude_unset=True)["grants"]
    return {"grants": {name: row for name, row in grants.items() if name not in names}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=about_variants(name, rules=[rule.id for rule in RULES])) for name in sorted(VARIANTS)],
)
def test_no_variant_is_called_broken(variant: str) -> None:
    """What the standards allow neither fails nor warns."""
    outcomes = examine("reference", RULES, variants=[variant])

    assert {key: one.reason for key, one in outcomes.items() if one.verdict is not Verdict.PASS} == {}


@pytest.mark.parametrize(
    ("variants", "verdict"), [((), Verdict.FAIL), (("jwt-tokens",), Verdict.WARNING)], ids=["opaque", "self-contained"]
)
def test_a_self_contained_token_may_outlive_its_revocation(variants: tuple[str, ...], verdict: Verdict) -> None:
    """That a revoked token goes on working fails, but where a resource may check the token by itself it warns."""
    found = examine("reference", [REGISTRY["rev-effective"]], faults=["revocation-without-effect"], variants=variants)

    assert found["rev-effective", "client_credentials"].verdict is verdict


def test_access_tokens_need_not_be_revocable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says that it revokes no access tokens keeps the standard (RFC 7009 2.2.1)."""
    monkeypatch.setattr(Policy, "unknown_token_to_revoke", _unsupported)
    monkeypatch.setattr(Policy, "find_revocable", lambda self, value, hint: self.state.refresh.get(value))

    assert outcome_of("rev-effective", "password").verdict is Verdict.SKIP
    assert outcome_of("rev-effective", "refresh_token").verdict is Verdict.PASS


def test_another_client_may_be_told_200(monkeypatch: pytest.MonkeyPatch) -> None:
    """To another client a token is as good as unknown, and 200 is the answer to that: all that counts is its life."""
    monkeypatch.setattr(Policy, "may_revoke", lambda self, token, client: True)
    monkeypatch.setattr(Policy, "revocation_ends", lambda self, token: False)

    assert outcome_of("rev-client-bound", "second").verdict is Verdict.PASS


def test_an_advertised_grant_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grant in the metadata that the token endpoint has never heard of is a contradiction."""
    published = MetadataPolicy.published_grants
    monkeypatch.setattr(MetadataPolicy, "published_grants", lambda self: [*published(self), "password"])

    outcome = outcome_of("md-consistent", "document", **without_grants("password"))

    assert (outcome.verdict, "the grant password known" in outcome.reason) == (Verdict.WARNING, True)


def test_a_grant_that_works_must_be_advertised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grant that gives a token although neither profile nor metadata name it is a contradiction."""
    monkeypatch.setattr(Policy, "grant_type", lambda self, parameters: parameters.get("grant_type"))

    outcome = outcome_of("md-consistent", "document", **without_grants("client_credentials"))

    assert (outcome.verdict, "no token by client_credentials" in outcome.reason) == (Verdict.WARNING, True)


def test_a_profile_may_add_parameters_to_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata names the endpoint as it is; prompt=consent is what one client asks for there."""
    whole, url = MetadataPolicy.metadata, PROFILES["reference"].authorization_endpoint
    monkeypatch.setattr(MetadataPolicy, "metadata", lambda self: {**whole(self), "authorization_endpoint": url})

    assert outcome_of("md-consistent", "document", authorize_url=f"{url}?prompt=consent").verdict is Verdict.PASS
    other = f"{url}/other?prompt=consent"
    assert outcome_of("md-consistent", "document", authorize_url=other).verdict is Verdict.WARNING


def test_the_document_is_asked_for_where_the_run_finds_the_api() -> None:
    """A URL that comes from the environment is known when the run begins, and not when its rules are collected."""
    profile = PROFILES["reference"].replaced(metadata_url="/.well-known/oauth-authorization-server")
    collected = profile.replaced(api_url={"env": "SHOP_URL"})
    rule, redactor = REGISTRY["md-consistent"], Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())

    outcome = judge(rule, Examination(target, redactor), rule.applies.find(collected)["document"], CONDITIONS)

    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")


def test_metadata_need_not_list_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document without grant_types_supported says nothing about grants: the default of RFC 8414 2 fits hardly any."""
    whole = MetadataPolicy.metadata
    monkeypatch.setattr(
        MetadataPolicy,
        "metadata",
        lambda self: {name: value for name, value in whole(self).items() if name != "grant_types_supported"},
    )

    assert outcome_of("md-consistent", "document").verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://id.example/.well-known/oauth-authorization-server", "https://id.example"),
        ("https://id.example/.well-known/openid-configuration/tenant", "https://id.example/tenant"),
        ("https://id.example/o/.well-known/openid-configuration", "https://id.example/o"),
        ("https://id.example/metadata.json", None),
    ],
)
def test_issuer_by_the_place_of_the_document(url: str, issuer: str | None) -> None:
    """The rule knows both places of the well-known part, and judges no issuer where there is none."""
    assert bundled.load_chapters()["metadata"].issuer_of(url) == issuer


def _unsupported(self: Policy) -> None:
    raise Refusal(400, "unsupported_token_type")

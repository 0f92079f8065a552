"""Tokens and keys in places of their own: whose faults are found there, and what is wrong with a table of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth import bundled, discover
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities, learn_credentials
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.apps.supplied import Supplied
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL
from tests.kinds.rows import OF_AUTHORIZATION, OF_KEYS, OF_ONE_ALONE, ROWS, TOKEN_PLACES

bundled.load_chapters()
CAUGHT = (Verdict.FAIL, Verdict.WARNING)


def outcomes(profile: Profile, *faults: str) -> dict[str, set[Verdict]]:
    """Judge every rule on a server with these faults; return the verdicts of what was not skipped, by rule."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=faults, variants=())
    examination = Examination(target, redactor)
    make_ready(examination)
    chosen = [rule for rule in REGISTRY if not rule.wire and (not faults or {*faults} & {*rule.faults})]
    found = {
        rule.id: {
            judge(rule, examination, part, Conditions(4, 0)).verdict for part in rule.applies.find(profile).values()
        }
        for rule in chosen
    }
    return {rule_id: verdicts - {Verdict.SKIP} for rule_id, verdicts in found.items() if verdicts - {Verdict.SKIP}}


def test_init_writes_keys_of_several_names(tmp_path: Path) -> None:
    """What has no other place in a profile is one of its schemes, by the name that the document gives it."""
    each = {"key": "X-API-Key", "appKeyAuth": "DD-APPLICATION-KEY"}
    needed = {"get": {"responses": {"200": {"description": "ok"}}, "security": [{name: [] for name in each}]}}
    schemes = {name: {"type": "apiKey", "in": "header", "name": header} for name, header in each.items()}
    document: dict[str, Any] = {
        "openapi": "3.0.3", "info": {"title": "Shop"}, "servers": [{"url": "https://api.shop.example"}],
        "paths": {"/me": needed}, "components": {"securitySchemes": schemes},
    }  # fmt: skip
    source, output = tmp_path / "shop.json", tmp_path / "shop.apiauth.toml"
    source.write_text(json.dumps(document), encoding="utf-8")

    list(discover.init(str(source), str(output)))

    profile = loading.load(output)
    assert {kind: profile.place_of(kind).name for kind in profile.zones["me"].needs[0]} == {
        "api_key": "X-API-Key",
        "appKeyAuth": "DD-APPLICATION-KEY",
    }
    assert str(profile.schemes["appKeyAuth"].value) == "environment variable SHOP_APPKEYAUTH"


@pytest.mark.parametrize("where", TOKEN_PLACES)
@pytest.mark.parametrize(
    "fault",
    [
        "token-any-accepted",
        pytest.param("token-prefix-compare", marks=pytest.mark.slow),
        pytest.param("token-from-query", marks=pytest.mark.slow),
        pytest.param("query-token-beats-header", marks=pytest.mark.slow),
        pytest.param("scheme-case-sensitive", marks=pytest.mark.slow),
        pytest.param("bearer-glued", marks=pytest.mark.slow),
        pytest.param("refusal-echoes-credential", marks=pytest.mark.slow),
    ],
)
def test_the_faults_of_tokens_are_caught_there_too(where: str, fault: str) -> None:
    """What is wrong with a token behind Bearer is wrong with one elsewhere, as far as it can be wrong there."""
    (owner,) = [rule.id for rule in REGISTRY if fault in rule.faults]
    row = ROWS[f"bearer {where}"]
    found = outcomes(row.profile(), fault)

    if owner in (OF_ONE_ALONE | OF_AUTHORIZATION) - row.rules:
        assert owner not in found
    elif where == "bare in Authorization" and fault == "bearer-glued":
        assert found[owner] == {Verdict.PASS}, "no word, so nothing that could be glued to it"
    else:
        assert found[owner] & {*CAUGHT}


NAMED_PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "named.apiauth.toml")


def test_no_rule_alarms_where_a_zone_needs_keys_of_several_names() -> None:
    """Two keys in one zone, one of them with a word, and alternatives of them: the server that wants them is right."""
    found = outcomes(NAMED_PROFILE)

    assert {rule_id for rule_id, verdicts in found.items() if {*CAUGHT} & verdicts} == set()
    assert found.keys() >= OF_KEYS | {"zone-swap", "zone-truth-table", "zone-token-route", "zone-monotone"}


@pytest.mark.parametrize(
    "fault",
    [
        "key-optional",
        "key-name-folded",
        "token-route-without-key",
        pytest.param("key-prefix-compare", marks=pytest.mark.slow),
        pytest.param("key-case-folded", marks=pytest.mark.slow),
        pytest.param("key-from-query", marks=pytest.mark.slow),
        pytest.param("any-credential-suffices", marks=pytest.mark.slow),
        pytest.param("slots-interchangeable", marks=pytest.mark.slow),
    ],
)
def test_the_faults_of_keys_are_caught_with_keys_of_several_names(fault: str) -> None:
    """What is wrong with the one API key is wrong with any key."""
    (verdicts,) = outcomes(NAMED_PROFILE, fault).values()

    assert verdicts & {*CAUGHT}


def test_a_second_key_has_its_own_values() -> None:
    """Who acts by another key sends its values of every scheme, and none of the default key's."""
    table = NAMED_PROFILE.model_dump(by_alias=True, exclude_unset=True)
    table["keys"] = {"second": {"api_key": {"env": "SECOND_API_KEY"}}}
    table["schemes"]["app_key"]["values"] = {"second": {"env": "SECOND_APP_KEY"}}
    profile = Profile.model_validate(table)
    server = Server(profile)
    user = Authenticator(profile, server.identities, TokenStore(server.clock, 30), server.redactor, key="second")
    arrived: list[Request] = []

    def handle(request: Request) -> Response:
        arrived.append(request)
        return server.handle(request)

    carrier = InProcess(USUAL, handle)
    with build_client(profile, carrier, server.redactor, authenticator=user) as client:
        assert client.get("/items").status_code == 200

    sent = {arrived[-1].header("x-api-key"), arrived[-1].header("x-application-key")}
    assert sent == {server.environment["SECOND_API_KEY"], f"App {server.environment['SECOND_APP_KEY']}"}


@pytest.mark.parametrize(
    "given", [{"app_key": "from-the-project"}, {"schemes": {"app_key": {"value": "from-the-project"}}}]
)
def test_a_project_gives_a_value_by_the_name_of_its_scheme(given: dict[str, Any]) -> None:
    """What ``apiauth_credentials`` returns is found by the scheme's name, and is redacted."""
    redactor = Redactor()
    supplied = Supplied(NAMED_PROFILE, given, redactor)

    identities = Identities(supplied.completed(NAMED_PROFILE), supplied.lookup(lambda label, reference: None), redactor)

    assert identities.named("app_key") == Secret("from-the-project", "named.app_key")
    assert "from-the-project" not in redactor.redact("it is from-the-project")


def test_a_value_that_is_set_is_redacted_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may print its whole environment: what a scheme names is learnt with the rest."""
    redactor = Redactor()
    monkeypatch.setenv("NAMED_VISITOR", "value-of-the-visitor")

    learn_credentials(NAMED_PROFILE, tmp_path, redactor)

    assert "value-of-the-visitor" not in redactor.redact("NAMED_VISITOR=value-of-the-visitor")


@pytest.mark.parametrize(
    ("schemes", "complaint"),
    [
        ({"api_key": {"name": "k"}}, "schemes.api_key: api_key is what a profile calls something else"),
        ({"code": {"name": "k"}}, "schemes.code: code is what a profile calls something else"),
        (
            {"own-key": {"name": "a"}, "Own_key": {"name": "b"}},
            "schemes.Own_key: is spelt too much like schemes.own-key",
        ),
        ({"a b": {"name": "k"}}, "schemes.a b: expected a name of letters"),
        ({"own": {}}, "name"),
        ({"own": {"in": "cookie", "name": "k;"}}, "expected the name of a cookie"),
        ({"own": {"in": "query", "name": "k", "scheme": "App"}}, 'scheme does not go with in = "query"'),
        ({"own": {"name": "k", "values": {"second": {"env": "K"}}}}, "no key 'second' in"),
        ({"own": {"name": "k", "value": "the-value"}}, "write where the secret is, never the secret"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_said(schemes: dict[str, Any], complaint: str) -> None:
    """A name that means something else, no place, or a value that is nobody's, is an error of the profile."""
    with pytest.raises(ValueError, match=complaint):
        Profile.model_validate({"schema": 1, "schemes": schemes})


@pytest.mark.parametrize(
    ("tables", "needs", "complaint"),
    [
        (
            {"api_key": {}, "schemes": {"own": {"name": "x-api-key"}}},
            ["api_key", "own"],
            "zones.all.needs: api_key and own at once, but both travel in the header x-api-key",
        ),
        (
            {"schemes": {"a": {"in": "cookie", "name": "k"}, "b": {"in": "cookie", "name": "k"}}},
            ["a", "b"],
            "zones.all.needs: a and b at once, but both travel in the cookie k",
        ),
        ({}, ["basic", "personal_access_token"], "both travel in the header Authorization"),
    ],
)
def test_two_credentials_in_one_place_are_alternatives_only(
    tables: dict[str, Any], needs: list[str], complaint: str
) -> None:
    """A request has one of each header, parameter and cookie: who needs two of one is told so."""
    with pytest.raises(ValueError, match=complaint):
        Profile.model_validate({"schema": 1, **tables, "zones": {"all": {"path": "/", "needs": needs}}})

    apart = {"all": {"path": "/", "needs": [[kind] for kind in needs]}}
    assert Profile.model_validate({"schema": 1, **tables, "zones": apart}).zones

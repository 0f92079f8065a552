"""API keys that travel in the query of the URL or in a cookie: the server, the rules, and the lines of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL

bundled.load_chapters()
FOLDER = Path(__file__).parent.parent / "profiles"
PROFILES = {name: loading.load(FOLDER / f"{name}.apiauth.toml") for name in ("query", "cookie")}
CAUGHT = (Verdict.FAIL, Verdict.WARNING)
ITEMS = "https://api.{}.example/v1/items"

pytestmark = pytest.mark.parametrize("where", PROFILES)


def outcomes(profile: Profile, *faults: str) -> dict[str, list[Outcome]]:
    """Judge every rule on a server with these faults; give what was not skipped, by rule."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=faults, variants=())
    examination = Examination(target, redactor)
    make_ready(examination)
    chosen = [rule for rule in REGISTRY if not rule.wire and (not faults or {*faults} & {*rule.faults})]
    found = {
        rule.id: [judge(rule, examination, part, Conditions(8, 0)) for part in rule.applies.find(profile).values()]
        for rule in chosen
    }
    assert redactor.redact(str(found)) == str(found)
    return {
        rule_id: kept for rule_id, all_ in found.items() if (kept := [o for o in all_ if o.verdict is not Verdict.SKIP])
    }


@pytest.mark.slow
def test_no_rule_alarms_and_the_keys_own_rules_apply(where: str) -> None:
    """On a good server nothing is found, and the rules about keys are among those that looked."""
    found = outcomes(PROFILES[where])

    wrong = {rule_id for rule_id, every in found.items() if any(each.verdict in CAUGHT for each in every)}
    assert wrong == set()
    assert {"key-missing", "key-bad", "key-name-strict", "key-place-strict", "zone-token-route"} <= set(found)


@pytest.mark.parametrize(
    "fault",
    ["key-optional", "key-case-folded", "key-name-folded", "key-from-query", "token-route-without-key"],
)
def test_the_faults_of_keys_are_caught_there_too(where: str, fault: str) -> None:
    """What is wrong with a key in a header is wrong with one elsewhere, and the report says so without the key."""
    (found,) = outcomes(PROFILES[where], fault).values()

    caught = [outcome for outcome in found if outcome.verdict in CAUGHT]
    assert caught
    assert all(outcome.counterexample is not None for outcome in caught)


def test_the_line_of_the_report_puts_the_key_into_its_place(where: str) -> None:
    """A reader's shell sends the key where the API reads it, letters that a URL cannot hold included."""
    redactor = Redactor()
    target = EmbeddedTarget.build(PROFILES[where], redactor=redactor, library=USUAL, faults=(), variants=())
    examination = Examination(target, redactor)
    (draft,) = (examination.request("/items", ("api_key",)),)
    assert examination.send(draft).status == 200

    written = {"query": "items?api_key=${API_KEY}", "cookie": '"Cookie: api_key=${API_KEY}"'}
    assert written[where] in examination.curl(draft)


@pytest.mark.parametrize(
    ("query", "cookie", "good"),
    [
        ("api_key={}", "", {"query"}),
        ("a=%20b&api_key={}", "session=1", {"query"}),
        ("", "api_key={}", {"cookie"}),
        ("", "a=b; api_key={}; c=d", {"cookie"}),
        ("API_KEY={}", "API_KEY={}", set()),
        ("api_key={}x", "api_key={}x", set()),
        ("api_key={0}&api_key=no", "api_key={0}; api_key=no", set()),
        ("", "", set()),
    ],
)
def test_the_embedded_server_reads_the_key_where_it_is_documented(
    where: str, query: str, cookie: str, good: set[str]
) -> None:
    """The key counts in its place and by its exact name, once."""
    server = Server(PROFILES[where])
    key = server.environment[f"{where.upper()}_API_KEY"]
    lines = (("Cookie", cookie.format(key)),) if cookie else ()
    url = ITEMS.format(where) + (f"?{query.format(key)}" if query else "")

    assert (server.handle(Request("GET", url, lines)).status == 200) == (where in good)

"""Keys that are one half of HTTP Basic: what the rules say of good servers and of broken ones, and what is a guess."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.policy import Policy, Presented, Shown
from pytest_apiauth.embedded.refusal import Challenge
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.profile.kinds import Kind
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.outcomes import NotApplicable
from pytest_apiauth.suite.placeholders import Placeholders
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.live import LIVE
from tests.here import USUAL

from .test_api import Scripted

bundled.load_chapters()
SHOP = """
schema = 1
name = "keyed"
api_url = "https://api.keyed.example"
standards = ["RFC 6749", "RFC 6750", "RFC 7617"]
zones.all = { path = "/", needs = [["api_key"]], probe = ["/me"] }
credentials.api_key.env = "KEYED_KEY"
keys.second.api_key.env = "KEYED_SECOND"
"""
TOKENS = """
token_url = "/token"
grants.client_credentials = {}
credentials.client_id = "keyed"
credentials.client_secret.env = "KEYED_SECRET"
"""
USERS = """
credentials.username = "ada"
credentials.password.env = "KEYED_PASSWORD"
"""
NEEDS: dict[str, tuple[str, list[list[str]]]] = {
    "a key": (SHOP, [["api_key"]]),
    "a key or a token": (SHOP + TOKENS, [["api_key"], ["bearer"]]),
    "a key or a user": (SHOP + USERS, [["api_key"], ["basic"]]),
}
PAIRS = ("{key}:", "{key}:x", "any:{key}")
CAUGHT = {Verdict.FAIL, Verdict.WARNING, Verdict.INCONCLUSIVE}


def profile_of(needs: str, pair: str) -> Profile:
    """Give the profile of an API that takes a key in a pair."""
    text, alternatives = NEEDS[needs]
    table: dict[str, Any] = tomllib.loads(text)
    table["api_key"] = {"pair": pair}
    table["zones"]["all"]["needs"] = alternatives
    return Profile.model_validate(table)


def outcomes(profile: Profile, rules: list[Rule], *faults: str | Fault) -> dict[tuple[str, str], Outcome]:
    """Judge rules on every part of a profile that they are about."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=faults, variants=())
    examination = Examination(target, redactor)
    make_ready(examination)
    found = {
        (rule.id, name): judge(rule, examination, part, Conditions(4, 0))
        for rule in rules
        for name, part in rule.applies.find(profile).items()
        if not rule.wire
    }
    assert redactor.redact(str(found)) == str(found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("needs", NEEDS)
def test_a_good_server_is_found_good(needs: str, pair: str) -> None:
    """No rule alarms, beside whatever else the zone takes; a token can be asked for where it does."""
    found = outcomes(profile_of(needs, pair), list(REGISTRY))

    assert {key: one.reason for key, one in found.items() if one.verdict in CAUGHT} == {}
    passed = {rule_id for (rule_id, _), one in found.items() if one.verdict is Verdict.PASS}
    assert passed >= {"key-bad", "hdr-scheme-case", "res-malformed-header", "res-401-challenge"}


@pytest.mark.parametrize(
    ("fault", "rule_id"),
    [
        ("scheme-case-sensitive", "hdr-scheme-case"),
        ("foreign-scheme-trusted", "res-malformed-header"),
        ("key-prefix-compare", "key-bad"),
        ("key-from-query", "key-place-strict"),
    ],
)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_server_that_reads_the_pair_wrongly_is_found(fault: str, rule_id: str, pair: str) -> None:
    """What reads Basic, and what compares the key, is looked at as it is of tokens and of keys elsewhere."""
    found = outcomes(profile_of("a key", pair), [REGISTRY[rule_id]], fault)

    assert found[rule_id, "all"].verdict in {Verdict.FAIL, Verdict.WARNING}


class EitherHalf(Policy):
    """Takes the key from the other half of the pair too."""

    def half_of_pair(self, kind: Kind, shown: Shown) -> Shown:
        """Read the half that is a key."""
        found = super().half_of_pair(kind, shown)
        if found.is_broken or found.text in self.state.keys:
            return found
        return replace(found, text=self.split_basic(self.decode_base64(shown.text))[1])


class NoColon(Policy):
    """Takes what is no pair for a name."""

    def split_basic(self, pair: str) -> tuple[str, str]:
        """Split where there is something to split."""
        name, _, password = pair.partition(":")
        return name, password


class AnyScheme(Policy):
    """Takes any word for Basic."""

    def is_scheme(self, presented: str, wanted: str) -> bool:
        """Whether there is a word."""
        return bool(presented)


class OfBearer(Policy):
    """Asks for a token where it takes a key."""

    def resource_challenges(self, kinds: tuple[Kind, ...], presented: Presented) -> list[Challenge]:
        """Return another challenge."""
        return [Challenge("Bearer", {"realm": self.realm})]


UNDRESSED = "a good credential that is not written as documented"


@pytest.mark.parametrize(
    ("policy", "rule_id", "words"),
    [
        (EitherHalf, "res-malformed-header", UNDRESSED),
        (NoColon, "res-malformed-header", UNDRESSED),
        (AnyScheme, "res-malformed-header", UNDRESSED),
        (OfBearer, "res-401-challenge", "a Basic challenge where Basic is lacking"),
    ],
)
def test_a_careless_server_is_warned(policy: type[Policy], rule_id: str, words: str) -> None:
    """A key in the wrong half, without a colon or behind another word is best refused; clients are to hear of Basic."""
    careless = Fault("careless", "", policy)
    found = outcomes(profile_of("a key", "{key}:"), [REGISTRY[rule_id]], careless)[rule_id, "all"]

    assert found.verdict is Verdict.WARNING
    assert words in found.reason


class Counting(Scripted):
    """A server of one of these profiles, away from here, that counts what it is told of wrong passwords."""

    kind = LIVE

    def __init__(self, profile: Profile) -> None:
        super().__init__(lambda request, serve: serve(request))
        self.server = Server(profile)
        self.identities = Identities(profile, self.server.lookup, self.redactor)
        self.guesses = 0

    def guess(self, username: str) -> bool:
        """Count one."""
        self.guesses += 1
        return True


@pytest.mark.parametrize(
    ("needs", "rule_id", "is_guess"),
    [
        ("a key", "key-bad", False),
        ("a key or a user", "res-no-cred-401", False),
        ("a key or a user", "key-bad", True),
    ],
)
def test_a_good_key_is_no_guess(needs: str, rule_id: str, *, is_guess: bool) -> None:
    """Where users' passwords travel in the same place, a wrong key may be one and counts; a right one does not."""
    profile = profile_of(needs, "{key}:x")
    target = Counting(profile)
    outcome = judge(REGISTRY[rule_id], Examination(target, Redactor()), profile.zones["all"], Conditions(4, 0))

    assert outcome.verdict is Verdict.PASS
    assert (target.guesses > 10) if is_guess else (target.guesses == 0)


def test_a_key_with_a_colon_is_named() -> None:
    """A run cannot send it as a user name, and says whose it is and why, not what it is."""
    target = Counting(profile_of("a key", "{key}:"))
    target.identities = Identities(target.profile, lambda label, reference: "with:colon", Redactor())

    with pytest.raises(NotApplicable, match=r"^keyed\..*api_key: its value has a colon") as caught:
        Placeholders(target, Redactor())[Ref(Role.API_KEY)]
    assert "with:" not in str(caught.value)


def test_a_client_that_takes_the_header_sends_no_key_there() -> None:
    """A token request has one Authorization header: the client's, if it proves itself so."""
    profile = profile_of("a key or a token", "{key}:x")

    assert profile.token_route_keys == ()
    assert profile.replaced(token={"client_auth": "client_secret_post"}).token_route_keys == ("api_key",)

"""The suite on a login that is not OAuth's: what is asked of it, and what is not."""

from __future__ import annotations

import pytest

from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from tests.faults.examining import PROFILES, QUICK, examine

FOREIGN = {"tok-no-store", "tok-members", "tok-expires-in", "err-shape", "err-unsupported-grant", "rev-unknown-200"}
"""Rules of what RFC 6749 and RFC 7009 alone say."""
COMMON = {"err-invalid-grant", "tok-empty-param", "ref-old-dead", "ref-not-access", "acc-not-refresh", "log-out-ends"}


def applying(profile: Profile) -> set[str]:
    """Return the rules that find something in a profile."""
    return {rule.id for rule in REGISTRY if rule.applies.find(profile)}


def test_what_only_oauth_says_is_not_asked() -> None:
    """A rule that RFC 6749 alone backs is none of a login of its own, until the profile cites it."""
    login = PROFILES["login"]

    assert applying(login) & FOREIGN == set()
    assert applying(login) >= COMMON
    assert applying(login.replaced(standards=["RFC 6749"])) >= FOREIGN - {"tok-members"}
    reasons = {rule.applies.reason(login) for rule in REGISTRY if rule.id in FOREIGN}
    assert reasons == {"the login is not OAuth's, and the profile cites no RFC 6749"}


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("refresh-token-as-bearer", "ref-not-access"),
        ("access-token-as-refresh-token", "acc-not-refresh"),
        ("refresh-old-lives", "ref-old-dead"),
        pytest.param("refresh-any-token", "err-invalid-grant", marks=pytest.mark.slow),
        pytest.param("password-ignored", "err-invalid-grant", marks=pytest.mark.slow),
        pytest.param("operator-injection", "err-body-robust", marks=pytest.mark.slow),
        ("empty-refresh-token-accepted", "tok-empty-param"),
        ("refresh-never-expires", "ref-lifetime"),
        ("token-never-expires", "exp-boundary"),
    ],
)
def test_faults_are_caught_in_another_dress(fault: str, rule: str) -> None:
    """What is wrong with passwords and refresh tokens is found whatever the API calls them, and wherever they are."""
    rules = [each for each in REGISTRY if each.id == rule]

    good = examine("login", rules, conditions=QUICK)
    broken = examine("login", rules, faults=[fault], conditions=QUICK)

    assert {outcome.verdict for outcome in good.values()} == {Verdict.PASS}
    assert Verdict.FAIL in {outcome.verdict for outcome in broken.values()}

"""Rules at work: an exchange that a fault makes wrong, and the same one without it, both really made."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pytest_apiauth import __main__ as commands
from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite import showing
from pytest_apiauth.suite.book import REGISTRY
from pytest_apiauth.suite.showing import Shown
from pytest_apiauth.targets.choose import double
from pytest_apiauth.targets.target import Target
from tests.faults.examining import about_rules

bundled.load_chapters()
SAMPLE = ("res-no-cred-401", "res-token-case", "tok-wrong-secret", "code-single-use", "res-http-versions")
"""No credential, a draw, a token request, steps, a connection; the slow test has every rule."""
UNANSWERED = {"res-jwt-bomb", "res-field-bomb", "tok-body-bomb", "tok-long-secret", "az-redirect-bomb"}
"""What takes too long to be answered."""


def at_work(rule_id: str, fault: str = "") -> Shown:
    """Show a rule as the command does, by its first fault or another one."""
    rule = REGISTRY[rule_id]

    def build(profile: Profile, faults: tuple[str, ...], redactor: Redactor) -> Target:
        return double(profile, faults, redactor=redactor, has_connections=rule.wire)

    found = showing.shown(rule, fault or rule.faults[0], showing.examples(rule), build)
    assert found is not None, "no profile shows it"
    return found


def hold(rule_id: str) -> None:
    """Hold what is shown of a rule to what a reader is to see."""
    found = at_work(rule_id)

    assert found.fault == REGISTRY[rule_id].faults[0]
    assert found.expected != found.got
    assert re.match(r"curl |export ", found.failing.curl)
    assert found.passing is not None
    assert found.passing.answer[0].startswith("HTTP ")
    told = re.match(r"\d{3}(?= [A-Z]|$)", found.got)
    if rule_id in UNANSWERED:
        assert told is None or found.failing.answer
        return
    assert found.failing.answer[0].startswith("HTTP ")
    assert told is None or found.failing.answer[0].startswith(f"HTTP {told[0]}")
    shown = "\n".join((*found.failing.request, *found.passing.request, *found.passing.answer))
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize("rule_id", SAMPLE)
def test_a_rule_of_a_sample_is_shown(rule_id: str) -> None:
    """There are a failing and a passing exchange, and the failing one is what the rule got."""
    hold(rule_id)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule_id",
    [pytest.param(name, marks=about_rules(name)) for name in sorted({rule.id for rule in REGISTRY} - set(SAMPLE))],
)
def test_every_rule_is_shown(rule_id: str) -> None:
    """The same of every other rule of the book."""
    hold(rule_id)


def test_the_passing_exchange_is_the_same_request() -> None:
    """Of two requests that are alike, before and after what they are about, the one that failed is compared."""
    for rule_id, refusal in (("code-single-use", "HTTP 400 Bad Request"), ("rev-effective", "HTTP 401 Unauthorized")):
        found = at_work(rule_id)

        assert found.passing is not None
        assert (found.failing.answer[0], found.passing.answer[0]) == ("HTTP 200 OK", refusal)
        assert found.failing.request == found.passing.request
    assert found.failing.steps


def test_a_head_has_no_value_of_a_credential() -> None:
    """What travels is said by the curl line; the head has its scheme."""
    found = at_work("res-token-case")

    assert found.failing.request == (
        "GET /user/me HTTP/1.1", "Host: api.reference.example", "Authorization: Bearer …"
    )  # fmt: skip
    assert "${ACCESS_TOKEN^^}" in found.failing.curl


def test_a_fault_that_nothing_shows_is_none() -> None:
    """Where no profile is at hand, nothing is made up."""
    assert showing.shown(REGISTRY["key-bad"], "key-prefix-compare", (), unreached) is None


def unreached(profile: Profile, faults: tuple[str, ...], redactor: Redactor) -> Target:
    """Stand for a server that nobody starts."""
    raise AssertionError


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process, and return its status and what it prints."""

    def run(*words: str) -> tuple[int, str, str]:
        status = commands.main(words)
        return status, *capsys.readouterr()

    return run


def test_the_command_shows_a_rule(command: Command) -> None:
    """Sentence, levels, sources with addresses, faults, where to look, and both exchanges with curl line and heads."""
    status, printed, _ = command("rules", "res-token-case")

    assert status == 0
    lines = printed.splitlines()
    assert lines[0] == "res-token-case: A token with the case of its letters changed is another token."
    for line in (
        "              dastra: MUST, digishare: MUST, jindexe: MUST",
        "sources       RFC 6749 1.9 https://www.rfc-editor.org/rfc/rfc6749#section-1.9",
        "fault         token-case-folded: compares tokens without regard to case",
        "On the embedded server, by the profile Reference, with the fault token-case-folded:",
        "  expected    a refusal with 400, 401 or 403",
        "  got         200 OK (application/json)",
        "  request     GET /user/me HTTP/1.1",
        "  answer      HTTP 200 OK",
        "Without it:",
        "  answer      HTTP 401 Unauthorized",
    ):
        assert line in lines
    assert "look at       The column or cache that tokens are looked up in" in printed


def test_an_unknown_id_is_one_line(command: Command) -> None:
    """The nearest id is named, and nothing else is printed."""
    assert command("rules", "res-token-cas") == (2, "", "no rule 'res-token-cas' (did you mean 'res-token-case'?)\n")

"""The text of a failure: for whoever has to mend the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Response
from pytest_apiauth.plugin.explaining import explained
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Level, Verdict
from pytest_apiauth.suite.judging import Outcome
from pytest_apiauth.suite.own_rules import OwnFiles
from tests.faults.examining import PROFILES, examine
from tests.suite.test_api import judged

CASE = """\
MUST res-token-case: A token with the case of its letters changed is another token.

  expected  a refusal with 400, 401 or 403
  got       200 OK (application/json)
  request   curl -i -H "Authorization: Bearer ${ACCESS_TOKEN^^}" 'https://api.dastra.eu/v1/workspaces'
  control   curl -i -H "Authorization: Bearer ${ACCESS_TOKEN}" 'https://api.dastra.eu/v1/workspaces'
            got 200 OK (application/json)
  rows      6 of 6 examples failed
  sources   RFC 6749 1.9 https://www.rfc-editor.org/rfc/rfc6749#section-1.9
            profile: what dastra promises
            RFC 9110 11.4 https://www.rfc-editor.org/rfc/rfc9110#section-11.4
            DA-17: A request without authentication fails with 401.
  look at   The column or cache that tokens are looked up in: MySQL's usual collations and SQLite's NOCASE ignore\
 case, and so does whatever calls lower(); use a binary collation or store a hash."""
RULES = '''
from pytest_apiauth.rules import MUST, Api, Zone, rule, Parts

LOOK = "The middleware that adds Date."
every_zone = Parts("no zone", lambda profile: profile.zones)


@rule(MUST, "profile", applies=every_zone)
def is_dated(api: Api, zone: Zone) -> None:
    """Every answer has a date."""


@rule(MUST, "profile", applies=every_zone, look="The view.")
def is_seen(api: Api, zone: Zone) -> None:
    """Every answer is seen."""
'''


def of_case() -> tuple[Profile, Outcome]:
    """Judge a rule on a server whose tokens are compared without regard to case."""
    outcomes = examine("dastra", [REGISTRY["res-token-case"]], faults=["token-case-folded"])
    return PROFILES["dastra"], outcomes["res-token-case", "api"]


def test_a_failure_says_all_that_it_takes() -> None:
    """What should have come and came, what was sent, what the control got, where that is written, where to look."""
    profile, outcome = of_case()

    assert explained(REGISTRY["res-token-case"], profile, outcome, Redactor()) == CASE


def test_it_passes_the_redactor() -> None:
    """A profile's own sentence, and whatever else is in it, shows no value that is a secret of the run."""
    profile, outcome = of_case()
    redactor = Redactor()
    redactor.learn("without authentication", "DASTRA_SENTENCE")

    text = explained(REGISTRY["res-token-case"], profile, outcome, redactor)

    assert "without authentication" not in text
    assert "DASTRA_SENTENCE" in text


def test_without_a_counterexample_the_reason_stands_alone() -> None:
    """A rule that is inconclusive says why, and where to look."""
    outcome = Outcome(Verdict.INCONCLUSIVE, Level.MUST, "no answer came")

    lines = explained(REGISTRY["key-missing"], PROFILES["jindexe"], outcome, Redactor()).splitlines()

    assert lines[1:3] == ["", "  no answer came"]
    assert lines[-1] == f"  look at   {REGISTRY['key-missing'].look}"


def test_an_own_rule_may_say_where_to_look(tmp_path: Path) -> None:
    """Its file may say it for all of its rules, as a chapter does; without either there is no such line."""
    (tmp_path / "own_rules.py").write_text(RULES, encoding="utf-8")
    profile = replace_rules(tmp_path)
    (file,) = OwnFiles({}).of(profile)
    dated, seen = file.rules
    outcome = Outcome(Verdict.INCONCLUSIVE, Level.MUST, "no answer came")

    assert (dated.look, seen.look) == ("The middleware that adds Date.", "The view.")
    assert "look at" not in explained(replace(dated, look=""), profile, outcome, Redactor())


def replace_rules(folder: Path) -> Profile:
    """Write a profile with rules of its own, and load it."""
    path = folder / "own.apiauth.toml"
    text = 'schema = 1\nextends = "jindexe"\nrules = ["own_rules.py"]\n'
    path.write_text(text, encoding="utf-8")
    return loading.load(path)


def test_what_another_rule_has_met_is_told_there() -> None:
    """A rule that only met the server error that another rule is about says so, and sends nobody to look elsewhere."""
    rule = REGISTRY["key-missing"]
    found = judged(rule.id, lambda request, serve: serve(request) if request.header("x-api-key") else Response(500))

    lines = explained(rule, PROFILES["jindexe"], found, Redactor()).splitlines()

    assert found.cause == "invalid-never-5xx"
    assert len(lines) == 4
    assert lines[2].endswith("filed under invalid-never-5xx; 2 of 2 rows could not be judged")
    assert lines[3].startswith("  request   curl ")

"""The Markdown summary: what needs a look, and nothing that a server could make of it."""

from __future__ import annotations

from pytest_apiauth.report import markdown
from pytest_apiauth.report.record import Cause, Counterexample, Limited
from tests.report.records import rule, run_of


def test_a_profile_is_a_row() -> None:
    """What was examined, where, and what came of it."""
    text = markdown.text(run_of(rule("pass"), rule("pass"), rule("skip")))
    assert "| shop | live: https://api.example.org | 2 pass, 1 skip | 7 | 2 | 1.2 |" in text
    assert "###" not in text


def test_worst_first() -> None:
    """What fails comes before what warns; what passes is not told."""
    text = markdown.text(run_of(rule("warning"), rule("pass"), rule("inconclusive"), rule("fail")))
    found = [line for line in text.splitlines() if line.startswith("###")]
    assert [line.split()[1] for line in found] == ["FAIL", "INCONCLUSIVE", "WARNING"]
    assert found[0] == "### FAIL key-bad (shop, user)"


def test_a_counterexample_is_shown_as_it_is() -> None:
    """The curl line stands in a fence that nothing in it can end."""
    found = Counterexample(expected="a refusal", got="200 | `OK` <b>", curl="curl 'x```y'", control_curl="")
    text = markdown.text(run_of(rule("fail", counterexample=found)))
    assert "````sh\ncurl 'x```y'\n````" in text
    assert r"got 200 \| \`OK\` &lt;b>" in text


def test_an_embedded_run_says_what_it_is_worth() -> None:
    """The note of an embedded run is part of the summary."""
    assert "shop: says nothing of the API." in markdown.text(run_of(note="says nothing of the API"))


def test_where_the_rate_was_limited() -> None:
    """How often, where, whether the server said until when, and whether that held."""
    found = (Limited("POST /oauth/token", 3, 2, 2, 1), Limited("GET /me", 1, 0, 0, 0), Limited("GET /you", 2, 2, 2, 0))
    assert (
        "429 3 times at POST /oauth/token: 2 with Retry-After, 2 waited for, then 429 again 1 time;"
        " 429 1 time at GET /me: none with Retry-After;"
        " 429 2 times at GET /you: 2 with Retry-After, 2 waited for\n"
    ) in markdown.text(run_of(limited=found))


def test_failures_are_counted_beside_their_causes() -> None:
    """Twelve failures of two causes are two things to mend; each cause says how much comes from it."""
    causes = (Cause("res-no-cred-401 at GET /me", 11, ("key-bad", "hdr-inert")), Cause("tok-no-store", 1))
    line = "12 failures of 2 causes: res-no-cred-401 at GET /me (11 failures, 2 rules follow), tok-no-store\n"
    assert line in markdown.text(run_of(causes=causes))
    assert "1 failure of 1 cause: tok-no-store\n" in markdown.text(run_of(causes=causes[1:]))
    many = tuple(Cause(f"rule-{number}", 1, ("key-bad",)) for number in range(10))
    assert "rule-7 (1 rule follows), 2 more\n" in markdown.text(run_of(causes=many))

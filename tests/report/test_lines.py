"""A profile's block in the terminal: quiet if all is well, by chapter if not, bounded if there is much."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.report.lines import MOST_FAILURES, MOST_NAMES, lines_of
from pytest_apiauth.report.record import Advice, Cause, Counterexample, PartRecord, RuleRecord
from tests.report.records import rule, run_of

FOUND = Counterexample("a refusal", "200 OK", "curl x", "curl y", ("curl before  # gives ACCESS_TOKEN_1",))


def shown(*rules: RuleRecord, is_verbose: bool = False, is_brief: bool = False, **more: Any) -> list[str]:
    """Write the block of a profile."""
    profile = run_of(*rules, **more).profiles[0]
    return [line.text for line in lines_of(profile, is_verbose=is_verbose, is_brief=is_brief)]


def failing(number: int = 0) -> RuleRecord:
    """Make a rule that fails."""
    parts = (PartRecord("n", "user", "fail", "why", "MUST", counterexample=FOUND),)
    return rule("fail", id=f"key-{number}", parts=parts, sources=("RFC 9110 11.4", "JI-02"))


def warning(number: int) -> RuleRecord:
    """Make a rule that gives the same advice as others."""
    advice = Advice("user", "SHOULD", "401", "403", "curl x", "")
    return rule("warning", id=f"key-{number}", advice=(advice,), parts=(PartRecord("n", "user", "pass", "", "MUST"),))


def test_a_profile_that_keeps_its_promise_is_one_line() -> None:
    """Totals, and not a word more."""
    assert shown(rule("pass"), rule("skip", reason="no key")) == [
        "shop (live): 2 rules: 1 pass, 1 skip; 7 requests, 1.2 s",
    ]


def test_a_failure_says_what_where_it_is_written_and_how_to_see_it() -> None:
    """Under its chapter: rule, part, level, expected, got; the section with its address, the sentence; the requests."""
    assert shown(failing(), statements={"JI-02": "A key."}, causes=(Cause("key-0", 1),))[1:] == [
        "  1 failure of 1 cause: key-0",
        "  keys",
        "    FAIL     key-0 [user] (MUST): expected a refusal, got 200 OK",
        "             RFC 9110 11.4 https://www.rfc-editor.org/rfc/rfc9110#section-11.4; JI-02 “A key.”",
        "             curl before  # gives ACCESS_TOKEN_1",
        "             curl x",
    ]


def test_what_met_the_breach_of_another_rule_is_a_line() -> None:
    """It says under which rule that is told, with all that it takes, and how much is open; -v tells it here too."""
    why = "expected a refusal, got 500; filed under invalid-never-5xx; 2 of 8 rows could not be judged"
    met = PartRecord("n", "user", "inconclusive", why, "MUST", counterexample=FOUND, cause="invalid-never-5xx")
    rules = failing(), rule("inconclusive", id="key-near-miss", parts=(met,), sources=("RFC 9110 11.4",))

    short = (
        "    INCONCLUSIVE key-near-miss [user] (MUST): filed under invalid-never-5xx; 2 of 8 rows could not be judged"
    )
    assert shown(*rules)[-2:] == [short, "  -v shows how to see each finding of one line, and where to look"]
    assert shown(*rules, is_verbose=True)[-4:] == [
        f"    INCONCLUSIVE key-near-miss [user] (MUST): {why}",
        "             RFC 9110 11.4 https://www.rfc-editor.org/rfc/rfc9110#section-11.4",
        "             curl before  # gives ACCESS_TOKEN_1",
        "             curl x",
    ]


def test_what_is_inconclusive_for_another_reason_is_told_whole() -> None:
    """A cause alone, as older reports have beside a failure that an unexpected breach kept open, is no reason."""
    why = "invalid-never-5xx was broken too, which is not expected"
    open_end = PartRecord("n", "user", "inconclusive", why, "MUST", counterexample=FOUND, cause="key-bad")

    lines = shown(rule("inconclusive", id="key-bad", parts=(open_end,)))
    assert f"    INCONCLUSIVE key-bad [user] (MUST): {why}" in lines
    assert lines[-1] == "             curl x"


def test_a_hundred_warnings_of_one_kind_are_one_line() -> None:
    """With their number, and some of their names."""
    (line,) = [each for each in shown(*map(warning, range(100))) if "warning  " in each]
    names = ", ".join(f"key-{number}" for number in range(MOST_NAMES))
    assert line == f"    warning  100 rules, {names}, 94 more (SHOULD): advised 401, got 403"


def test_skips_of_one_reason_are_one_line_for_who_asks() -> None:
    """-v tells what was skipped, counted."""
    skips = [rule("skip", id=f"key-{number}", reason="the profile names no API key") for number in range(22)]
    assert shown(*skips, is_verbose=True)[1:] == ["  skipped  22 rules: the profile names no API key"]


@pytest.mark.parametrize("is_verbose", [False, True])
def test_what_is_too_much_is_counted(is_verbose: bool) -> None:
    """A server on which everything fails does not bury what stands above; -v tells it all."""
    text = shown(*map(failing, range(MOST_FAILURES + 5)), is_verbose=is_verbose)
    assert sum("FAIL" in line for line in text) == MOST_FAILURES + 5 * is_verbose
    assert any("5 more failures" in line for line in text) is not is_verbose


def test_one_of_many_profiles_is_totals_and_causes() -> None:
    """Whoever watches a hundred APIs reads a line of each."""
    text = shown(failing(), warning(1), is_brief=True, causes=(Cause("key-0", 1),))
    assert len(text) == 2


def test_why_nothing_was_examined_stands_by_itself() -> None:
    """It is no rule's failure."""
    assert shown(verdict="not ready", error="the token request failed")[1:] == ["  not ready: the token request failed"]


def test_prose_is_broken_between_words_and_what_is_pasted_is_not() -> None:
    """Under a terminal's width; what follows stands under the text of the first line."""
    lines = [line for line in lines_of(run_of(failing()).profiles[0]) if "FAIL" in line.text or "curl x" in line.text]

    assert [line.within(40) for line in lines] == [
        ["    FAIL     key-0 [user] (MUST):", "             expected a refusal, got 200", "             OK"],
        ["             curl x"],
    ]

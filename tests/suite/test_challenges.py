"""The grammar of challenges."""

from __future__ import annotations

import pytest

from pytest_apiauth.suite.challenges import Challenge, read_challenges


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["Bearer"], [Challenge("bearer")]),
        (['Bearer realm="a, b"'], [Challenge("bearer", {"realm": "a, b"})]),
        (['BEARER Realm=x,error = "invalid_token"'], [Challenge("bearer", {"realm": "x", "error": "invalid_token"})]),
        (['Basic realm="x", Bearer'], [Challenge("basic", {"realm": "x"}), Challenge("bearer")]),
        (
            ["Negotiate dG9rZW4=, Basic realm=a"],
            [Challenge("negotiate", {}, "dG9rZW4="), Challenge("basic", {"realm": "a"})],
        ),
        (["Basic", "Bearer a=b"], [Challenge("basic"), Challenge("bearer", {"a": "b"})]),
        ([r'Basic realm="a \"quoted\" word"'], [Challenge("basic", {"realm": 'a "quoted" word'})]),
        ([", Bearer", ","], [Challenge("bearer")]),
        (["Basic , ,Bearer"], [Challenge("basic"), Challenge("bearer")]),
    ],
)
def test_challenges(lines: list[str], expected: list[Challenge]) -> None:
    """Several challenges in one line or several lines are told apart (RFC 9110 11.6.1)."""
    assert expected == read_challenges(lines)


@pytest.mark.parametrize("line", ['realm="x"', 'Basic realm="x" Bearer', '"', "Basic =", 'Basic realm="open'])
def test_what_is_no_challenge(line: str) -> None:
    """A line that breaks the grammar is refused."""
    with pytest.raises(ValueError, match="character"):
        read_challenges([line])

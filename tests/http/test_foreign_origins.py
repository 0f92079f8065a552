"""No credential of a fixture's client arrives at a foreign origin, by whatever way.

Each way is gone with one of the libraries that are here and one kind of client, in turn; ``python -m
tests.http.attempts`` goes all with all. A way that would lead nowhere, or is refused by another line than it is listed
with, fails too.
"""

from __future__ import annotations

import pytest

from tests.http.attempts import SIDES, all_ways, attempts, unguarded

PIECES = 2
"""Parts of a list of ways, so that workers share them."""


def ids(value: object) -> str:
    """Name a case."""
    return "-".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize(
    "side", [SIDES[0], *(pytest.param(side, marks=pytest.mark.slow) for side in SIDES[1:])], ids=ids
)
def test_no_credential_arrives_at_a_foreign_origin(side: tuple[str, str], piece: int) -> None:
    """What is harmless arrives or is refused as listed; of a credential not eight letters arrive."""
    step = len(SIDES) * PIECES
    ways = all_ways()[SIDES.index(side) * PIECES + piece :: step]
    wrong = [str(attempt) for attempt in attempts(*side, ways) if attempt.leaked or not attempt.is_real]

    assert len(ways) > 20
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("side", [SIDES[0], SIDES[-1]], ids=ids)
def test_without_the_guard_credentials_arrive(side: tuple[str, str]) -> None:
    """The listeners and the search find what is there to be found: with the guard off the ways lead there."""
    ways = all_ways()[SIDES.index(side) :: 9]
    with unguarded():
        missed = [str(each) for each in attempts(*side, ways) if each.is_the_guards and not each.leaked]

    assert len(ways) > 20
    assert missed == []

"""Every cell of the grid is filled or has a reason; each is proved by faults that are made for it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.suite.book import REGISTRY
from pytest_apiauth.suite.judging import Conditions
from tests.faults.examining import CAUGHT, EXAMINED, about_rules, examine

from .holes import HOLES
from .seams import Lets, letting, nobody, remember_verifiers

bundled.load_chapters()
cells = importlib.import_module("pytest_apiauth.conformance.grid.cells")
classes = importlib.import_module("pytest_apiauth.conformance.grid.classes")
bodies = importlib.import_module("pytest_apiauth.conformance.grid.bodies")
redirects = importlib.import_module("pytest_apiauth.conformance.redirects")
codes = importlib.import_module("pytest_apiauth.conformance.codes")
FILLED = {(slot.value, each.value): ids for (slot, each), ids in cells.FILLED.items()}
TABLES = {
    "near miss": classes.NEAR_MISSES,
    "other case": classes.CASES,
    "in a dress": classes.DRESSES,
    "stand-in": classes.STAND_INS,
    "size": classes.SIZES,
}
ONE = Conditions(examples=1, seed=0)
"""A table is complete whatever is drawn on top of it."""
COSTLY = ("code", "code_verifier")
"""Slots of which each value takes a login: they have the brief rows."""
IN_FORMS = ("client_id", "username", "password", "refresh_token", "grant_type")
ORDER = ("reference", "posted", "named", "tokens", *EXAMINED)


class Change(Protocol):
    """What makes something of a value."""

    def apply(self, value: str, /) -> str | None:
        """Return what it makes, or None."""


def test_no_hole_without_a_reason() -> None:
    """Each slot meets each class, or it is said why not; nothing is both."""
    print(table())  # shown with -rP; `python -m tests.grid` prints it too
    every = {(slot.value, each.value) for slot in cells.Slot for each in cells.Class}
    assert set(FILLED) | set(HOLES) == every
    assert set(FILLED) & set(HOLES) == set()
    assert {rule_id for ids in FILLED.values() for rule_id in ids} <= {rule.id for rule in REGISTRY}


def table() -> str:
    """Return the grid as text: how many rows a cell has; a dash if it is empty, for a reason."""
    names, head = [each.value for each in cells.Class], "slot"
    lines = [f"{head:22}" + "".join(f"{name:>13}" for name in names)]
    for slot in (slot.value for slot in cells.Slot):
        filled = [sum(1 for _ in rows_of(slot, each)) if (slot, each) in FILLED else 0 for each in names]
        lines.append(f"{slot:22}" + "".join(f"{count or '-':>13}" for count in filled) + f"{sum(filled):>7}")
    lines.append(f"{len(FILLED)} cells filled, {len(HOLES)} empty:")
    lines += [f"  {slot}, {each}: {reason}" for (slot, each), reason in sorted(HOLES.items())]
    return "\n".join(lines)


def edits_of(slot: str, each: str) -> list[Edit]:
    """Return the rows of a cell that is a table of edits."""
    if slot == "code_verifier" and each == "near miss":
        return [
            edit for edit in codes.WRONG_VERIFIERS if edit.operation not in ("toggle", "upper", "lower", "whole", "cut")
        ]
    if slot == "code_verifier" and each == "size":
        return [Edit("whole", text=text) for text in codes.OUTSIDE.values()]
    table = TABLES[each]
    edits = [value.edit for value in table if value.is_brief or slot not in COSTLY]
    # The name of another grant asks for another grant.
    return [edit for edit in edits if slot != "grant_type" or edit.text not in GRANTS]


def made_by(change: Change) -> Lets:
    """Let through what an edit, or a near miss of a redirect_uri, makes of a right value."""
    return Lets(lambda presented, right: presented == change.apply(right))


def typed(kind: type) -> Lets:
    """Let a value of JSON through that is of another type than text."""
    return Lets(nobody, types=lambda value: type(value) is kind)


def written(text: str, member: str = "") -> Lets:
    """Let a text through that stands in a header, or as the value of a member of a form."""
    if not member:
        return Lets(lambda presented, right: presented == text, raw=lambda found: found == text)
    return Lets(nobody, raw=lambda body: f"{member}={text}" in body.split("&"))


def rows_of(slot: str, each: str) -> Iterator[tuple[str, Lets]]:
    """Yield what is let through in one row of a cell, with a name."""
    if (slot, each) == ("redirect_uri", "another's"):
        theirs = EXAMINED["reference"].clients["machine"].redirect_uri
        yield each, Lets(lambda presented, right: presented == theirs)
    elif slot == "redirect_uri":
        misses = redirects.TABLE if each != "stand-in" else (Edit("whole", text=codes.STRANGE),)
        for miss in misses:
            is_case = "case" in str(miss) or "upper" in str(miss)
            if each == "stand-in" or is_case == (each == "other case"):
                yield str(miss), made_by(miss)
    elif each in TABLES:
        yield from ((str(edit), made_by(edit)) for edit in edits_of(slot, each))
    elif each == "nothing":
        yield "nothing", Lets(lambda presented, right: not presented, nothing=True)
    elif each == "another's":
        yield "another's", Lets(nobody, others=True)
    elif each == "JSON types":
        yield from ((kind.__name__, typed(kind)) for kind in (bool, int, float, list, type(None)))
    elif each == "repetition":
        yield "third time", Lets(nobody, third=True)
    elif slot == "client_secret":
        yield from ((raw, written(raw)) for raw in ("Basic !!!!", "Basic ====", "Basic a"))
    elif slot in IN_FORMS:
        yield from ((piece, written(piece, slot)) for piece in bodies.PIECES[:5])
    else:
        yield from ((ascii(noise), written(noise)) for noise in classes.NOISE)


def is_caught(slot: str, each: str, lets: Lets) -> bool:
    """Whether a rule of a cell catches its fault, on the first profile on which the fault lets anything through."""
    fault = letting(slot, lets)
    for rule in (rule for rule in REGISTRY if rule.id in FILLED[slot, each]):
        for name in dict.fromkeys(ORDER):
            if not rule.applies.find(EXAMINED[name]):
                continue
            before = lets.hits
            outcomes = examine(name, [rule], faults=[fault], conditions=ONE)
            if any(outcome.verdict in CAUGHT for outcome in outcomes.values()):
                return True
            if lets.hits > before:
                break
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slot", "each"), [pytest.param(*cell, marks=about_rules(*FILLED[cell])) for cell in sorted(FILLED)]
)
def test_each_row_of_a_cell_is_tried(slot: str, each: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever row of a cell a server lets through, the rule that says it fills the cell catches it."""
    remember_verifiers(monkeypatch)
    caught = {name: (is_caught(slot, each, lets), lets.hits > 0) for name, lets in rows_of(slot, each)}
    assert [name for name, (is_told, is_let) in caught.items() if is_let and not is_told] == []
    assert any(is_let for _, is_let in caught.values())

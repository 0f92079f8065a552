"""The harness of the mutation tests: it catches what breaks a rule, and its lists are true."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="the dependency group mutation is not installed")

from .__main__ import as_it_is, run, sample
from .mutants import Key, Mutant, mutants
from .survivors import Reason, Trial, reasons, report
from .trial import FOLDER, Catch, jobs

pytestmark = pytest.mark.slow
CAUGHT = Catch(("reference", "cors-preflight"), "fail")
KEEPS = Reason("it behaves as before", keeps_promises=True)
UNNOTICED = Reason("nobody looks", keeps_promises=False)


@pytest.fixture(scope="module")
def made() -> list[Mutant]:
    """Give the mutants of a small module."""
    return mutants(["cors"])


def test_mutants_differ_and_leave_the_file_alone(made: list[Mutant]) -> None:
    """Each mutant is another text than the file, that compiles, and has a name of its own."""
    original = (FOLDER / "cors.py").read_text(encoding="utf-8")
    assert len(made) >= 15
    assert len({mutant.key for mutant in made}) == len({mutant.source for mutant in made}) == len(made)
    assert all(mutant.source != original and compile(mutant.source, "cors.py", "exec") for mutant in made)


def test_a_sample_is_the_same_in_every_run(made: list[Mutant]) -> None:
    """A sample does not depend on the order in which the mutants are made."""
    assert set(sample(made, 5)) == set(sample(made[::-1], 5))
    assert len(sample(made, 5)) == 5


def test_a_rule_catches_a_mutant(made: list[Mutant]) -> None:
    """A server that permits every origin is caught, and one without a change survives."""
    known = as_it_is([job for job in jobs() if job[1] in ("cors-preflight", "res-no-cred-401")], workers=2)
    wrong = next(mutant for mutant in made if mutant.function == "is_allowed")
    original = (FOLDER / "cors.py").read_text(encoding="utf-8")
    same = Mutant("cors", "is_allowed", "", "", 1, "none", wrong.line, wrong.reach, original)
    caught = {trial.mutant: trial.catch and trial.catch.job[1] for trial in run([wrong, same], known, workers=2)}
    assert caught == {wrong: "cors-preflight", same: None}


@pytest.mark.parametrize(
    ("catch", "reason", "status"),
    [
        (CAUGHT, None, 0),
        (CAUGHT, KEEPS, 1),
        (CAUGHT, UNNOTICED, 1),
        (None, None, 1),
        (None, KEEPS, 0),
        (None, UNNOTICED, 1),
    ],
)
def test_the_list_of_survivors_must_be_true(
    made: list[Mutant], catch: Catch | None, reason: Reason | None, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A survivor without a reason fails the run, so does a listed one that is caught, and too many survivors."""
    listed = {made[0].key: reason} if reason else {}
    others = [Trial(mutant, CAUGHT, 0.1) for mutant in made[1:3]]
    assert report([Trial(made[0], catch, 0.1), *others], listed, {mutant.key for mutant in made}) == status
    assert "are caught" in capsys.readouterr().out


def test_a_listed_mutant_that_is_gone_is_told(made: list[Mutant], capsys: pytest.CaptureFixture[str]) -> None:
    """What the list names and nobody makes any more has to leave the list."""
    gone: Key = ("cors", "nowhere", "if a:", "if not a:", 1)
    assert report([Trial(made[0], CAUGHT, 0.1)], {gone: KEEPS}, {made[0].key}) == 1
    assert "nowhere" in capsys.readouterr().out


def test_every_survivor_has_one_reason(tmp_path: Path) -> None:
    """The list itself can be read; a row without a reason cannot."""
    assert all(reason.text for reason in reasons().values())
    (tmp_path / "survivors.toml").write_text('[[unnoticed]]\nbecause = " "\nmutants = [["cors", "f", "a", "b"]]\n')
    with pytest.raises(ValueError, match="one reason is needed"):
        reasons(tmp_path / "survivors.toml")

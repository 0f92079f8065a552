"""What survives and why, and whether that is good enough.

A mutant that keeps every promise, since it behaves as before or in another way that a standard allows, must not be
caught: a rule that did would raise a false alarm. Such mutants are listed under ``keeps_promises`` with what allows
them, and the goal is about the others, of which each one broke something that a client could notice.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .mutants import MODULES, Key, Mutant
from .trial import Catch

GOAL = 0.9
SURVIVORS = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a mutant."""

    mutant: Mutant
    catch: Catch | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why no rule catches a mutant."""

    text: str
    keeps_promises: bool


def reasons(path: Path = SURVIVORS) -> dict[Key, Reason]:
    """Read the list of survivors, and give the reason of each. Raises ValueError where one has none or two."""
    found: dict[Key, Reason] = {}
    for kind, tables in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for table in tables:
            for module, function, before, after, *nth in table["mutants"]:
                key = (module, function, before, after, *(nth or [1]))
                if key in found or not table["because"].strip():
                    raise ValueError(f"{path.name}: one reason is needed for {key}")
                found[key] = Reason(table["because"], kind == "keeps_promises")
    return found


def report(trials: Sequence[Trial], listed: Mapping[Key, Reason], made: set[Key]) -> int:
    """Print the figures and the survivors. Returns 1 where the goal is missed or the list of survivors is wrong."""
    survivors = [trial.mutant for trial in trials if trial.catch is None]
    survivors.sort(key=lambda mutant: (MODULES.index(mutant.module), mutant.line))
    unexplained = [mutant for mutant in survivors if mutant.key not in listed]
    known = [mutant for mutant in survivors if mutant.key in listed]
    keeping = [mutant for mutant in known if listed[mutant.key].keeps_promises]
    for title, mutants in (("keep every promise", keeping), ("go unnoticed", [m for m in known if m not in keeping])):
        print(f"\n{len(mutants)} survivors {title}:")
        for reason, count in Counter(listed[mutant.key].text for mutant in mutants).most_common():
            print(f"{count:5} {reason}")
    if unexplained:
        print(f"\n{len(unexplained)} survive, and {SURVIVORS.name} gives no reason:")
        print(*(f"    {json.dumps(mutant.key)}," for mutant in unexplained), sep="\n")
    wrong = [f"{t.mutant.key} is caught by {t.catch.job}" for t in trials if t.catch and t.mutant.key in listed]
    wrong += [f"there is no mutant {key}" for key in listed if key not in made]
    if wrong:
        print(f"\n{len(wrong)} are listed as survivors and are none:", *wrong, sep="\n    ")
    caught = [trial.catch for trial in trials if trial.catch]
    hows = Counter(catch.how for catch in caught).most_common()
    print(f"\n{len(caught)} of {len(trials)} mutants are caught: {len(caught) / len(trials):.1%}")
    print(f"by: {', '.join(f'{how} {count}' for how, count in hows)}")
    rate = len(caught) / max(len(trials) - len(keeping), 1)
    print(f"{len(keeping)} keep every promise; of the other {len(trials) - len(keeping)}, {rate:.1%} are caught")
    return int(rate < GOAL or bool(unexplained or wrong))

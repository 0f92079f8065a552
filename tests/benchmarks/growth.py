"""How a run grows: with profiles, with zones of one profile, with workers. Nothing may grow worse than linearly.

The profiles are those of one built-in API, with the names changed: each has hosts, variables and a file of its own, so
that nothing is shared between two of them which would not be between two real ones.
"""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

from pytest_apiauth.profile import loading

from .figures import Measured, Plan, Value
from .measuring import Cost, alternating, run

ORIGINAL: Final = "digishare"
"""The smallest of the built-in APIs: of 242 rules 73 apply to it."""
MANY: Final = (1, 10, 100)
WORKERS: Final = (1, 2)
RAN: Final = re.compile(r"(\d+) passed, (\d+) skipped")
COLLECTED: Final = re.compile(r"(\d+) tests? collected")
INI: Final = "[pytest]\napiauth_collect = all\n"
PLAIN: Final = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_one(number, request):
    pass
"""


def write_profiles(folder: Path, count: int) -> None:
    """Write so many profiles of APIs that differ in their names."""
    text = loading.builtin_profiles()[ORIGINAL].read_text(encoding="utf-8")
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")
    for number in range(count):
        name = f"shop{number:03}"
        renamed = text.replace("api.digishare.ma", f"api.{name}.example").replace("DIGISHARE", name.upper())
        (folder / f"{name}.apiauth.toml").write_text(renamed, encoding="utf-8")


def write_zones(folder: Path, count: int) -> None:
    """Write one profile with so many zones, all of which need the same credentials."""
    text = loading.builtin_profiles()[ORIGINAL].read_text(encoding="utf-8")
    zone, before = text.index("[zones.api]"), text.index("[statements.")
    zones = [
        f'[zones.z{number}]\npath = "/z{number}/"\nneeds = [["bearer"], ["personal_access_token"]]\n'
        f'probe = ["/z{number}/items"]\n'
        for number in range(count)
    ]
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")
    (folder / "shop.apiauth.toml").write_text(text[:zone] + "\n".join(zones) + text[before:], encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Run:
    """One whole run: how many rules on parts of profiles it had, and what it took."""

    items: int
    cost: Cost

    @property
    def each(self) -> float:
        """Milliseconds of CPU for each rule on each part of each profile."""
        return 1000 * self.cost.cpu / self.items


def _pytest(folder: Path, *options: str) -> Cost:
    command = [sys.executable, "-m", "pytest", "-q", "--hypothesis-seed=0", "-p", "no:cacheprovider", *options]
    return run(command, cwd=folder)


@cache
def runs(what: str, count: int, workers: int) -> Run:
    """Examine so many profiles, or zones, with so many workers."""
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        folder = Path(name)
        (write_profiles if what == "profiles" else write_zones)(folder, count)
        cost = _pytest(folder, *(["-n", str(workers)] if workers > 1 else ["-p", "no:xdist"]))
    ran = RAN.search(cost.output)
    assert ran is not None, cost.output[-500:]
    return Run(int(ran.group(1)) + int(ran.group(2)), cost)


def each_over(plan: Plan, *, what: str, workers: int) -> Measured:
    """CPU for each rule of the largest run, over that of the one before: above 1 it grows worse than linearly."""
    many = MANY[:2] if plan.quick else MANY
    found = {count: runs(what, count, workers) for count in many}
    *_, before, last = found.values()
    notes = tuple(
        f"{count:3} {what}, {workers} worker{'s' * (workers > 1)}: {one.cost.wall:6.1f} s, CPU {one.cost.cpu:6.1f} s,"
        f" {one.items} rules on parts, {one.each:.2f} ms each, peak {one.cost.peak:.0f} MB"
        for count, one in found.items()
    )
    return Measured(Value(last.each / before.each, beside=f"{last.each:.2f} over {before.each:.2f} ms"), notes=notes)


@cache
def _collections(plan: Plan) -> dict[str, list[Cost]]:
    count = MANY[-1]
    with tempfile.TemporaryDirectory(prefix="growth-") as name:
        ours, plain, one = (Path(name, each) for each in ("ours", "plain", "one"))
        for folder in (ours, plain, one):
            folder.mkdir()
        write_profiles(ours, count)
        write_profiles(one, 1)
        rules = _collected(_pytest(one, "--collect-only"))
        (plain / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for number in range(count):
            (plain / f"test_{number}.py").write_text(PLAIN.format(count=rules), encoding="utf-8")
        sides = {each: partial(_pytest, Path(name, each), "--collect-only", "-q") for each in ("ours", "plain", "one")}
        return alternating(sides, plan.rounds(5, 2))


def _collected(cost: Cost) -> int:
    found = COLLECTED.search(cost.output)
    assert found is not None, cost.output[-500:]
    return int(found.group(1))


def collection(plan: Plan) -> Measured:
    """CPU that the collection of a hundred profiles takes, more than that of one."""
    costs = {name: min(cost.cpu for cost in taken) for name, taken in _collections(plan).items()}
    plain = costs["plain"] - costs["one"]
    beside = f"as many parametrised tests of pytest alone {plain:.1f} s"
    return Measured(Value(costs["ours"] - costs["one"], "s", beside))

"""Run the tests in each environment: python -m tests.matrix

Prints a table: what each environment has, how its tests ended, and why some were skipped. Exits with 1 if a test
failed, or was skipped in one environment for a reason that is neither an absent library nor found where both are.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.matrix.worlds import WORLDS, World, environment, left_out, version_of

ROOT: Final = Path(__file__).resolve().parents[2]
LACKING: Final = "not installed here"
"""How `tests.here.needs` ends its reasons."""
DIFFERING: Final = (
    "conformance", "tests/http", "tests/libraries", "tests/login", "tests/offline", "tests/plugin", "tests/recording",
    "tests/suite", "tests/targets", "tests/test_installed.py",
)  # fmt: skip
"""What an HTTP library makes a difference to."""


@dataclass(slots=True)
class Ended:
    """How the tests of one environment ended."""

    world: World
    versions: dict[str, str]
    seconds: float = 0.0
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    lacking: Counter[str] = field(default_factory=Counter)
    """Why tests were skipped that are about an absent library, and how many."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Why others were, and how many."""
    rules: int = 0
    """How many rules had nothing to examine in a profile, which no library makes a difference to."""

    def lines(self) -> list[str]:
        """Write it down."""
        has = ", ".join(f"{name} {version}" for name, version in self.versions.items() if version)
        without = ", ".join(left_out(self.world)) or "nothing"
        skipped = Counter(self.lacking) + self.skipped
        return [
            f"{self.world.name}: {has}; without {without}",
            f"  {self.passed} passed, {len(self.failed)} failed, {sum(self.lacking.values())} skipped for a library,"
            f" {sum(self.skipped.values())} for other reasons, {self.rules} rules that do not apply;"
            f" {self.seconds:.0f} s",
            *(f"  skipped {count}: {reason}" for reason, count in skipped.most_common()),
            *(f"  FAILED {name}" for name in self.failed),
        ]


def run(world: World, arguments: argparse.Namespace, folder: Path) -> Ended:
    """Run the tests in an environment."""
    with environment(world, folder) as python:
        ended = Ended(world, {name: version_of(python, name) for name in ("httpx", "httpx2", "respx")})
        results = folder / f"{world.name}.xml"
        places = DIFFERING if arguments.differing else ("conformance", "tests")
        command = [
            str(python), "-m", "pytest", *places, "-q", "-p", "no:cacheprovider", "-p", "no:cov",
            f"--junit-xml={results}", *([] if arguments.slow else ["-m", "not slow"]),
            # Most of the time is that of few tests, which stand together.
            *(["-n", str(arguments.workers), "--dist", "worksteal"] if arguments.workers else []),
        ]  # fmt: skip
        start = time.monotonic()
        path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode
        ended.seconds = time.monotonic() - start
        if status not in (0, 1) or not results.is_file():
            raise SystemExit(f"{world.name}: pytest ended with {status}")
        read(results, ended)
        return ended


def read(results: Path, ended: Ended) -> None:
    """Take from a report of JUnit's how each test ended."""
    for case in ElementTree.parse(results).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            ended.failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif skip is None:
            ended.passed += 1
        elif ".apiauth.toml" in (case.get("classname") or ""):
            ended.rules += 1
        elif (reason := skip.get("message") or "").endswith(LACKING):
            ended.lacking[reason] += 1
        else:
            ended.skipped[reason] += 1


def wrong(every: Sequence[Ended]) -> list[str]:
    """Say what is wrong with how the tests ended, beside what failed."""
    lines = [f"{one.world.name}: no test ran" for one in every if not one.passed]
    both = next((one for one in every if not one.world.leaves_out), None)
    for one in every:
        if not one.world.leaves_out and one.lacking:
            lines.append(f"{one.world.name}: a library is absent: {', '.join(one.lacking)}")
        if both is not None:
            # What needs a library that is left out is left out too, and its own tests may be skipped for that.
            names = sorted({*left_out(one.world), *one.world.leaves_out})
            absent = re.compile(rf"\b({'|'.join(map(re.escape, names)) or '(?!)'})\b")
            unknown = [reason for reason in one.skipped.keys() - both.skipped.keys() if not absent.search(reason)]
            lines += [f"{one.world.name}: skipped here alone: {reason}" for reason in sorted(unknown)]
            if one.rules != both.rules:
                lines.append(f"{one.world.name}: {one.rules} rules do not apply here, and {both.rules} elsewhere")
    return lines


def main() -> int:
    """Run what is asked for, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__.partition("\n")[0])
    names = [world.name for world in WORLDS]
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=f"{', '.join(names)}; all of them by default")
    parser.add_argument("--differing", action="store_true", help="only the tests that a library makes a difference to")
    parser.add_argument("--slow", action="store_true", help="the slow tests too")
    parser.add_argument("-n", dest="workers", type=int, default=2, help="workers of each run; 0 is none (default: 2)")
    arguments = parser.parse_args()
    for name in arguments.worlds:
        if name not in names:
            parser.error(f"no environment {name!r}; there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder:
        chosen = [world for world in WORLDS if world.name in (arguments.worlds or names)]
        every = [run(world, arguments, Path(folder)) for world in chosen]
    for one in every:
        print(*one.lines(), sep="\n")
    lines = wrong(every)
    print(*lines, sep="\n")
    return int(bool(lines or any(one.failed for one in every)))


if __name__ == "__main__":
    sys.exit(main())

"""The runs: which projects, with which options, in processes of their own; and what has come out of them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import ways
from .places import SWITCH
from .planting import CLIENT_ID, PROFILE, UNTOUCHED, Api, dotenv, environment, live_api
from .searching import Canary, Find, search

ROOT: Final = Path(__file__).resolve().parents[2]
TOKENS: Final = ("access_token", "refresh_token")
SOURCES: Final = (".py", ".pyc", ".env", ".toml", ".ini")
"""Endings of what the harness itself writes: no outputs."""
OUTPUTS: Final = (
    "--junit-xml=out/junit.xml", "-o", "junit_logging=all", "--log-file=out/log.txt", "--log-file-level=DEBUG",
)  # fmt: skip
PLUGINS: Final = ("-p", "tests.canaries.places", "-p", "no:randomly", "-p", "no:cov")
LIVE: Final = ("--apiauth-live", "--apiauth-profile=real")
ALL: Final = (
    "COMPARISONS", "LOCALS", "RAISING", "PRINTING", "LOGGING", "WARNING", "REPORTING", "OWN_OBJECT", "HYPOTHESIS",
)  # fmt: skip
COLLECTING: Final = ("COLLECTION", "COLLECTION_WARNS")
SHAPES: Final = ("REAL_CLIENT_SECRET", "REAL_PASSWORD", "SECOND_CLIENT_SECRET")
"""One value that every encoding spells anew, one with blanks, one that is plain."""


@dataclass(frozen=True)
class Plan:
    """One run of pytest in a project of its own.

    ``files`` name sources of `ways`. ``slots`` are the values that the tests let out; None is one of each shape. Of a
    plan with ``then`` the second run is in the same folder, and counts as one more.
    """

    name: str
    files: tuple[str, ...]
    options: tuple[str, ...] = ()
    slots: tuple[str, ...] | None = None
    conftest: str = ""
    env: tuple[tuple[str, str], ...] = ()
    then: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    status: tuple[int, ...] = (0, 1)


@dataclass(frozen=True)
class Result:
    """What has come of one plan."""

    plan: Plan
    runs: int
    tests: int
    outputs: int
    finds: tuple[tuple[str, Find], ...]
    trouble: str = ""


SECRETS: Final = (*environment(random.Random(0)), *dotenv(random.Random(0)))
HOLDERS: Final = (*SHAPES, "DOTENV_CLIENT_SECRET", "UNTOUCHED_CLIENT_SECRET")

PLANS: Final = (
    # Every slot, by a few ways: offline, live without a fixture of ours, live with fixtures.
    Plan("every slot", ("COMPARISONS", "NAMES"), ("-vv", "-l", "-rA", *OUTPUTS), slots=SECRETS),
    Plan("every slot, live, no fixture", ("OWN_CLIENT", "LOGGING"), (*LIVE, "-l", "-rA", *OUTPUTS), slots=SECRETS),
    Plan("issued tokens", ("COMPARISONS", "LOCALS"), (*LIVE, "-vv", "-l", "-rA", *OUTPUTS), slots=TOKENS),
    Plan("issued tokens, raised", ("RAISING", "PRINTING", "LOGGING"), (*LIVE, "-l", "-rA", *OUTPUTS), slots=TOKENS),
    Plan("issued tokens, said", ("WARNING", "REPORTING", "OWN_OBJECT"), (*LIVE, "-v", "-rA", *OUTPUTS), slots=TOKENS),
    # Every way, in every dress.
    Plan("as it comes", ALL, OUTPUTS),
    Plan("all that is captured", ALL, ("-vv", "--showlocals", "-rA", *OUTPUTS)),
    Plan("locals, cut", ("LOCALS", "COMPARISONS", "RAISING"), ("--showlocals", "-q", *OUTPUTS)),
    Plan("short", ALL, ("--tb=short", "-v", "-rA")),
    Plan("native", ALL, ("--tb=native", "-l", "-rx", *OUTPUTS)),
    Plan("line", ALL, ("--tb=line", "-q", "-rA")),
    Plan("no traceback", ALL, ("--tb=no", "-vvv", "-rA", "--durations=3")),
    Plan("in colour", ("COMPARISONS", "LOCALS", "RAISING"), ("--color=yes", "-v", "-l", *OUTPUTS)),
    Plan("in colour, more", ("COMPARISONS", "LOCALS"), ("--color=yes", "-vv", "-l", "--code-highlight=yes")),
    Plan("in CI", ("COMPARISONS", "LOCALS", "RAISING"), ("-l", "-ra"), env=(("CI", "true"),)),
    Plan("a narrow terminal", ("COMPARISONS", "REPORTING"), ("-v", "-ra"), env=(("COLUMNS", "40"),)),
    Plan("live log", ("LOGGING", "NAMES"), ("--log-cli-level=DEBUG", "--log-level=DEBUG", *OUTPUTS), slots=HOLDERS),
    Plan("live log in colour", ("LOGGING",), ("--color=yes", "-o", "log_cli=true", "-o", "log_auto_indent=true")),
    Plan("no logging", ("LOGGING", "PRINTING"), ("-p", "no:logging", "-rA")),
    Plan("warnings are errors", ("WARNING", "RAISING"), ("-W", "error", "-l", "-rA")),
    Plan("two workers", (*ALL, "NAMES"), ("-n", "2", "-vv", "-l", "-rA", *OUTPUTS)),
    Plan("two workers, live", ("FIXTURES", "WARNING", "LOGGING"), (*LIVE, "-n", "2", "-l", "-rA", *OUTPUTS)),
    Plan("names", ("NAMES", "COMPARISONS"), ("-vv", "--setup-show", *OUTPUTS), slots=HOLDERS, then=("--lf", "-v")),
    Plan("collected only", ("NAMES",), ("--collect-only", "-q"), slots=HOLDERS),
    Plan("errors of collection", COLLECTING, ("-l", "-v", *OUTPUTS), slots=HOLDERS, status=(2,)),
    Plan("errors of collection, native", COLLECTING, ("--tb=native", "--showlocals"), status=(2,)),
    Plan("statistics", ("HYPOTHESIS",), ("--hypothesis-show-statistics", "-vv", "-rA", *OUTPUTS), slots=HOLDERS),
    Plan("statistics of workers", ("HYPOTHESIS",), ("--hypothesis-show-statistics", "-n", "2", *OUTPUTS)),
    Plan("hooks of the project", ("WARNING",), ("-v",), conftest="SUMMARY", slots=HOLDERS),
    Plan("a report of its own", ("REPORTING", "PRINTING", "OWN_OBJECT", "WARNING"), ("-q",), conftest="OWN_REPORT"),
    Plan("a report of a collection", COLLECTING, ("-q",), conftest="OWN_REPORT", status=(2,)),
    Plan("an internal error", ("WARNING",), (), conftest="INTERNAL", status=(3,)),
    Plan("an exit", ("EXIT",), (), slots=HOLDERS, status=(2,)),
    Plan("a vault", ("LATE",), ("-l", "-rA", *OUTPUTS), unset=("REAL_API_KEY",)),
    Plan("another report", ("REPORTING", "OWN_OBJECT"), ("-o", "junit_family=xunit1", *OUTPUTS), slots=HOLDERS),
    # With fixtures, clients, cassettes and the suite.
    Plan("fixtures", ("FIXTURES",), (*LIVE, "-l", "-vv", "-rA", "--log-level=DEBUG", *OUTPUTS)),
    Plan("fixtures of httpx2", ("FIXTURES",), (*LIVE, "-l", "-rA", "--apiauth-http=httpx2", "--log-cli-level=DEBUG")),
    Plan("fixtures offline", ("FIXTURES",), ("--apiauth-profile=real", "-l", "-vv", "-rA", *OUTPUTS)),
    Plan(
        "cassettes", ("CASSETTE",), (*LIVE, "--record-mode=once", "-l", "-rA", "--log-level=DEBUG", *OUTPUTS),
        then=("--apiauth-profile=real", "-l", "-rA", "-v", "--log-level=DEBUG"),
    ),
    Plan(
        "the suite", (), ("tests/real.apiauth.toml", "--apiauth-live", "-v", "-rA",
                          "-k", "zones or leaks or resource or routes or carry_over",
                          "--apiauth-report=out/report.json", "--apiauth-report=out/report.md",
                          "--apiauth-report=out/report.html", "--apiauth-report=out/report.sarif", *OUTPUTS),
    ),
)  # fmt: skip


def write(plan: Plan, folder: Path) -> None:
    """Write the project of a plan."""
    (folder / "tests").mkdir()
    (folder / "out").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "tests" / "real.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    (folder / "tests" / "other.apiauth.toml").write_text(UNTOUCHED, encoding="utf-8")
    sources = {"values": ways.VALUES} | {f"test_{name.lower()}": getattr(ways, name) for name in plan.files}
    for name, text in sources.items():
        (folder / "tests" / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    conftest = textwrap.dedent(ways.CONFTEST)
    (folder / "tests" / "conftest.py").write_text(conftest, encoding="utf-8")
    if plan.conftest:
        (folder / "conftest.py").write_text(
            "import sys\nsys.path.insert(0, 'tests')\n" + textwrap.dedent(getattr(ways, plan.conftest)),
            encoding="utf-8",
        )
    values = dotenv(random.Random(f"{folder}/.env"))
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")


def run(plan: Plan, without: str = "") -> Result:
    """Write a plan's project, run it, and search all that it prints and writes."""
    place = Path(tempfile.mkdtemp(prefix="canaries-"))
    try:
        luck = random.Random(str(place))
        with live_api(luck) as api:
            return _run(plan, place, api, environment(luck), without)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(plan: Plan, folder: Path, api: Api, secrets: dict[str, str], without: str) -> Result:
    write(plan, folder)
    canaries = [Canary(name, value) for name, value in secrets.items()]
    canaries += [Canary(name, value) for name, value in dotenv(random.Random(f"{folder}/.env")).items()]
    surroundings = _surroundings(plan, secrets, api.url, without)
    finds: list[tuple[str, Find]] = []
    outputs = tests = runs = 0
    trouble = ""
    named = [f"tests/test_{name.lower()}.py" for name in plan.files]
    for options in (plan.options, plan.then):
        if runs and not options:
            continue
        runs += 1
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *PLUGINS, *named, *options],
            cwd=folder, env=surroundings, capture_output=True, text=True, errors="replace", timeout=300,
        )  # fmt: skip
        if done.returncode not in plan.status:
            trouble = f"exit status {done.returncode}: {(done.stdout + done.stderr)[-600:]}"
        tests += done.stdout.count("\n")
        known = [*canaries, *(Canary("issued token", token) for token in dict.fromkeys(api.issued))]
        for name, text in _outputs(folder, {"stdout": done.stdout, "stderr": done.stderr}):
            outputs += 1
            finds += ((name, find) for find in search(text, known))
    return Result(plan, runs, tests, outputs, tuple(finds), trouble)


def _surroundings(plan: Plan, secrets: Mapping[str, str], url: str, without: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    settings = {
        "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", SWITCH: without,
        "CANARY_NAMES": " ".join(plan.slots or SHAPES), "REAL_URL": url, "REAL_CLIENT_ID": CLIENT_ID,
        "REAL_USERNAME": "alice", "SECOND_CLIENT_ID": "second-client",
    }  # fmt: skip
    hidden = {"FROM_VAULT" if name in plan.unset else name: value for name, value in secrets.items()}
    return kept | settings | hidden | dict(plan.env)


def _outputs(folder: Path, printed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give everything that a run has put out, by name: what it printed, and each file, name and all."""
    yield from printed.items()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(SOURCES):
            name = str(path.relative_to(folder))
            yield name, f"{name}\n{path.read_bytes().decode('utf-8', 'replace')}"


def plan_named(name: str) -> Plan:
    """Give one of the plans."""
    return next(plan for plan in PLANS if plan.name == name)


def run_all(plans: Iterable[Plan], workers: int) -> Iterator[Result]:
    """Run plans, some at once, and give the results in the order of the plans."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(run, plans)

"""One mutated server against the conformance suite, in a process of its own.

Theory of operation. The runner has everything imported, and forks for each mutant. The child forgets the embedded
server's modules and imports them once more, one of them from the mutated text; so constants, defaults and
class attributes mutate like any other line. Then it examines, rule by rule, until one does not pass. An error that
the server does not catch becomes a 500, as with any framework: it counts only if a rule minds.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import signal
import sys
import threading
import time
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_apiauth import embedded
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.judging import Conditions
from pytest_apiauth.suite.outcomes import Unready

PACKAGE = embedded.__name__
FOLDER = Path(embedded.__file__).parent
SERVER_ONLY = ("pytest_apiauth.targets.embedded", "pytest_apiauth.targets.loopback", "tests.faults.examining")
"""Modules outside the package that hold on to the server's classes."""
CONDITIONS = Conditions(examples=7, seed=0)
RULE_LIMIT = 20
"""Seconds of work until one rule on one profile is taken for hung; the slowest takes a fifth of one."""
WAIT_LIMIT = 120
"""Seconds until a rule that does no work is taken for hung: a machine that is busy otherwise hangs nothing."""
MUTANT_LIMIT = 240
"""Seconds of work until a mutant is given up; it then counts as a survivor, since nothing was found against it."""
LIMITS = (
    (signal.SIGPROF, signal.ITIMER_PROF, RULE_LIMIT),
    (signal.SIGALRM, signal.ITIMER_REAL, WAIT_LIMIT),
)

Job = tuple[str, str]
"""A profile's name and a rule's id."""


@dataclass(frozen=True, slots=True)
class Catch:
    """What did not pass."""

    job: Job
    how: str


class Hung(BaseException):
    """A rule does not end; not an Exception, so that nothing in between takes it for an answer."""


class _MutatedLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(self._source, self.path, "exec")


class _MutatedFinder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        loader = _MutatedLoader(name, str(self._path), self._source)
        return importlib.machinery.ModuleSpec(name, loader, origin=str(self._path))


def install(module: str, path: Path, source: str) -> None:
    """Import the embedded server anew, with one module mutated. Only ever done in a child process."""
    for name in list(sys.modules):
        if name == PACKAGE or name.startswith(f"{PACKAGE}.") or name in SERVER_ONLY:
            del sys.modules[name]
    sys.meta_path.insert(0, _MutatedFinder(f"{PACKAGE}.{module}", path, source))
    server: Any = importlib.import_module(f"{PACKAGE}.server")
    handle = server.Server.handle

    def answer(self: Any, request: Any) -> Any:
        try:
            return handle(self, request)
        except Exception:
            return server.CRASHED

    server.Server.handle = answer


def jobs() -> list[Job]:
    """Give every rule on every profile that it applies to."""
    examining: Any = importlib.import_module("tests.faults.examining")
    return [
        (name, rule.id)
        for name, profile in examining.EXAMINED.items()
        for rule in REGISTRY
        if rule.applies.find(profile)
    ]


def first_catch(order: Iterable[Job]) -> Catch | None:
    """Examine until a rule does not pass, and return it; None if every rule passes, or none has within the limit."""
    for job in order:
        if time.process_time() > MUTANT_LIMIT:
            return None
        how = examined(job)
        if how:
            return Catch(job, how)
    return None


def examined(job: Job) -> str:
    """Examine by one rule on one profile, and say how it was caught; nothing where the rule passes."""
    examining: Any = importlib.import_module("tests.faults.examining")
    profile, rule_id = job
    for sign, timer, limit in LIMITS:
        signal.signal(sign, _hang)
        signal.setitimer(timer, limit)
    try:
        outcomes = examining.examine(profile, [REGISTRY[rule_id]], conditions=CONDITIONS)
    except Unready:
        return "unready"
    except Hung:
        return "hung"
    except Exception as error:
        return f"error: {type(error).__name__}"
    finally:
        for _, timer, _ in LIMITS:
            signal.setitimer(timer, 0)
    found = [outcome.verdict for outcome in outcomes.values() if outcome.verdict not in (Verdict.PASS, Verdict.SKIP)]
    if found:
        return str(found[0].value)
    # What a rule sees by the way is filed as a warning of the rule that it is about.
    return "warning" if any(outcome.filed for outcome in outcomes.values()) else ""


@dataclass(frozen=True, slots=True)
class Usual:
    """A job on the server as it is."""

    seconds: float
    lines: frozenset[tuple[str, int]]
    """What it runs of the server: a mutant of anything else cannot make a difference to it."""


def usual(job: Job) -> Usual:
    """Do a job on the server as it is. Raises AssertionError if it does not pass."""
    lines: set[tuple[str, int]] = set()
    modules = {str(path): path.stem for path in FOLDER.glob("*.py")}

    def note(frame: types.FrameType, event: str, argument: object) -> Any:
        module = modules.get(frame.f_code.co_filename)
        if module is None:
            return None
        lines.add((module, frame.f_lineno))
        return note

    start = time.perf_counter()
    threading.settrace(note)
    sys.settrace(note)
    try:
        how = examined(job)
    finally:
        sys.settrace(None)
        threading.settrace(None)
    if how:
        raise AssertionError(f"{job[1]} on {job[0]}: {how}, on the server without a mutation")
    return Usual(time.perf_counter() - start, frozenset(lines))


def _hang(signum: int, frame: object) -> None:
    raise Hung

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
import time
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_apiauth import embedded
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.judging import Conditions
from pytest_apiauth.suite.outcomes import Unready

from .probing import PROBE, probed

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


RAN: set[tuple[str, int]] = set()
"""Where the probes of this process have been run into: a module of the server and a line."""


class _ChangedLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, code: types.CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> types.CodeType:
        return self._code

    def exec_module(self, module: types.ModuleType) -> None:
        vars(module)[PROBE] = RAN.add
        super().exec_module(module)


class _ChangedFinder(importlib.abc.MetaPathFinder):
    def __init__(self, changed: Mapping[str, types.CodeType]) -> None:
        self._changed = {f"{PACKAGE}.{module}": code for module, code in changed.items()}

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self._changed:
            return None
        code = self._changed[name]
        loader = _ChangedLoader(name, code.co_filename, code)
        return importlib.machinery.ModuleSpec(name, loader, origin=code.co_filename)


def install(changed: Mapping[str, types.CodeType]) -> None:
    """Import the embedded server anew, with some modules changed. Only ever done in a child process."""
    for name in list(sys.modules):
        if name == PACKAGE or name.startswith(f"{PACKAGE}.") or name in SERVER_ONLY:
            del sys.modules[name]
    sys.meta_path.insert(0, _ChangedFinder(changed))
    importlib.import_module(f"{PACKAGE}.server")


def install_mutant(module: str, source: str) -> None:
    """Import the embedded server anew, with one module mutated and its errors answered with 500."""
    install({module: compile(source, str(FOLDER / f"{module}.py"), "exec")})
    server: Any = importlib.import_module(f"{PACKAGE}.server")
    handle = server.Server.handle

    def answer(self: Any, request: Any) -> Any:
        try:
            return handle(self, request)
        except Exception:
            return server.CRASHED

    server.Server.handle = answer


def install_probes() -> None:
    """Import the embedded server anew, with a probe at each statement."""
    install({path.stem: probed(path) for path in FOLDER.glob("*.py") if path.stem != "__init__"})


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
    """Where the statements begin that it runs of the server: a mutant of another cannot make a difference to it."""


def usual(job: Job) -> Usual:
    """Do a job on the server as it is, with probes. Raises AssertionError if it does not pass."""
    RAN.clear()
    start = time.perf_counter()
    how = examined(job)
    if how:
        raise AssertionError(f"{job[1]} on {job[0]}: {how}, on the server without a mutation")
    return Usual(time.perf_counter() - start, frozenset(RAN))


def _hang(signum: int, frame: object) -> None:
    raise Hung

"""One target for a while, in a process of its own: seeds first, then mutation and Hypothesis in turn.

Theory of operation. Code that hangs in C, or takes Python down with it, cannot be stopped from inside. So each target
has a process, which writes down every case before it is tried; one that does not come back is found in that file. It
may not take more than some memory either. A breach ends nothing: it is kept, and the next case is tried, until there
are enough.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from pytest_apiauth.errors import ApiAuthError

from .cases import Case
from .changing import mutated
from .seeds import NASTY, cases, real
from .strategies import STRATEGIES
from .targets import DIFFERED, TARGETS, Target, run_case
from .watching import Breach

CONTEXT: Any = multiprocessing.get_context("fork")
MEMORY: Final = 3 << 30
"""Bytes of address space that a case may take beyond those of the process."""
MOST_BREACHES: Final = 10
STUCK: Final = 60.0
"""Seconds after which a case is not coming back."""
SHRINKING: Final = 5.0
BATCH: Final = 60


@dataclass(slots=True)
class Result:
    """What came of one target."""

    name: str
    tried: int = 0
    refused: int = 0
    accepted: int = 0
    breaches: list[tuple[str, Case]] = field(default_factory=list)
    differed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Run:
    """Tries cases of one target, each in a folder of its own that is gone after it."""

    def __init__(self, target: Target, seconds: float, journal: Path | None = None) -> None:
        self.target = target
        self.result = Result(target.name)
        self._end = time.monotonic() + seconds
        self._journal = journal
        self._known: set[str] = set()

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._end or len(self.result.breaches) >= MOST_BREACHES

    def attempt(self, case: Case) -> None:
        """Try a case, and count what came of it. Raises Breach."""
        if self._journal is not None:
            self._journal.write_bytes(f"{case.kind}\n".encode() + case.content)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.result.tried += 1
        try:
            if run_case(self.target, case, folder):
                self.result.accepted += 1
            else:
                self.result.refused += 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, case: Case) -> None:
        """Try a case, and keep it, made smaller, if it is a breach of a kind that is new."""
        try:
            self.attempt(case)
        except Breach as breach:
            kind = _kind(breach)
            if kind not in self._known:
                self._known.add(kind)
                self.result.breaches.append((str(breach), self._smaller(case, kind)))

    def _smaller(self, case: Case, kind: str) -> Case:
        """Leave out pieces for as long as the same comes of it."""
        content, size = case.content, max(1, len(case.content) // 2)
        end = time.monotonic() + SHRINKING
        while size and time.monotonic() < end:
            place = 0
            while place < len(content) and time.monotonic() < end:
                less = content[:place] + content[place + size :]
                try:
                    self.attempt(Case(less, case.kind))
                    place += size
                except Breach as breach:
                    content, place = (less, place) if _kind(breach) == kind else (content, place + size)
            size //= 2
        return Case(content, case.kind)

    def all(self, number: int) -> Result:
        """Try the seeds, then mutants and what Hypothesis draws, in turn, until the time is over."""
        start = time.monotonic()
        warm(self.target.name)
        every = cases(self.target.name)
        for case in every:
            self.keep(case)
        pool = [case.content for case in every if case.kind == "file" and len(case.content) < 100_000]
        pool += list(real(self.target.name)) * max(1, len(NASTY) // len(real(self.target.name)))
        luck = random.Random(f"{number} {self.target.name}")
        while not self.is_over:
            self._drawn(luck.randrange(1 << 32))
            for _ in range(BATCH):
                if not self.is_over:
                    self.keep(Case(mutated(luck, pool)))
        self.result.seconds = time.monotonic() - start
        self.result.differed = Counter({name: count for name, count in DIFFERED.items() if name})
        return self.result

    def _drawn(self, number: int) -> None:
        quiet = settings(
            max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip

        @seed(number)
        @quiet
        @given(STRATEGIES[self.target.name]())
        def draw(content: bytes) -> None:
            if not self.is_over:
                self.keep(Case(content))

        draw()


@cache
def warm(name: str) -> None:
    """Have a target import what it imports, and compile what it compiles, before anybody watches: by good files."""
    target, before = TARGETS[name], os.getcwd()
    for content in real(name):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, target.file)
            target.before(Path(folder))
            Case(content).put(place)
            os.chdir(folder)
            try:
                with suppress(ApiAuthError):
                    target.run(place)
            finally:
                os.chdir(before)


def _kind(breach: Breach) -> str:
    """Return what breaches of one cause have in common: not the text that is quoted."""
    text = str(breach)
    return text.partition(":")[0] + text.rpartition(", in ")[2]


def run_target(name: str, number: int, seconds: float) -> Result:
    """Run a target in a process of its own, and give it up if a case does not come back."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        journal = Path(folder, "case")
        ours, theirs = CONTEXT.Pipe(duplex=False)
        process = CONTEXT.Process(target=_in_child, args=(name, number, seconds, journal, theirs))
        process.start()
        theirs.close()
        while process.is_alive() and not ours.poll(1):
            if journal.exists() and time.time() - journal.stat().st_mtime > STUCK + SHRINKING:
                process.kill()
        try:
            found = ours.recv()
            assert isinstance(found, Result)
        except EOFError:
            kind, _, content = journal.read_bytes().partition(b"\n") if journal.exists() else (b"file", b"", b"")
            process.join()
            found = Result(name, 1)
            found.breaches.append((f"the process did not survive it: {process.exitcode}", Case(content, kind.decode())))
        process.join()
        return found


def _in_child(name: str, number: int, seconds: float, journal: Path, pipe: Any) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))
    tempfile.tempdir = str(journal.parent)
    pipe.send(Run(TARGETS[name], seconds, journal).all(number))

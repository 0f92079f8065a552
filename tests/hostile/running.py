"""Every run in a process of its own, forked from one that has everything imported.

Theory of operation. A behaviour may hang, take memory, or break the process that meets it. So each is met in a child,
way after way; the child says through a pipe what came of each way as soon as it knows. A child that says nothing for
longer than a way may take is ended, and the way that it was at is a breach. Several children run at a time, since
what is hostile mostly waits. Memory is the child's own: the kernel's high-water mark, reset before each way.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, cast

from pytest_apiauth.http import bounds
from pytest_apiauth.targets import retries
from tests.hostile import bodies, connections, pages, texts
from tests.hostile.behaviours import PLACES, TABLE, Behaviour, Later
from tests.hostile.certificates import Certificates
from tests.hostile.judging import Cost, breaches, is_lasting
from tests.hostile.server import HostileServer
from tests.hostile.ways import WAYS, write_profile

FAMILIES: Final = (connections, bodies, texts, pages)
"""The modules that fill the table."""
PATIENCE, SECONDS = 0.5, 1.0
"""The time-outs of these runs: as short as an answer of a good server on a busy machine lets them be."""
LIMIT: Final = 60.0
"""Seconds after which a child that has not said anything is ended."""
QUICK: Final = ("redirects", "device authorizations", "pages")
"""Families of what is over at once."""
AT_ONCE: Final = 3 * (os.cpu_count() or 1)


@dataclass(slots=True)
class Ran:
    """What came of one behaviour: the ways that met it, what they took at most, and what did not hold."""

    name: str
    ways: list[str] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0
    breaches: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    again: list[str] = field(default_factory=list)
    """The ways that were gone once more, and what was found the first time."""

    @property
    def survived(self) -> int:
        """How many ways have held."""
        return len(set(self.ways) - self.broken)

    def add(self, way: str, cost: Cost, found: Sequence[str], first: Sequence[str] = ()) -> None:
        """Take note of one way; ``first`` is what was found before it was gone once more."""
        self.again += [f"{way}: {breach}" for breach in first]
        self.ways.append(way)
        self.seconds = max(self.seconds, cost.seconds)
        self.megabytes = max(self.megabytes, cost.megabytes)
        self.breaches += [f"{way}: {breach}" for breach in found]
        self.broken |= {way} if found else set()

    def line(self) -> str:
        """Return its row of the table."""
        verdict = "ok" if not self.breaches else "BREACH"
        cost = f"{self.seconds:6.2f} s {self.megabytes:6.1f} MB"
        return f"{verdict:6} {self.name:70} {len(self.ways)} ways {cost}{' (gone twice)' if self.again else ''}"


def chosen(only: str = "", sample: int | None = None) -> list[Behaviour]:
    """Return behaviours by their name, or so many of them, of each family first."""
    found = [behaviour for behaviour in TABLE.values() if only in behaviour.name]
    if sample is None or sample >= len(found):
        return found
    step = len(found) / sample
    return [found[int(number * step)] for number in range(sample)]


def run_all(behaviours: Sequence[Behaviour], only_way: str = "") -> Iterator[Ran]:
    """Meet behaviours by all their ways, several at a time; yield what came of each, as it is over."""
    for behaviour in behaviours:
        if isinstance(behaviour.play, Later):
            behaviour.play.make()  # here, once for all children
    with patience():
        yield from _run_all(behaviours, only_way)


@contextmanager
def patience() -> Iterator[None]:
    """Have short time-outs, and an environment in which nothing of a user's own is found."""
    usual, repeat, environment = bounds.BOUNDS, retries.REPEAT_AFTER, dict(os.environ)
    bounds.BOUNDS = replace(usual, patience=PATIENCE, seconds=SECONDS)
    retries.REPEAT_AFTER = 0.01
    try:
        with tempfile.TemporaryDirectory(prefix="hostile-home-") as home:
            os.environ.update(HOME=home, XDG_STATE_HOME=home, COLUMNS="200", NO_COLOR="1")
            yield
    finally:
        bounds.BOUNDS, retries.REPEAT_AFTER = usual, repeat
        os.environ.clear()
        os.environ.update(environment)


def _run_all(behaviours: Sequence[Behaviour], only_way: str) -> Iterator[Ran]:
    context = multiprocessing.get_context("fork")
    waiting, running = list(reversed(behaviours)), dict[Connection, _Child]()
    with Certificates() as certificates:
        _made_ready(certificates)
        gc.freeze()
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                behaviour = waiting.pop()
                reader, writer = context.Pipe(duplex=False)
                process = context.Process(target=_meet, args=(behaviour, only_way, certificates, writer))
                process.start()
                writer.close()
                running[reader] = _Child(process, Ran(behaviour.name), time.monotonic())
            for ready in wait(list(running), 1.0):
                reader = cast("Connection", ready)
                if not running[reader].hear(reader):
                    yield running.pop(reader).ran
            for reader, child in list(running.items()):
                if time.monotonic() - child.heard > LIMIT:
                    child.process.kill()
                    child.ran.add(child.at, Cost(LIMIT, 0.0), [f"no end after {LIMIT:.0f} s"])
                    yield running.pop(reader).ran


def total(rows: list[Ran], seconds: float) -> str:
    """Return the last line of the table."""
    runs = sum(len(row.ways) for row in rows)
    survived = sum(row.survived for row in rows)
    slowest, largest = max(rows, key=lambda row: row.seconds), max(rows, key=lambda row: row.megabytes)
    return (
        f"hostile: {len(rows)} behaviours, {runs} runs, {survived} survived, in {seconds:.0f} s; longest"
        f" {slowest.seconds:.1f} s ({slowest.name}), most memory {largest.megabytes:.0f} MB ({largest.name})"
    )


def retried(rows: list[Ran]) -> Iterator[str]:
    """Yield lines about what was gone twice."""
    first = [f"{row.name}: {breach}" for row in rows for breach in row.again]
    yield (
        f"gone twice: {len(first)}; a breach that a busy machine may bring about is one if it comes again, a secret, a"
        " traceback, a control character, a long line or a broken report the first time"
    )
    yield from (f"    the first time: {breach}" for breach in first)


@contextmanager
def resolver(does: str) -> Iterator[None]:
    """Have the system's resolver never answer, or know no names."""
    usual, over = socket.getaddrinfo, threading.Event()

    def looks_up(host: Any, *words: Any, **named: Any) -> Any:
        if host not in ("localhost", b"localhost"):
            return usual(host, *words, **named)
        if does == "silent":
            over.wait(LIMIT)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if does:
        vars(socket)["getaddrinfo"] = looks_up
    try:
        yield
    finally:
        vars(socket)["getaddrinfo"] = usual
        over.set()


@dataclass(slots=True)
class _Child:
    """A process that meets a behaviour."""

    process: Any
    ran: Ran
    heard: float
    at: str = "nowhere"

    def hear(self, reader: Connection) -> bool:
        """Take what a child says; False if it is over."""
        self.heard = time.monotonic()
        try:
            way, seconds, megabytes, found, first = json.loads(reader.recv_bytes())
        except EOFError:
            self.process.join()
            if self.process.exitcode != 0:
                self.ran.add(self.at, Cost(0.0, 0.0), [f"the process ended with {self.process.exitcode}"])
            return False
        if found is None:
            self.at = way
        else:
            self.ran.add(way, Cost(seconds, megabytes), found, first)
        return True


def _made_ready(certificates: Certificates) -> None:
    """Go every way once, so that whatever is imported on the way is there before the first child is."""
    for place in PLACES:
        good = next(each for each in TABLE.values() if each.place == place and each.family in QUICK)
        for name, way in WAYS.items():
            if place in way.places:
                _met_by(good, name, certificates)


def _meet(behaviour: Behaviour, only_way: str, certificates: Certificates, writer: Connection) -> None:
    """Meet one behaviour, in a child: way after way."""
    for name, way in WAYS.items():
        if behaviour.place not in way.places or only_way not in name:
            continue
        writer.send_bytes(json.dumps([name, 0.0, 0.0, None, []]).encode())
        cost, found = _met_by(behaviour, name, certificates)
        first = found
        if found:
            # A busy machine may be late by itself, and what follows from that does not come again; a secret that was
            # told once was told.
            cost, again = _met_by(behaviour, name, certificates)
            found = [*filter(is_lasting, found), *again]
        writer.send_bytes(json.dumps([name, cost.seconds, cost.megabytes, found, first]).encode())


def _met_by(behaviour: Behaviour, name: str, certificates: Certificates) -> tuple[Cost, list[str]]:
    """Meet a behaviour by one way, in a folder of its own; return what that took, and what did not hold."""
    way, folder, before_it = WAYS[name], tempfile.mkdtemp(prefix="hostile-"), Path.cwd()
    os.chdir(folder)
    tls, ca_file = certificates.of(behaviour.certificate)
    with HostileServer(behaviour, tls, is_late=way.is_late and not behaviour.is_of_connections) as server:
        write_profile(server.url, ca_file)
        _give_back()
        before = _memory("VmRSS", is_reset=True)
        began = time.monotonic()
        with resolver(behaviour.names):
            came = way.run(behaviour, server.url)
        cost = Cost(time.monotonic() - began, _memory("VmHWM") - before)
    os.chdir(before_it)
    shutil.rmtree(folder, ignore_errors=True)
    return cost, list(breaches(behaviour, name, way, server.url, came, cost))


def _give_back() -> None:
    """Have no memory that is free, which a run would use without taking more: what it took would not be seen."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # a C library of another make, which has no such function


def _memory(what: str, *, is_reset: bool = False) -> float:
    """Return a figure of this process's memory in megabytes, or nothing where the kernel does not tell."""
    try:
        if is_reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{what}:")) / 1000

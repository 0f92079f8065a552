"""Benchmarks: ``python -m tests.benchmarks``. Ratios against something real in the same run, never bare times.

With ``--hostile`` every behaviour of the hostile server is met, and not only some.

A machine's speed drifts, so the two sides of a ratio take turns, and the control row, where one side meets
itself, says how far a ratio can be trusted.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from hypothesis import HealthCheck, given, settings

from pytest_apiauth import bundled
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, Sender, build_client
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading
from pytest_apiauth.suite.book import REGISTRY
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.hostile.running import chosen, run_all, total

PROFILE = loading.load(loading.builtin_profiles()["dastra"])
PATH = "/v1/workspaces"


def main() -> None:
    """Print one line a figure."""
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    start_up()
    cost_per_request()
    herd()
    examples_per_second()
    ignored_files()
    hostile_servers(None if "--hostile" in sys.argv else 40)


def start_up(rounds: int = 9) -> None:
    """CPU of a run of one trivial test, with the plug-in and without."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_one.py").write_text("def test_one():\n    pass\n")
        commands = {
            "without": [sys.executable, "-m", "pytest", "-q", "-p", "no:apiauth", folder],
            "control": [sys.executable, "-m", "pytest", "-q", "-p", "no:apiauth", folder],
            "with": [sys.executable, "-m", "pytest", "-q", folder],
        }
        spent: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                spent[name].append(_cpu_of(command))
    base = min(spent["without"])
    print(
        f"start-up, CPU of the minima: {min(spent['with']) / base:.3f} of pytest without the plug-in"
        f" ({1000 * (min(spent['with']) - base):+.0f} ms; control {min(spent['control']) / base:.3f})"
    )


def _cpu_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cost_per_request(count: int = 3000) -> None:
    """A request of the authenticated client against one with a fixed header, turn by turn, in process."""
    server, redactor = Server(PROFILE), Redactor()
    identities = Identities(server.profile, server.lookup, redactor)
    connector = InProcess("httpx", server.handle)
    store = TokenStore(server.clock, 30)
    authenticator = Authenticator(server.profile, identities, store, redactor)
    ours = build_client(server.profile, connector, redactor, authenticator=authenticator)
    fixed = {"Authorization": f"Bearer {server.issue().reveal()}"}
    bare = httpx.Client(base_url=server.profile.base_url, transport=connector.transport(), headers=fixed)
    turns: dict[str, tuple[Callable[[], object], list[float]]] = {
        "bare": (lambda: bare.get(PATH), []),
        "control": (lambda: bare.get(PATH), []),
        "ours": (lambda: ours.get(PATH), []),
    }
    for _ in range(count):
        for send, spent in turns.values():
            start = time.perf_counter()
            send()
            spent.append(time.perf_counter() - start)
    medians = {name: statistics.median(spent) for name, (_, spent) in turns.items()}
    print(
        f"request with a cached token: {medians['ours'] / medians['bare']:.3f} of a fixed header"
        f" ({1e6 * (medians['ours'] - medians['bare']):+.1f} us; control {medians['control'] / medians['bare']:.3f})"
    )


def herd(count: int = 50) -> None:
    """Token requests when many threads start at once without a token."""
    server, redactor = Server(PROFILE), Redactor()
    identities = Identities(server.profile, server.lookup, redactor)
    authenticator = Authenticator(server.profile, identities, TokenStore(server.clock, 30), redactor)
    client = build_client(server.profile, InProcess("httpx", server.handle), redactor, authenticator=authenticator)
    gate = threading.Barrier(count)

    def call() -> None:
        gate.wait()
        client.get(PATH)

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"token requests of {count} threads at once: {server.token_requests}")


def examples_per_second(examples: int = 300) -> None:
    """A drawn rule against a bare property that draws the same and sends the same requests."""
    bundled.load_chapters()
    rule = REGISTRY["res-garbage-token"]
    target = EmbeddedTarget.build(PROFILE, redactor=Redactor(), library="httpx", faults=(), variants=())
    examination = Examination(target, Redactor())
    zone = target.profile.zones["api"]
    token = examination.value(Ref(Role.ACCESS_TOKEN))
    sender = Sender.embedded("httpx", target.server.handle)
    url = target.profile.url(PATH)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(edit=rule.draws["edit"])
    def bare(edit: object) -> None:
        sender.send(Request("GET", url, (("Authorization", f"Bearer {edit.apply(token)}"),)))  # type: ignore[attr-defined]
        sender.send(Request("GET", url, (("Authorization", f"Bearer {token}"),)))

    ratios = []
    rate = 0.0
    for seed in range(7):
        start = time.perf_counter()
        bare()
        middle = time.perf_counter()
        outcome = judge(rule, examination, zone, Conditions(examples, seed))
        end = time.perf_counter()
        ratios.append((middle - start) / (end - middle))
        rate = max(rate, outcome.examples / (end - middle))
    print(f"examples: {statistics.median(ratios):.2f} of the rate of a bare property (best {rate:.0f} a second)")


def ignored_files(count: int = 50_000, rounds: int = 9) -> None:
    """CPU of a run that uses a profile, beside many files in folders that it leaves out, and in a project without."""
    folders = ("node_modules", "build", "left-out", ".cache", "env")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("without", "with"):
            project = Path(folder, name)
            project.mkdir()
            (project / "pytest.ini").write_text("[pytest]\nnorecursedirs = left-* node_modules build .*\n")
            (project / "shop.apiauth.toml").write_text('schema = 1\nextends = "dastra"\n')
            (project / "test_one.py").write_text("def test_one(apiauth_client): pass\n")
        for each in folders:
            for number in range(count // len(folders) // 100):
                place = Path(folder, "with", each, str(number))
                place.mkdir(parents=True)
                for file in range(100):
                    (place / f"{file}.apiauth.toml").touch()
        Path(folder, "with", "env", "pyvenv.cfg").touch()
        projects = {"without": "without", "control": "without", "with": "with"}
        spent: dict[str, list[float]] = {name: [] for name in projects}
        for _ in range(rounds):
            for name, project_name in projects.items():
                command = [sys.executable, "-m", "pytest", "-q", str(Path(folder, project_name))]
                spent[name].append(_cpu_of(command))
    base = min(spent["without"])
    print(
        f"{count} files in folders that are left out: {min(spent['with']) / base:.3f} of a run without them"
        f" (control {min(spent['control']) / base:.3f})"
    )


def hostile_servers(sample: int | None) -> None:
    """Longest time and most memory that an answer of a hostile server cost anything of ours, beyond nothing at all."""
    began = time.monotonic()
    rows = list(run_all(chosen(sample=sample)))
    print(total(rows, time.monotonic() - began))


if __name__ == "__main__":
    main()

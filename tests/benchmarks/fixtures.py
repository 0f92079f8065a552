"""What a client fixture takes, and how many TLS contexts a session makes for its clients."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.plugin.clients import Clients
from pytest_apiauth.profile import loading
from pytest_apiauth.targets.embedded import EmbeddedTarget

from . import peers
from .figures import NOT_INSTALLED, Measured, Plan, Value
from .measuring import Cost, alternating, median, run, turns
from .server import serving

CHAIN: Final = "as many fixtures that do nothing"
LIBRARIES: Final = ("httpx.Client()", "httpx2.Client()")
PEERS: Final = (CHAIN, *LIBRARIES)
IN_PROCESS: Final = ("httpx.Client(transport=...)",)
PROFILE_IN_PROCESS: Final = loading.load(loading.builtin_profiles()["dastra"])
TESTS: Final = 400
PLAIN: Final = """
import pytest

@pytest.fixture
def client():
    return object()

@pytest.fixture
def profile(request):
    yield object()

@pytest.fixture
def apis(request, profile):
    yield object()

@pytest.fixture
def factory(apis):
    return object()

@pytest.fixture
def chain(factory):
    return object()

@pytest.mark.parametrize("number", range({tests}))
def test_one(client, number):
    pass
"""
PROFILE: Final = """schema = 1
extends = "jindexe"
api_url = "{url}"
ca_file = "{ca_file}"
"""
# Counts contexts of clients, whoever makes them: httpx, httpx2 and the standard library derive from this class.
COUNTING: Final = """
import ssl

MADE = []
new = ssl.SSLContext.__new__


def counted(cls, *arguments, **options):
    MADE.append(cls)
    return new(cls, *arguments, **options)


ssl.SSLContext.__new__ = counted


def pytest_unconfigure():
    with open("contexts.txt", "w") as file:
        file.write(str(len(MADE)))
"""
GETTING: Final = """
import pytest

@pytest.mark.parametrize("number", range(20))
def test_one(apiauth_client, apiauth_client_factory, number):
    assert apiauth_client.get("/user/me").status_code == 200
    with apiauth_client_factory(zone="user") as another:
        assert another.get("/user/me").status_code == 200
"""


def milliseconds(plan: Plan) -> Measured:
    """CPU that `apiauth_client` takes in one test, more than a fixture that gives an object."""
    with tempfile.TemporaryDirectory() as folder:
        tests = {"empty": "client", "again": "client", "chain": "chain", "ours": "apiauth_client"}
        # As many tests and half of them: what a run takes once is in both, and goes away.
        sides = {
            f"{name} {count}": partial(_run, Path(folder), fixture, count)
            for name, fixture in tests.items()
            for count in (TESTS, TESTS // 2)
        }
        costs = alternating(sides, plan.rounds(7, 3))
    each = {
        name: [
            1000 * (whole.cpu - half.cpu) / (TESTS // 2)
            for whole, half in zip(costs[f"{name} {TESTS}"], costs[f"{name} {TESTS // 2}"], strict=True)
        ]
        for name in tests
    }
    more = {name: [one - base for one, base in zip(each[name], each["empty"], strict=True)] for name in each}
    chain = {CHAIN: median(more["chain"], "ms")}
    return Measured(median(more["ours"], "ms"), median(more["again"], "ms"), chain | _peers(plan))


def client_alone(plan: Plan) -> Measured:
    """Milliseconds for a client by itself, of a target that is there, beside those of the libraries in process."""
    target = EmbeddedTarget.build(PROFILE_IN_PROCESS, redactor=Redactor(), library="httpx", faults=(), variants=())
    clients = Clients(target, {}, allow_unsafe=True)
    connector = target.connector
    sides = {
        "bare": lambda: connector.library.client(transport=connector.transport()),
        "ours": lambda: clients.client(None, {}, {}),
    }
    spent = turns(sides, plan.rounds(1000, 300))
    return Measured(median(spent["ours"], "ms", 1000), None, {IN_PROCESS[0]: median(spent["bare"], "ms", 1000)})


def _run(folder: Path, fixture: str, count: int) -> Cost:
    text = PLAIN.replace("(client", f"({fixture}").format(tests=count)
    (folder / "dastra.ini").write_text("[pytest]\napiauth_profile = dastra\n", encoding="utf-8")
    path = folder / f"test_{fixture}_{count}.py"
    path.write_text(text, encoding="utf-8")
    return run([sys.executable, "-m", "pytest", "-q", "-c", "dastra.ini", path.name], cwd=folder)


def _peers(plan: Plan) -> dict[str, Value | str]:
    modules = {name: peers.found(name.partition(".")[0]) for name in LIBRARIES}
    spent = turns({name: module.Client for name, module in modules.items() if module is not None}, plan.rounds(40, 10))
    return {name: median(spent[name], "ms", 1000) if name in spent else NOT_INSTALLED for name in LIBRARIES}


def contexts_in_process(plan: Plan) -> Measured:
    """TLS contexts that a session makes for forty clients of the embedded server."""
    with tempfile.TemporaryDirectory() as folder:
        return Measured(_contexts(Path(folder), "https://api.shop.example", "", {}))


def contexts_live(plan: Plan) -> Measured:
    """TLS contexts that a session makes for forty clients of a live server, which each of them asks over TLS."""
    import trustme

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(project / "ca.pem"))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(project / "server.pem"))
        names = ("JINDEXE_API_KEY", "JINDEXE_USERNAME", "JINDEXE_PASSWORD")
        env = {name: f"of-the-benchmarks-{name.lower()}" for name in names}
        with serving(tls=str(project / "server.pem")) as server:
            return Measured(_contexts(project, server.url, str(project / "ca.pem"), env, "--apiauth-live"))


def _contexts(project: Path, url: str, ca_file: str, env: dict[str, str], *options: str) -> Value:
    text = PROFILE.format(url=url, ca_file=ca_file)
    text = text if ca_file else text.replace('ca_file = ""\n', "")
    (project / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    (project / "test_one.py").write_text(GETTING, encoding="utf-8")
    (project / "counting.py").write_text(COUNTING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "counting", *options, "test_one.py"]
    run(command, cwd=project, env={**os.environ, **env, "PYTHONPATH": str(project)})
    return Value(int((project / "contexts.txt").read_text(encoding="utf-8")))

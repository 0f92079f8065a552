"""Live runs that may be scheduled: what they send, what they say of trouble, how they end."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.targets import retries
from tests.plugin.projects import Run, output, served, told

LIVE = """
schema = 1
extends = "jindexe"
api_url = "{url}"
"""


def project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str, server: Server, more: str = ""
) -> None:
    """Write a profile of a server on loopback, and set what it names."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url=url) + more, encoding="utf-8")


def report_of(pytester: pytest.Pytester) -> dict[str, Any]:
    """Read the only profile of the JSON report."""
    found: dict[str, Any] = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))["profiles"][0]
    return found


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Give the verdict of each rule."""
    return {rule["id"]: rule["verdict"] for rule in report["rules"]}


# What is sent


@pytest.mark.slow
def test_a_default_run_spares_the_server(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """No wrong password beyond the bound, nothing revoked, no POST but to the token endpoint, all within the budget."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nmax_requests = 3000\n")
        password = server.environment["JINDEXE_PASSWORD"]
        result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json")

    assert "FAIL" not in output(result)
    posts = [request for request in server.requests if request.method not in ("GET", "HEAD", "OPTIONS")]
    assert {request.path for request in posts} == {"/public/token"}
    wrong = [request for request in posts if b'"password"' in request.body and password.encode() not in request.body]
    assert len([request for request in wrong if json.loads(request.body).get("password")]) <= 3
    assert len(server.requests) <= 3000
    report = report_of(pytester)
    assert len(server.requests) == report["requests"]
    assert server.tokens_issued == report["tokens_issued"] > 0
    skipped = [rule["reason"] for rule in report["rules"] if rule["safety"] in ("consume", "revoke", "lockout", "load")]
    assert any(reason.startswith("needs --apiauth-allow") for reason in skipped)


@pytest.mark.slow
def test_wrong_passwords_are_bounded_even_where_lockout_is_allowed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A bound holds over all rules of the run, and what it leaves out says so."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nallow = ['lockout']\nwrong_passwords = 4\n")
        password = server.environment["JINDEXE_PASSWORD"]
        run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json", "-k", "token_errors or basic")

    bodies = [json.loads(request.body) for request in server.requests if b'"password"' in request.body]
    assert len([body for body in bodies if body["password"] != password]) <= 8, "four of the user, four of strangers"
    assert "accounts lock" in json.dumps(report_of(pytester))


@pytest.mark.slow
def test_a_run_keeps_its_pace_and_budget(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Requests arrive no faster than asked, and no more than asked; the rest is inconclusive, and says why."""
    arrivals: list[float] = []
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setattr(server, "handle", noting(server.handle, arrivals))
        options = ("--apiauth-rate=400", "--apiauth-max-requests=120", "--apiauth-report=report.json")
        result = run("shop.apiauth.toml", "--apiauth-live", *options)

    assert len(arrivals) == 120
    # A hundred and twenty turns are a hundred and nineteen intervals.
    assert arrivals[-1] - arrivals[0] >= 119 / 400 * 0.95
    assert "at most 400 a second, 120 in all" in output(result)
    told(result, "the budget of 120 requests is spent")
    assert result.ret == 1
    assert "inconclusive" in verdicts(report_of(pytester)).values()


def noting(handle: Callable[[Request], Response], arrivals: list[float]) -> Callable[[Request], Response]:
    """Note when each request arrives."""

    def noted(request: Request) -> Response:
        arrivals.append(time.monotonic())
        return handle(request)

    return noted


def test_a_spent_budget_keeps_the_counterexample(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """What was found before the budget ran out is reported, though it could have been made simpler."""
    with served("jindexe", faults=["token-case-folded"]) as (url, server):
        project(pytester, monkeypatch, url, server)
        words = ("shop.apiauth.toml", "--apiauth-live", "-k", "res-token-case and user", "--apiauth-report=report.json")
        run(*words)
        needed = next(rule["requests"] for rule in report_of(pytester)["rules"] if rule["verdict"] == "fail")
        result = run(*words, f"--apiauth-max-requests={needed - 1}")

    assert verdicts(report_of(pytester))["res-token-case"] == "fail"
    assert "ACCESS_TOKEN" in output(result)


# Trouble


@contextmanager
def troubled(server: Server, trouble: Callable[[int], str]) -> Iterator[str]:
    """Serve behind a gateway of our own that makes trouble, by the number of the request; gives its base URL."""
    count = iter(range(10**6))
    with serve(server) as behind:
        host, port = behind.removeprefix("http://").split(":")

        def carry(client: socket.socket) -> None:
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = client.recv(65536)
                    if not piece:
                        return
                    head += piece
                kind = trouble(next(count))
                if kind == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif kind.isdigit():
                    extra = b"Retry-After: 0\r\n" if kind == "429" else b""
                    client.sendall(
                        b"HTTP/1.1 "
                        + kind.encode()
                        + b" Trouble\r\n"
                        + extra
                        + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                elif kind != "drop":
                    if kind == "delay":
                        threading.Event().wait(0.05)
                    relay(client, head, (host, int(port)))

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=accepting, args=(listener, carry), daemon=True).start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            listener.shutdown(socket.SHUT_RDWR)


def accepting(listener: socket.socket, carry: Callable[[socket.socket], None]) -> None:
    """Give each connection a thread, until the listener is closed."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=carry, args=(client,), daemon=True).start()


def relay(client: socket.socket, begun: bytes, address: tuple[str, int]) -> None:
    """Pass one request on and its answer back, and end the connection."""
    head, _, body = begun.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += client.recv(65536)
    with socket.create_connection(address) as server:
        server.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
        while piece := server.recv(65536):
            client.sendall(piece)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "REPEAT_AFTER", 0.0)


READY = 12
"""Requests that make the profile ready, and a few more."""


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("kind", ["drop", "reset", "429", "503", "502"])
def test_nothing_passes_where_nothing_answers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run, kind: str
) -> None:
    """A server that gives out once the run has begun: no rule passes on it, the run ends, the report is written."""
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with troubled(server, lambda number: kind if number >= READY else "") as url:
        project(pytester, monkeypatch, url, server)
        result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json", "-k", "not wire")

    found = report_of(pytester)
    passed = [rule for rule in found["rules"] if rule["verdict"] in ("pass", "warning")]
    assert sum(rule["requests"] for rule in passed) <= READY
    assert "fail" not in verdicts(found).values()
    told(result, "nothing more is sent after 10 requests in a row")
    assert result.ret == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_trouble_now_and_then_is_no_fault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A good server behind a bad network: rules pass or are inconclusive, none fails."""
    kinds = ("drop", "429", "delay", "503", "reset")
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
    with troubled(server, lambda number: kinds[number // 9 % 5] if number > READY and number % 9 == 0 else "") as url:
        project(pytester, monkeypatch, url, server)
        run("shop.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json")

    found = list(verdicts(report_of(pytester)).values())
    assert found.count("fail") == 0
    assert found.count("pass") > 20


@pytest.mark.usefixtures("_impatient")
def test_trouble_does_not_hide_a_fault(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A bad server behind a bad network is not let pass."""
    kinds = ("drop", "429", "delay", "503", "reset")
    server = Server(loading.load(loading.builtin_profiles()["jindexe"]), faults=["token-prefix-compare"])
    with troubled(server, lambda number: kinds[number // 9 % 5] if number > READY and number % 9 == 0 else "") as url:
        project(pytester, monkeypatch, url, server)
        words = ("-k", "res-mutated-token", "--apiauth-report=report.json")
        result = run("shop.apiauth.toml", "--apiauth-live", *words)

    assert verdicts(report_of(pytester))["res-mutated-token"] in ("fail", "inconclusive")
    assert result.ret == 1


# Smoke


def test_smoke_takes_few_requests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A dozen rules, a few requests a zone and probe."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke")

    assert "12 rules" in output(result)
    assert result.ret == 0
    probes = sum(len(zone.probe) for zone in server.profile.zones.values())
    assert 0 < len(server.requests) < 20 * probes


def test_smoke_fails_with_a_wrong_secret(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A secret that is no longer good is a failure, told once."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setenv("JINDEXE_PASSWORD", "no-longer-good")
        result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "--apiauth-report=report.json")

    report = report_of(pytester)
    assert (report["verdict"], set(verdicts(report).values())) == ("not ready", {"not run", "skip"})
    assert told(result, "  not ready: shop: the valid token request to", "was answered with 400")
    assert result.ret == 1


def test_smoke_is_inconclusive_where_the_server_has_stopped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Where nothing listens, nothing is said about authentication."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
    result = run("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "--apiauth-report=report.json")

    report = report_of(pytester)
    assert (report["verdict"], set(verdicts(report).values())) == ("inconclusive", {"not run", "skip"})
    assert "no answer" in report["error"]
    told(result, "  inconclusive: shop: http://127.0.0.1", "no answer")
    assert result.ret == 1


# Secrets that are not set


@pytest.mark.slow
def test_unset_secrets_are_an_error_or_a_counted_skip(pytester: pytest.Pytester, run: Run) -> None:
    """Without the option one error names the variable; with it everything is skipped, which is no success either."""
    (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url="http://127.0.0.1:1"), encoding="utf-8")
    words = ("shop.apiauth.toml", "--apiauth-live", "-m", "apiauth_smoke", "-rs")
    error = run(*words)
    told(error, "shop: credentials.", "environment variable JINDEXE_", "is not set")
    assert error.parseoutcomes()["errors"] == 1
    skipped = run(*words, "--apiauth-skip-missing")
    assert set(skipped.parseoutcomes()) <= {"skipped", "deselected"}
    assert "environment variable JINDEXE_" in output(skipped)
    assert skipped.ret == 0


def test_ordinary_tests_are_skipped_too(pytester: pytest.Pytester, run: Run) -> None:
    """The same holds for tests that use a fixture."""
    (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url="http://127.0.0.1:1"), encoding="utf-8")
    pytester.makepyfile("def test_it(apiauth_client):\n    apiauth_client.get('/user/me')")
    run("test_ordinary_tests_are_skipped_too.py", "--apiauth-live").assert_outcomes(failed=1)
    result = run("test_ordinary_tests_are_skipped_too.py", "--apiauth-live", "--apiauth-skip-missing", "-rs")
    result.assert_outcomes(skipped=1)
    assert "is not set" in output(result)


TWINS = """
import pytest

@pytest.mark.apiauth("one/shop.apiauth.toml")
def test_one(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200

@pytest.mark.apiauth("other/shop.apiauth.toml")
def test_other(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_profiles_of_one_name_share_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """Two folders may each have a profile of the same name: neither's token, budget or URL is the other's."""
    pytester.makepyfile(test_twins=TWINS)
    with served("jindexe") as (one, first), served("jindexe") as (other, second):
        for folder, url, server in (("one", one, first), ("other", other, second)):
            project(pytester, monkeypatch, url, server, "[live]\nmax_requests = 2\n")
            pytester.mkdir(folder)
            (pytester.path / "shop.apiauth.toml").rename(pytester.path / folder / "shop.apiauth.toml")
        result = pytester.runpytest_subprocess("test_twins.py", "--apiauth-live", "-n", workers)

    result.assert_outcomes(passed=2)
    assert [len(server.requests) for server in (first, second)] == [2, 2]


# Many workers, and the end

CONSUMER = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_me(apiauth_client, number):
    assert apiauth_client.get("/user/me").status_code == 200

@pytest.mark.anyio
async def test_me_async(apiauth_async_client):
    assert (await apiauth_async_client.get("/user/me")).status_code == 200
"""


@pytest.mark.slow
def test_workers_share_one_token(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four files of tests on four workers: one token request; afterwards nothing is left of what they shared."""
    for number in range(4):
        (pytester.path / f"test_{number}.py").write_text(CONSUMER, encoding="utf-8")
    folder = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    outcomes = []
    for workers in ("0", "4"):
        with served("jindexe") as (url, server):
            project(pytester, monkeypatch, url, server)
            result = pytester.runpytest_subprocess(
                "--apiauth-live", "-n", workers, "-p", "no:randomly", "-k", "test_me"
            )
        outcomes.append(result.parseoutcomes())
        assert len([request for request in server.requests if request.method == "POST"]) == 1
    assert outcomes[0]["passed"] == outcomes[1]["passed"] >= 16
    assert [path.name for path in folder.glob("apiauth-*")] == []


@pytest.mark.slow
def test_an_unready_profile_is_one_error_of_all_workers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that comes first finds out; the others do not ask the server again."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setenv("JINDEXE_PASSWORD", "no-longer-good")
        result = pytester.runpytest_subprocess("shop.apiauth.toml", "--apiauth-live", "-n", "4", "-k", "zone or token")

    assert result.parseoutcomes()["errors"] == 1
    assert len([request for request in server.requests if request.method == "POST"]) == 1


@pytest.mark.slow
def test_workers_give_the_same_report(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite on four workers: same verdicts, every request within one budget, the host is told at the start."""
    reports = []
    for workers in ("0", "4"):
        with served("jindexe", faults=["token-case-folded"]) as (url, server):
            project(pytester, monkeypatch, url, server)
            result = pytester.runpytest_subprocess(
                "shop.apiauth.toml",
                "--apiauth-live",
                "-n",
                workers,
                "--apiauth-report=report.json",
                "--hypothesis-seed=1",
            )
        report = report_of(pytester)
        assert report["requests"] == len(server.requests)
        assert f"about to send requests to {url}" in output(result)
        reports.append(verdicts(report))
    assert reports[0] == reports[1]
    assert "fail" in reports[0].values()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_still_reports(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """Ctrl-C in the middle: exit status 2, the report is on disk, no worker is left."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nrate = 40\n")
        arrived = threading.Event()
        arrivals: list[float] = []
        monkeypatch.setattr(server, "handle", noting(server.handle, arrivals))
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "shop.apiauth.toml", "--apiauth-live", "-n", workers,
             "--apiauth-report=report.json"],
            cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            while len(arrivals) < 80 and process.poll() is None:
                arrived.wait(0.05)
            children = _children(process.pid)
            process.send_signal(signal.SIGINT)
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 2, text
    found = report_of(pytester)
    assert 0 < len(found["rules"]) < 123
    assert "API authentication" in text
    assert "Traceback" not in text
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def _children(pid: int) -> list[int]:
    """Give the processes that a process has started, where the system tells."""
    place = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in place.read_text().split()] if place.exists() else []

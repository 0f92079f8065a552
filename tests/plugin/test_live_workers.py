"""Live runs by several workers: one token, one report, one end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.plugin.live_projects import noting, project, report_of, verdicts
from tests.plugin.projects import output, served

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
        with served("jindexe", faults=["key-optional"]) as (url, server):
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
            preexec_fn=_hears_of_interrupts,
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


def _hears_of_interrupts() -> None:
    """Undo what a shell does to what it runs in the background, these tests perhaps: it ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _children(pid: int) -> list[int]:
    """Give the processes that a process has started, where the system tells."""
    place = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in place.read_text().split()] if place.exists() else []

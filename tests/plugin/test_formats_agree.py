"""All formats of one run say the same: with workers too, and of a run that was interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_apiauth.messages import Request, Response
from tests.plugin.formats import OPTIONS, Found, of_terminal, read_all
from tests.plugin.live_projects import noting, project
from tests.plugin.projects import Run, output, served
from tests.plugin.test_live_workers import _hears_of_interrupts


def changed(handle: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer as a server does that is wrong in several ways: 404 for a refusal, an open route, a server error."""

    def answer(request: Request) -> Response:
        response = handle(request)
        if response.status == 401 and request.path.startswith("/public"):
            return Response(404, response.headers, response.body)
        if request.header("authorization") == "Bearer":
            return Response(500, (), b"")
        return response

    return answer


def agreed(files: dict[str, Found]) -> Found:
    """Return what all formats say; require that they say the same."""
    for name, found in files.items():
        assert found == files["json"], name
    return files["json"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "4"])
def test_formats_agree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run, workers: str) -> None:
    """Which rules failed, which warned, and of which nothing could be said."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        monkeypatch.setattr(server, "handle", changed(server.handle))
        result = run("shop.apiauth.toml", "--apiauth-live", "-n", workers, *OPTIONS, "--hypothesis-seed=1")

    found = agreed(read_all(pytester.path))
    assert found["fail"]
    assert found["warning"]
    shown = of_terminal(output(result))
    assert shown["fail"] == found["fail"]
    assert shown["inconclusive"] == found["inconclusive"]
    assert {name for name in shown["warning"] if not name.endswith("more")} <= found["warning"]


@pytest.mark.slow
def test_formats_agree_after_an_interrupted_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found until then is in all of them."""
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server, "[live]\nrate = 60\n")
        arrivals: list[float] = []
        monkeypatch.setattr(server, "handle", noting(changed(server.handle), arrivals))
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "shop.apiauth.toml", "--apiauth-live", *OPTIONS],
            cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=_hears_of_interrupts,
        )  # fmt: skip
        waiting = threading.Event()
        try:
            while len(arrivals) < 200 and process.poll() is None:
                waiting.wait(0.05)
            process.send_signal(signal.SIGINT)
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 2, text
    found = agreed(read_all(Path(pytester.path)))
    assert found["fail"] | found["warning"] | found["inconclusive"]
    assert of_terminal(text)["fail"] == found["fail"]

"""Projects whose profile has a server on loopback, and the reports of their live runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response

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


def noting(handle: Callable[[Request], Response], arrivals: list[float]) -> Callable[[Request], Response]:
    """Note when each request arrives."""

    def noted(request: Request) -> Response:
        arrivals.append(time.monotonic())
        return handle(request)

    return noted

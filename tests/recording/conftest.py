"""Runs in which pytest-recording is at work."""

from __future__ import annotations

import contextlib
import importlib

import pytest

from pytest_apiauth.http import library
from pytest_apiauth.installed import LIBRARIES, has
from tests.plugin.projects import Run

# A run in this process forgets what it imported; what is patched must be what the next run imports.
for _name in filter(has, LIBRARIES):
    library(_name)
for _name in filter(has, ("httpcore", "httpcore2", "respx")):
    importlib.import_module(_name)
for _name in (
    "anyio._backends._asyncio",
    "pytest_apiauth.plugin.clients",
    "pytest_apiauth.plugin.reach",
    "vcr",
    "hypothesis",
):
    importlib.import_module(_name)
for _name in (
    "vcr.stubs.httpx_stubs",
    "pytest_recording._vcr",
    "pytest_apiauth.plugin.recordings",
):
    importlib.import_module(_name)

with contextlib.suppress(ImportError):
    # Needs urllib3, which is nobody's dependency here.
    importlib.import_module("vcr.stubs.requests_stubs")


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the surroundings decide: neither a CI nor options of its own."""
    for name in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in this process, in the project's folder, with pytest-recording."""

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cov", *arguments)

    return run

"""The fixtures of the tests of the plug-in, as a user sees it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.http import library
from pytest_apiauth.installed import LIBRARIES, has
from pytest_apiauth.plugin import collection as _collection  # noqa: F401 - see below
from tests.plugin.app_projects import APP, CONFTEST, TESTS, write
from tests.plugin.projects import NEIGHBOURS, Run

# A run in this process forgets what it imported. What costs time, or keeps classes of a module that it imports when
# first used (httpx those of httpcore), is imported before the first.
bundled.load_chapters()
for _name in filter(has, LIBRARIES):
    library(_name)
for _name in filter(has, ("httpcore", "httpcore2", "respx")):
    importlib.import_module(_name)
for _name in (
    "anyio._backends._asyncio", "trustme", "yaml", "pytest_apiauth.plugin.clients", "pytest_apiauth.plugin.reach",
):  # fmt: skip
    importlib.import_module(_name)


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the surroundings decide: neither a CI nor options of its own."""
    for name in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    # What --hypothesis-seed of a run in this process would leave behind.
    monkeypatch.setattr("hypothesis.core.global_force_seed", None)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in this process, in the project's folder."""

    def run(*arguments: str) -> pytest.RunResult:
        off = [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
        return pytester.runpytest_inprocess(*off, *arguments)

    return run


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an app, its profile and its credentials; the environment has none."""
    monkeypatch.delenv("SHOP_KEY", raising=False)
    pytester.makepyfile(**{"shop/__init__": "", "shop/main": APP, "tests/conftest": CONFTEST, "tests/test_it": TESTS})
    write(pytester.path)
    pytester.makeini("[pytest]")
    return pytester.path

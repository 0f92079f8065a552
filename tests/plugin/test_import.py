"""What is imported at start-up, and what the documents say of files."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "pytest_apiauth"
FOREIGN = (
    "httpx", "httpx2", "pydantic", "hypothesis", "respx", "filelock", "ssl", "vcr", "keyring", "dotenv", "anyio",
    "platformdirs", "yaml",
)  # fmt: skip
NEIGHBOURS = (
    "hypothesispytest", "anyio", "respx", "recording", "randomly", "pytest_cov", "xdist", "xdist.looponfail",
)  # fmt: skip
PROBE = """
import json, sys
def pytest_collection_finish(session):
    with open("modules.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""
PROBE_OF_CONTROLLER = """
import json, sys
def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        with open("modules.json", "w") as file:
            json.dump(sorted(sys.modules), file)
"""


# At start-up


def modules_of(pytester: pytest.Pytester, *options: str) -> set[str]:
    """Give the modules that a run has imported once an unrelated test is collected."""
    off = [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*off, "-p", "probe", "test_unrelated.py", *options)
    result.assert_outcomes(passed=1)
    return set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_unrelated_run_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """A test that uses nothing of ours pays for the standard library and pytest, even beside a profile."""
    pytester.makepyfile(test_unrelated="def test_it(): pass", probe=PROBE)
    (pytester.path / "shop.apiauth.toml").write_text('schema = 1\napp = "shop:app"', encoding="utf-8")
    pytester.syspathinsert()

    without = modules_of(pytester, "-p", "no:apiauth")
    ours = modules_of(pytester) - without

    assert f"{PACKAGE}.plugin.hooks" in ours
    roots = {name.partition(".")[0] for name in ours}
    assert roots <= {PACKAGE, *sys.stdlib_module_names}
    assert not {name for name in ours if name.partition(".")[0] in FOREIGN}


def test_nothing_of_ours_is_looked_for_in_all_that_is_installed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our fixtures are registered without a look at each installed package, which takes a time for each of them."""
    asked: list[str | None] = []
    load = pytest.PytestPluginManager.load_setuptools_entrypoints

    def seen(manager: pytest.PytestPluginManager, group: str, name: str | None = None) -> int:
        asked.append(name)
        return load(manager, group, name)

    monkeypatch.setattr(pytest.PytestPluginManager, "load_setuptools_entrypoints", seen)

    result = pytester.runpytest_inprocess("--fixtures")

    result.stdout.fnmatch_lines(["apiauth_client*"])
    assert None in asked
    assert not [name for name in asked if name is not None and PACKAGE in name]


@pytest.mark.slow
def test_controller_of_workers_imports_nothing_that_examines(pytester: pytest.Pytester) -> None:
    """Workers know what is examined and tell it: they need not wait until the controller has imported as much."""
    pytester.makepyfile(probe=PROBE_OF_CONTROLLER)
    pytester.syspathinsert()
    off = [word for name in ("hypothesispytest", "respx", "recording", "anyio") for word in ("-p", f"no:{name}")]

    (pytester.path / "shop.apiauth.toml").write_text('schema = 1\nextends = "dastra"', encoding="utf-8")

    result = pytester.runpytest_subprocess(*off, "-p", "probe", "-n", "2", "shop.apiauth.toml", "-k", "res-no-")

    result.stdout.fnmatch_lines(["apiauth: shop on the embedded server*"])
    loaded = set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8")))
    assert f"{PACKAGE}.plugin.verdicts" in loaded
    assert not loaded & {"pydantic", "httpx", "httpx2", "hypothesis", f"{PACKAGE}.targets.choose"}


# Documents


def documents() -> list[Path]:
    """Give what people read."""
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".ci/*"), ROOT / "pyproject.toml"]


def test_links_lead_to_files_of_the_project() -> None:
    """Every relative link of a document leads to a file of this project."""
    for path in documents():
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|#", target):
                place = (path.parent / target.partition("#")[0]).resolve()
                assert place.is_relative_to(ROOT), f"{path.name}: {target}"
                assert place.exists(), f"{path.name}: {target}"


def test_nothing_leads_out_of_the_project() -> None:
    """No document and no source names a place outside of the project."""
    outside = [str(folder) + "/" for folder in ROOT.parents if len(folder.parts) > 1]
    for path in [
        *documents(),
        *(path for folder in (PACKAGE, "conformance", "tests") for path in (ROOT / folder).rglob("*.py")),
    ]:
        text = path.read_text(encoding="utf-8")
        assert not [place for place in outside if place in text], path
        if path.suffix != ".py":
            assert "../" not in text, path
